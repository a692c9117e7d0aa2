// Exactly-once execution: what each client last asked and was answered (thesis 6.3). Part of the
// replicated state: every replica holds the same table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <libraft/state_machine.hpp>
#include <libraft/types.hpp>
#include "protocol/entry.hpp"

namespace raft::replica {

// Equal on all replicas, so constants.
inline constexpr std::size_t session_window = 64;   ///< Replies kept per client.
inline constexpr std::size_t sessions_max = 65536;  ///< Beyond: the longest silent ends.
/// Of all names and replies, with what a record of each takes. Beyond: the longest silent ends. A
/// snapshot's head holds them all, and is in memory as a whole.
inline constexpr std::size_t sessions_bytes_max = std::size_t{256} << 20;
inline constexpr std::size_t client_bytes_max = 64;
inline constexpr Duration session_lifetime = std::chrono::hours(1);  ///< Of silence, in log time.

class Sessions {
 public:
  enum class Verdict : std::uint8_t {
    fresh,     ///< To be executed, then remembered.
    repeated,  ///< Executed before; the reply is at hand.
    expired,   ///< Below the window, or above 1 from an unknown client: never executed.
  };

  /// `tracks_changes`: take_changes() will be called, for a durable machine.
  explicit Sessions(bool tracks_changes) : tracks_changes_(tracks_changes) {}

  /// Judges a command with a client; also ends sessions that were silent too long.
  Verdict judge(const Command& command, LogTime time);
  /// The reply to a repeated command.
  const Bytes& reply(const Command& command) const;
  void remember(const Command& command, LogTime time, const Bytes& reply);

  std::size_t size() const { return clients_.size(); }

  /// The records of the clients that changed since the last call, for a durable machine.
  void take_changes(std::vector<MetaRecord>& records);
  /// The records of all clients.
  void save(std::vector<MetaRecord>& records) const;
  /// Takes one record in. False: it is none of this table's, or not readable.
  bool load(const MetaRecord& record);

 private:
  struct Client {
    LogTime last_heard;
    std::uint64_t highest = 0;               ///< Sequence.
    std::map<std::uint64_t, Bytes> replies;  ///< The newest `session_window`.
  };

  void forget_first(Client& client);
  void end(const Bytes& client);
  void expire(LogTime time);
  MetaRecord record_of(const Bytes& name, const Client& client) const;

  std::map<Bytes, Client> clients_;
  std::size_t bytes_ = 0;  ///< A function of the clients alone, so that all replicas agree.
  std::set<std::pair<LogTime, Bytes>> by_silence_;  ///< The longest silent first.
  bool tracks_changes_;
  std::set<Bytes> changed_;
};

}  // namespace raft::replica
