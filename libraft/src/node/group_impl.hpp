// One group on a node: its replica in its world, and the callers' handlers.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <libraft/node.hpp>
#include "node/call.hpp"
#include "node/group_ports.hpp"
#include "replica/beginning.hpp"
#include "replica/replica.hpp"
#include "storage/log_store.hpp"
#include "storage/snapshot_files.hpp"

namespace raft {

/// Everything but the copy of the status is touched on the node's strand only.
class Group::Impl final : public replica::Driver {
 public:
  template <class... Args>
  using Handler = boost::asio::any_completion_handler<void(boost::system::error_code, Args...)>;

  Impl(Node::Impl& node, const GroupOptions& options);
  ~Impl() override;

  /// Recovers the log, or begins as the options say where there is nothing. Blocks.
  Result<void> open(StateMachine& machine);
  /// Lets go of the replica; what posted itself here before does nothing any more.
  void close();

  // --- requests, from any thread ---
  void propose(Bytes command, ProposeOptions options, Handler<Applied> handler);
  void read(ReadLevel level, Duration deadline, std::function<void()> function, Handler<> handler);
  // `why` gets the detail of an error; null: nobody wants it.
  void change(MembershipChange change, std::string* why, Handler<> handler);
  void add(Member member, std::string* why, Handler<> handler);
  void transfer(NodeId target, std::string* why, Handler<> handler);
  void take_snapshot(Handler<> handler);
  Status status() const;
  GroupId id() const { return options_.group; }
  Group& handle() { return handle_; }

  // --- the node's events, on the strand ---
  void tick();
  void turn();
  void run_completions();
  replica::Replica* replica() { return replica_.get(); }
  const replica::Replica* replica() const { return replica_.get(); }

  // --- replica::Driver ---
  Instant now() override;
  void wake() override;
  void membership_changed() override;
  void failed(const Error& why) override;

 private:
  Result<void> open_replica(RecoveredLog recovered);
  void publish_status();

  /// Runs `start` on the strand with a call to complete, and lets the caller cancel it.
  template <class Start, class... Args>
  void initiate(node::Call<Args...> call, Start start);
  void introduced(const Hello& peer, Member member, replica::Done done);
  Instant deadline_after(Duration duration);

  Node::Impl& node_;
  const GroupOptions options_;
  StateMachine* machine_ = nullptr;
  Group handle_;
  std::shared_ptr<const void> life_ = std::make_shared<int>();

  storage::LogStore store_;
  storage::SnapshotFiles files_;
  std::unique_ptr<node::TransportOutbox> outbox_;
  std::unique_ptr<node::LogStorage> storage_;
  std::unique_ptr<node::PoolWorker> worker_;
  node::TransportIntroducer introducer_;
  replica::Beginning beginning_;
  std::unique_ptr<replica::Replica> replica_;

  mutable std::mutex status_mutex_;
  Status published_;  ///< At most a tick old, for callers off the strand.
};

}  // namespace raft
