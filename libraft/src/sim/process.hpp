// One life of a simulated node: what NodeImpl is in production, with the same pieces below it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libraft/options.hpp>
#include <libraft/sim.hpp>
#include "replica/address_book.hpp"
#include "replica/beginning.hpp"
#include "replica/greeter.hpp"
#include "replica/replica.hpp"
#include "sim/flushed_machine.hpp"
#include "sim/node.hpp"
#include "sim/observed_machine.hpp"
#include "sim/simulated_storage.hpp"
#include "sim/simulated_transport.hpp"
#include "storage/log_store.hpp"
#include "storage/snapshot_files.hpp"

namespace raft::sim {

class World;

/// Dies by being destroyed.
class Process final : public Loop,
                      public LogWatch,
                      public wire::TransportHandler,
                      public replica::Driver,
                      public replica::Outbox,
                      public replica::IdentityKeeper,
                      public replica::Introducer {
 public:
  Process(World& world, Node& node);
  ~Process() override;

  /// Recovers what the disk holds and opens the replica, or begins as told. An error: it does not
  /// start, and says why.
  Result<void> start(const Founding& founding);
  /// Ends in order: callers are told.
  void stop();
  /// What the last event led to, as at the end of a turn of the loop.
  void turn();
  void tick();

  /// Null until a founder has heard of all others.
  replica::Replica* replica() { return replica_.get(); }
  const replica::Replica* replica() const { return replica_.get(); }
  ObservedMachine& observed() { return *observed_; }
  Checkers::View view() const;
  bool turn_is_late = false;  ///< A turn for several events was put off.
  /// The scripted error that its disk has answered and that a failure may go back to; absent: none.
  std::optional<Fault> disk_error() const;

  // --- Loop ---
  void after(Duration delay, Events::Function function) override;

  // --- LogWatch ---
  void log_synced() override;
  void log_failed() override;
  void log_unread(Index first) override;

  // --- wire::TransportHandler ---
  Hello hello(Purpose purpose, NodeId target) override;
  std::optional<Refused> judge(const Hello& hello) override;
  void refused(NodeId peer, const std::string& address, const Refused& why) override;
  void connected(NodeId peer, const Hello& hello) override;
  void lost(NodeId peer) override;
  void received(GroupId group, Message message) override;
  void received(GroupId group, ServiceMessage message, Reply reply) override;

  // --- replica::Driver ---
  Instant now() override;
  void wake() override { is_woken_ = true; }
  void membership_changed() override { peers_changed_ = true; }
  void leader_changed(NodeId, Term) override { peers_changed_ = true; }
  void failed(const Error& why) override;

  // --- replica::Outbox ---
  void send(const Message& message) override;
  void send(const ServiceMessage& message) override;
  void send_bulk(const ServiceMessage& message) override;
  void flush() override;

  // --- replica::IdentityKeeper ---
  storage::Identity identity() const override { return identity_->identity(); }
  Result<void> change_identity(const std::function<void(storage::Identity&)>& change) override;
  std::optional<Error> final_error() const override { return identity_->final_error(); }

  // --- replica::Introducer ---
  void introduce(const std::string& address, std::optional<ServiceBody> request,
                 util::UniqueFunction<void(Result<Introduction>)> done) override;

 private:
  Result<void> open_replica(RecoveredLog recovered);
  replica::Greeter::Replicas replicas() const;
  void update_peers();
  void tell_restorable();
  void tell_received(const std::string& temporary, const std::string& name);
  void count_limits(const Message& message);
  util::Log log();

  World& world_;
  Node& node_;
  const std::uint64_t life_;
  std::shared_ptr<const void> alive_ = std::make_shared<int>();
  GroupOptions options_;
  std::optional<storage::IdentityFile> identity_;  ///< There once started.

  std::unique_ptr<ObservedMachine> observed_;
  std::unique_ptr<FlushedMachine> flushed_;  ///< Null: the machine is volatile.
  storage::LogStore store_;
  storage::SnapshotFiles files_;
  SimulatedStorage storage_;
  WatchedLog watched_log_;
  SimulatedWorker worker_;
  replica::Greeter greeter_;
  replica::AddressBook addresses_;
  std::optional<replica::Beginning> beginning_;
  std::unique_ptr<replica::Replica> replica_;
  std::unique_ptr<SimulatedTransport> transport_;  ///< Null until the identity is known.

  std::vector<SnapshotInfo> offered_;  ///< By leaders, to this life.
  Index told_base_;                    ///< Of the log, as the checkers know it.
  /// Reads for followers only that failed: no reason to stop.
  std::uint64_t unread_for_peers_ = 0;

  std::uint64_t ticks_ = 0;
  bool is_woken_ = false;
  bool peers_changed_ = false;
};

}  // namespace raft::sim
