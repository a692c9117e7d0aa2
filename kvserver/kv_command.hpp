// The commands that travel in log entries and the replies they earn, with their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include <libraft/error.hpp>
#include <libraft/types.hpp>

namespace kv {

using raft::Bytes;
using raft::BytesView;
using raft::Index;

/// A part of the format: every replica must refuse the same commands. A longer or an empty key
/// makes a command malformed.
inline constexpr std::size_t key_bytes_max = 4096;

// What must hold when a command is applied, else it changes nothing.

/// Nothing is asked.
struct Always {
  bool operator==(const Always&) const = default;
};
/// The key's last change is the entry at `since`, as told by Item::change_index and Reply. Index 0:
/// the key must be absent.
struct Unchanged {
  Index since;
  bool operator==(const Unchanged&) const = default;
};
/// The key is present, whatever its value.
struct Exists {
  bool operator==(const Exists&) const = default;
};
using Condition = std::variant<Always, Unchanged, Exists>;

// Commands hold views: encode() copies the bytes once, into the log entry, and decode_command()
// copies none. The bytes belong to the caller of encode() or to the decoded entry.

struct Put {
  BytesView key;
  BytesView value;
  Condition condition = Always{};
  bool operator==(const Put&) const = default;
};
struct Delete {
  BytesView key;
  Condition condition = Always{};
  bool operator==(const Delete&) const = default;
};
using Command = std::variant<Put, Delete>;

/// The bytes to propose. Keys and values that the format cannot hold come out as a command that is
/// malformed everywhere, so callers check `key_bytes_max` first and need not check again.
Bytes encode(const Command& command);

/// The views point into `bytes`. Errors: corrupt, with what is wrong. Never reads outside `bytes`
/// and allocates nothing on success.
raft::Result<Command> decode_command(BytesView bytes);

enum class Outcome : std::uint8_t {
  created = 1,  ///< The key was absent.
  replaced,     ///< The key had a value.
  deleted,
  not_found,            ///< Nothing to delete.
  precondition_failed,  ///< Nothing changed.
  malformed,            ///< The command makes no sense to this version; nothing changed.
};

/// "created", "precondition_failed", ...
const char* to_string(Outcome);

/// What came of a command. The same on every replica, and given again to a repeated request.
struct Reply {
  Outcome outcome = Outcome::malformed;
  /// created, replaced, deleted: the index of this command's own entry. precondition_failed: the
  /// key's present change index, 0 if it is absent. Else 0.
  Index change_index;
  bool operator==(const Reply&) const = default;
};

/// Ten bytes: short enough for a string without an allocation.
Bytes encode(const Reply& reply);

/// Errors: corrupt. An empty reply is one: the store could not apply the command.
raft::Result<Reply> decode_reply(BytesView bytes);

}  // namespace kv
