// What stands inside the records of a group: hard state, base and entries as bodies of a value.
#pragma once

#include <libraft/error.hpp>
#include "protocol/durable.hpp"

namespace raft::storage {

/// Complete values for the engine, with their envelope.
Bytes encode_record(BytesView key, const HardState& hard_state);
Bytes encode_record(BytesView key, const SnapshotMeta& base);
Bytes encode_record(BytesView key, const Entry& entry);

// Errors of all, naming the key: corrupt, newer_format.
Result<HardState> decode_hard_state(BytesView key, BytesView value);
Result<SnapshotMeta> decode_base(BytesView key, BytesView value);
/// Also checks that the entry stands under its own index.
Result<EntryPtr> decode_entry_at(BytesView key, BytesView value);

}  // namespace raft::storage
