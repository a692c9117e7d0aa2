// One life of a simulated node: its replica between the ports of the simulated world.
#pragma once

#include <deque>
#include <memory>

#include "replica/world.hpp"
#include "storage/log_store.hpp"
#include "storage/snapshot_files.hpp"

namespace raft::test {

/// Encodes what is sent, and lets Truth judge it as it leaves.
class SimulatedOutbox final : public replica::Outbox {
 public:
  SimulatedOutbox(World& world, SimulatedNode& node) : world_(world), node_(node) {}

  void send(const Message& message) override;
  void send(const ServiceMessage& message) override;
  void send_bulk(const ServiceMessage& message) override;
  void flush() override {}

 private:
  World& world_;
  SimulatedNode& node_;
};

/// The log over the simulated engine. Several batches share one sync, as on the storage thread; a
/// crash may come before the write, between write and sync, and between sync and confirmation.
class SimulatedStorage final : public replica::Storage {
 public:
  SimulatedStorage(World& world, SimulatedNode& node, storage::LogStore& store)
      : world_(world), node_(node), store_(store) {}

  void write(const PersistWork& work, bool may_wait, Done done) override;
  void compact(const SnapshotMeta& base, Done done) override;
  Result<std::vector<EntryPtr>> read(Index first, Index last,
                                     std::size_t bytes_max) const override {
    return store_.read(first, last, bytes_max);
  }
  bool is_full() const override { return node_.is_full; }
  /// What is staged from now on follows what the disk has.
  void reset() { staged_ = node_.on_disk; }

 private:
  struct Item {
    storage::KvBatch batch;
    bool syncs = false;
    OnDisk then;  ///< What the disk holds once this is synced.
    Done done;
  };

  Duration latency();
  void submit(Item item);
  void write_some();
  void sync_written();

  World& world_;
  SimulatedNode& node_;
  storage::LogStore& store_;
  std::deque<Item> queue_;
  std::vector<Item> written_;  ///< To the engine, and not yet synced.
  OnDisk staged_;
  bool is_busy_ = false;
};

class SimulatedWorker final : public replica::Worker {
 public:
  SimulatedWorker(World& world, NodeId node) : world_(world), node_(node) {}

  void run(util::UniqueFunction<void()> job, util::UniqueFunction<void()> done) override;

 private:
  Duration latency();

  World& world_;
  const NodeId node_;
};

class SimulatedNode::Life final : public replica::Driver {
 public:
  Life(World& world, SimulatedNode& node);

  /// Recovers the log and opens the replica; a violation if that fails.
  bool open();
  void found();
  void turn();
  bool take_wake() { return std::exchange(is_woken_, false); }

  replica::Replica* replica() { return replica_.get(); }
  StateMachine& machine();
  const RegisterState& state() const;
  replica::Gatekeeper& gatekeeper() { return gatekeeper_; }
  storage::SnapshotFiles& files() { return files_; }
  bool turn_scheduled = false;

  Instant now() override;
  void wake() override { is_woken_ = true; }
  void membership_changed() override {}
  void failed(const Error& why) override;

 private:
  World& world_;
  SimulatedNode& node_;
  storage::LogStore store_;
  storage::SnapshotFiles files_;
  std::unique_ptr<VolatileRegister> volatile_;
  std::unique_ptr<DurableRegister> durable_;
  SimulatedOutbox outbox_;
  SimulatedStorage storage_;
  SimulatedWorker worker_;
  replica::Gatekeeper gatekeeper_;
  bool is_woken_ = false;
  std::unique_ptr<replica::Replica> replica_;
};

}  // namespace raft::test
