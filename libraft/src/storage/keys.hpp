// The keys of the log's database. Their byte order is the order of groups, kinds and indexes.
#pragma once

#include <optional>
#include <string>

#include <libraft/types.hpp>

namespace raft::storage {

Bytes hard_state_key(GroupId group);
Bytes base_key(GroupId group);
Bytes entry_key(GroupId group, Index index);

/// Where the boot number stands: of no group, and behind all of them.
Bytes boot_mark_key();

/// The key behind the entry at `last`, and before everything else that may follow: the end of a
/// range that includes `last`.
Bytes key_behind(GroupId group, Index last);

/// The index that an entry's key names. Absent: it is not the key of an entry.
std::optional<Index> entry_index(BytesView key);

/// For people: "group 1 entry 42", or the bytes in hexadecimal if it is no key of ours.
std::string describe_key(BytesView key);

}  // namespace raft::storage
