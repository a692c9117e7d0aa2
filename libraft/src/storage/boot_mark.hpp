// The boot number in the log's database: what ties the log to the identity beside it.
#pragma once

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "storage/kv_engine.hpp"

namespace raft::storage {

/// Writes the boot number of a life that begins, before the identity file has it. So the log knows
/// of every life that the identity knows of, or it has lost its end: a file of the database is gone
/// or empty, which the database itself does not notice, or one of the two is an old copy. Errors:
/// data_missing, saying what to do; corrupt, newer_format; those of the engine.
Result<void> mark_boot(KvEngine& engine, BootNumber beginning);

}  // namespace raft::storage
