// What a replica needs of the world. Production and the simulator implement these; everything
// else of a replica is the same code in both.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "protocol/durable.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"
#include "storage/identity.hpp"
#include "util/unique_function.hpp"

namespace raft::replica {

/// Messages to other nodes, of this group. Called on the replica's thread. Sending never fails:
/// what cannot be delivered is lost, and lost connections are told through Replica::peer_lost().
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void send(const Message& message) = 0;
  virtual void send(const ServiceMessage& message) = 0;
  /// On the bulk connection: chunks of snapshots and requests for them.
  virtual void send_bulk(const ServiceMessage& message) = 0;
  /// What was sent so far leaves now, before this turn's batch goes to the disk.
  virtual void flush() = 0;
};

/// The log on disk, of this group.
class Storage {
 public:
  /// What became of a batch.
  struct Written {
    Result<void> result;
    Duration took{0};
  };
  using Done = util::UniqueFunction<void(const Written&)>;

  virtual ~Storage() = default;
  /// Writes one batch, synced if it writes anything. Batches take effect and are confirmed in the
  /// order of the calls. `done` runs on the replica's thread, possibly before the call returns.
  /// `may_wait`: the caller has others to wait for anyway, so its thread is not to be held.
  virtual void write(const PersistWork& work, bool may_wait, Done done) = 0;
  /// Erases the log up to the new base, in the same order, without a sync.
  virtual void compact(const SnapshotMeta& base, Done done) = 0;
  /// Old entries; as LogStore::read(). Any thread; may block.
  virtual Result<std::vector<EntryPtr>> read(Index first, Index last,
                                             std::size_t bytes_max) const = 0;
  /// Nearly no space is left: proposals are refused.
  virtual bool is_full() const = 0;
};

/// Runs work that may block.
class Worker {
 public:
  virtual ~Worker() = default;
  /// Runs `job` elsewhere and then `done` on the replica's thread, never before the call returns.
  /// Jobs may run at the same time. At the end both are destroyed unrun.
  virtual void run(util::UniqueFunction<void()> job, util::UniqueFunction<void()> done) = 0;
};

/// Who the data directory says this node is. Any thread: one group may run while another starts.
class IdentityKeeper {
 public:
  virtual ~IdentityKeeper() = default;
  virtual storage::Identity identity() const = 0;
  /// Reads, changes and writes it in one step, so that no group undoes what another one wrote.
  /// Durable when it returns; after an error the old one stands.
  virtual Result<void> change_identity(const std::function<void(storage::Identity&)>& change) = 0;
  /// Present: nothing can be written any more, and so the node must stop.
  virtual std::optional<Error> final_error() const = 0;
};

/// Reaches nodes that need not be members yet.
class Introducer {
 public:
  virtual ~Introducer() = default;
  /// Asks the node at an address who it is and, with a request, waits for its one reply. Errors:
  /// timed_out (5 s, nobody there), conflict (it refused; the detail says why). `done` runs on the
  /// replica's thread, never before the call returns.
  virtual void introduce(const std::string& address, std::optional<ServiceBody> request,
                         util::UniqueFunction<void(Result<Introduction>)> done) = 0;
};

/// Who drives the replica.
class Driver {
 public:
  virtual ~Driver() = default;
  /// The present instant of CLOCK_BOOTTIME, or of the simulated clock; never cached.
  virtual Instant now() = 0;
  /// Calls Replica::pump() once at the end of the present turn.
  virtual void wake() = 0;
  /// The membership in force changed: connections may have to follow.
  virtual void membership_changed() = 0;
  /// Another leader is known, or none (0). Connections may have to follow, too: who leads stays
  /// connected, member or not.
  virtual void leader_changed(NodeId leader, Term term) = 0;
  /// The replica has stopped for good, or this node cannot join. Each is told once.
  virtual void failed(const Error& why) = 0;
};

}  // namespace raft::replica
