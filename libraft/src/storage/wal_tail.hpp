// After a power cut: was the end of RocksDB's write-ahead log torn, or has it rotted?
#pragma once

#include <string>

#include <libraft/error.hpp>
#include "util/log.hpp"

namespace raft::storage {

/// To be called before RocksDB opens the database, with nobody using it. RocksDB is wrong about
/// two things:
///
/// * A power cut may let some pages of the last batch through and not others. RocksDB then refuses
///   to open, although nothing was ever acknowledged of that batch. It is cut off here.
/// * A record whose length has rotted may look like the torn end of the file. RocksDB then opens
///   silently without it and all that follows. It is refused here.
///
/// Right only if every batch was synced before the next one was written: then at most the last
/// record can be torn, and a damaged one that another follows has rotted. Errors: corrupt names the
/// file and the place that has rotted, which is left as it is; storage_failed.
Result<void> mend_wal(const std::string& folder, const util::Log& log);

}  // namespace raft::storage
