// One group on a node: its replica in its world, and the callers' handlers.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
#include "util/mutex.hpp"

namespace raft {

/// Opened by whoever starts the group, and then handed to the node's strand, where everything but
/// the copy of the status is touched.
class Group::Impl final : public replica::Driver {
 public:
  template <class... Args>
  using Handler = boost::asio::any_completion_handler<void(boost::system::error_code, Args...)>;

  Impl(Node::Impl& node, const GroupOptions& options);
  ~Impl() override;

  /// Recovers the log, or begins as the options say where there is nothing. Blocks.
  Result<void> open(StateMachine& machine);
  /// The strand has it now.
  void arrived();
  /// Refuses requests from now on; what waits goes on.
  void wind_down();
  /// Nobody waits any more.
  bool is_idle() const;
  /// Completes what waits and lets go of the replica: what posted itself here before does nothing
  /// any more.
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
  Duration tick_period() const { return options_.timing.tick; }
  Group& handle() { return handle_; }
  boost::asio::any_io_executor executor() const;

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
  void leader_changed(NodeId leader, Term term) override;
  void failed(const Error& why) override;

 private:
  Result<void> open_replica(RecoveredLog recovered);
  void publish_status();

  /// What a caller may give up: the number of a request to the replica, or of an introduction that
  /// comes before it. Null: it cannot be given up.
  using Ticket = std::shared_ptr<std::uint64_t>;
  /// A node that is to be added and is asked who it is.
  struct Asking {
    Member member;
    std::string* why;  ///< Null: nobody wants the detail of an error.
    node::Call<> call;
    Ticket ticket;
  };

  /// Runs `start` on the strand with a call to complete, and lets the caller cancel it.
  template <class Start, class... Args>
  void initiate(node::Call<Args...> call, Start start);
  void cancel(std::uint64_t ticket);
  std::uint64_t ask_for_introduction(Member member, std::string* why, node::Call<> call,
                                     Ticket ticket);
  void introduced(std::uint64_t number, const Result<Introduction>& introduction);
  Instant deadline_after(Duration duration);

  Node::Impl& node_;
  const GroupOptions options_;
  StateMachine* machine_ = nullptr;
  Group handle_;
  std::shared_ptr<const void> life_ = std::make_shared<int>();
  const node::Alive alive_{life_};  ///< Never changes, so that any thread may copy it.

  storage::LogStore store_;
  storage::SnapshotFiles files_;
  std::unique_ptr<node::TransportOutbox> outbox_;
  std::unique_ptr<node::LogStorage> storage_;
  std::unique_ptr<node::PoolWorker> worker_;
  node::TransportIntroducer introducer_;
  node::SharedEngine engine_;
  replica::Beginning beginning_;
  std::unique_ptr<replica::Replica> replica_;
  std::map<std::uint64_t, Asking> introductions_;
  std::uint64_t last_introduction_ = 0;  ///< Downwards, for the replica's tickets count upwards.
  bool is_winding_down_ = false;
  bool has_failed_ = false;

  mutable util::Mutex status_mutex_;
  /// At most a tick old, for callers off the strand.
  Status published_ RAFT_GUARDED_BY(status_mutex_);
};

}  // namespace raft
