// Every option with its default and advice. Plain values, checked once at the start.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/membership.hpp>
#include <libraft/types.hpp>

namespace rocksdb {
class Cache;
class WriteBufferManager;
}  // namespace rocksdb

namespace raft {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Receives one line without a newline. May be called from any thread, one at a time.
using LogSink = std::function<void(LogLevel, std::string_view component, std::string_view line)>;

/// Heartbeats must be well below the election timeout, and that well above a round trip and a
/// disk sync. Most users should leave this alone.
struct Timing {
  Duration tick = std::chrono::milliseconds(10);
  Duration heartbeat = std::chrono::milliseconds(50);
  /// T: a follower waits for a random time in [T, 2T) before it campaigns.
  Duration election_timeout = std::chrono::milliseconds(500);
  /// A follower that receives a snapshot asks again for what did not come within this time.
  Duration snapshot_retry = std::chrono::seconds(1);
  /// After this long without progress it gives up a transfer; the leader does so after twice that.
  Duration snapshot_patience = std::chrono::seconds(30);
};

/// Bounds on memory and on what is on the way. All in bytes unless the name says otherwise.
struct Limits {
  /// Of one command. It travels in one frame of 8 MiB: at most 1 KiB less than that.
  std::size_t command_bytes_max = std::size_t{4} << 20;
  std::size_t append_bytes_max = std::size_t{1} << 20;        ///< Entries in one message; as above.
  std::size_t inflight_bytes_max = std::size_t{8} << 20;      ///< Per peer; at most 32 MiB.
  std::size_t inflight_appends_max = 256;                     ///< Messages, per peer.
  std::size_t uncommitted_bytes_max = std::size_t{64} << 20;  ///< Beyond: `busy`.
  std::size_t apply_bytes_max = std::size_t{8} << 20;         ///< Handed out but not yet applied.
  std::size_t log_cache_bytes = std::size_t{32} << 20;        ///< Tail of the log held in memory.
  std::size_t pending_proposals_max = 65536;                  ///< Waiting callers; beyond: `busy`.
  std::size_t pending_reads_max = 65536;
  /// A snapshot is written, sent and received in pieces of this size; at most 1 MiB.
  std::size_t snapshot_chunk_bytes = std::size_t{256} << 10;
  /// Of a snapshot, asked for and not yet on the follower's disk; at least one chunk is.
  std::size_t snapshot_window_bytes = std::size_t{1} << 20;
};

/// When the log is shortened.
struct Retention {
  /// A snapshot is due when the log since the last one exceeds this or that snapshot's size.
  std::size_t snapshot_log_bytes = std::size_t{64} << 20;
  std::uint64_t snapshot_log_entries = 500'000;
  /// Entries kept below a snapshot, so that a follower a little behind needs no snapshot.
  std::uint64_t trailing_entries = 10'000;
  /// How much log a slow snapshot transfer may hold back before it is given up.
  std::size_t log_hold_bytes_max = std::size_t{1} << 30;
};

struct InitialMember {
  NodeId id;
  std::string address;  ///< "host:port" of its Raft port.
  Bytes attributes;
};

/// How a directory without a member begins. A directory that holds one ignores all of this.
struct Founding {
  /// Found a cluster of one: this node. Never do this on two nodes of one cluster.
  bool bootstrap = false;
  /// Join through any of these Raft addresses, as a learner that is promoted once caught up.
  std::vector<std::string> join;
  /// Wait until a member adds this node.
  bool wait_to_be_added = false;
  /// The cluster that `join` must lead to; absent: whichever answers.
  ClusterId cluster{};
  /// Alternative to all above: every node is started with the same list. The smallest id founds
  /// once all others have answered and none belongs to a cluster; the others join through it.
  std::vector<InitialMember> initial_members;
  /// How long joining may take before `on_failure` reports `timed_out`. 0: for ever.
  Duration join_timeout{0};
};

struct GroupOptions {
  GroupId group{};
  Founding founding;
  /// Opaque bytes that this member brings into the membership, at most 4 KiB.
  Bytes attributes;
  Timing timing;
  Limits limits;
  Retention retention;
  bool pre_vote = true;      ///< Off only to study disruption.
  bool check_quorum = true;  ///< Off only to study partitions.
  /// Reads without a round, trusting clocks to drift less than 10 %. Needs check_quorum.
  bool lease_reads = false;
};

struct NodeOptions {
  NodeId id;
  std::string data_dir;  ///< Created with mode 0700 when missing; locked against a second process.
  std::string listen;    ///< "host:port" for other nodes. Port 0 takes a free one.
  /// What others dial; empty: `listen` with the real port, which must not be 0.0.0.0 or [::] then.
  std::string advertise;
  /// Threads for state machines that may block, for snapshots and for old log entries.
  std::size_t worker_threads = 2;
  /// RocksDB memory shared with the user's own databases; null: libraft's own small ones.
  std::shared_ptr<rocksdb::Cache> block_cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffer_manager;
  LogSink log;  ///< Empty: silent.
  LogLevel log_level = LogLevel::info;
  /// Called at most once per group, on the node's executor, when it cannot go on: storage or the
  /// state machine failed, its identity was refused, it was removed, or joining timed out. The node
  /// stays up to answer what is waiting.
  std::function<void(GroupId, const Error&)> on_failure;
  /// Called on the node's executor whenever a group of this node comes to know of another leader,
  /// perhaps this very node, or of none (0). It may be outdated when it is called: only a leader's
  /// term says which of two is the newer one.
  std::function<void(GroupId, NodeId leader, Term term)> on_leader_change;
};

}  // namespace raft
