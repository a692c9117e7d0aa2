// The node: what its groups share, and the turn of its strand.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <libraft/node.hpp>
#include "net/tcp_transport.hpp"
#include "node/call.hpp"
#include "node/data_directory.hpp"
#include "node/group_impl.hpp"
#include "replica/address_book.hpp"
#include "replica/greeter.hpp"
#include "storage/storage_thread.hpp"
#include "util/log.hpp"
#include "util/log_throttle.hpp"
#include "util/mutex.hpp"

namespace raft {

/// Everything happens on the strand but what says otherwise.
class Node::Impl final : public wire::TransportHandler {
 public:
  Impl(Executor executor, NodeOptions options, util::Log log,
       std::unique_ptr<node::DataDirectory> directory);
  ~Impl() override;

  Result<void> listen();
  /// Any thread: opens the group there and hands it to the strand.
  Result<Group*> start_group(const GroupOptions& options, StateMachine& machine);
  void stop(Duration grace, node::Call<> call);

  // --- for groups ---
  const node::Strand& strand() const { return strand_; }
  /// Expired once the node has stopped. Any thread.
  const node::Alive& alive() const { return alive_; }
  const NodeOptions& options() const { return options_; }
  const util::Log& log() const { return log_; }
  node::DataDirectory& directory() { return *directory_; }
  storage::StorageThread& storage_thread() { return storage_thread_; }
  boost::asio::thread_pool& workers() { return workers_; }
  net::TcpTransport& transport() { return transport_; }
  /// One turn of all groups at the end of the present one.
  void wake();
  void peers_changed() { peers_changed_ = true; }
  void failed(GroupId group, const Error& why);
  void leader_changed(GroupId group, NodeId leader, Term term);

  // --- any thread ---
  NodeIdentity identity() const;
  TransportStatus transport_status() const;
  std::string address() const;

  // --- wire::TransportHandler ---
  Hello hello(Purpose purpose, NodeId target) override;
  std::optional<Refused> judge(const Hello& hello) override;
  void refused(NodeId peer, const std::string& address, const Refused& why) override;
  void connected(NodeId peer, const Hello& hello) override;
  void lost(NodeId peer) override;
  void received(GroupId group, Message message) override;
  void received(GroupId group, ServiceMessage message, Reply reply) override;

 private:
  struct Stop {
    Instant deadline;
    node::Call<> call;
  };

  Result<void> reserve(GroupId group);
  void take_in_groups();
  std::vector<std::unique_ptr<Group::Impl>> take_arrivals();
  void turn();
  void run_completions();
  void schedule_tick();
  void tick();
  void update_peers();
  void go_on_stopping();
  bool is_done_stopping() const;
  void finish_stopping();
  void refuse_groups();
  void close_groups();
  replica::Greeter::Replicas replicas() const;
  void publish();

  const node::Strand strand_;
  const NodeOptions options_;
  const util::Log log_;
  std::shared_ptr<const void> life_ = std::make_shared<int>();
  const node::Alive alive_{life_};  ///< Never changes, so that any thread may copy it.
  std::unique_ptr<node::DataDirectory> directory_;
  boost::asio::thread_pool workers_;
  storage::StorageThread storage_thread_;
  net::TcpTransport transport_;
  util::LogThrottle refusals_throttle_{std::chrono::minutes(1)};
  replica::Greeter greeter_;
  std::map<GroupId, std::unique_ptr<Group::Impl>> groups_;
  replica::AddressBook addresses_;
  boost::asio::steady_timer timer_;
  Duration tick_every_ = std::chrono::milliseconds(10);
  bool is_ticking_ = false;
  bool turn_scheduled_ = false;
  bool peers_changed_ = false;
  bool is_stopped_ = false;
  bool is_completing_ = false;  ///< Callers' handlers are running, which must not end the node.
  std::optional<Stop> stop_;

  // From whoever starts groups to the strand.
  util::Mutex arriving_mutex_;
  bool takes_groups_ RAFT_GUARDED_BY(arriving_mutex_) = true;
  std::set<GroupId> known_groups_ RAFT_GUARDED_BY(arriving_mutex_);
  std::vector<std::unique_ptr<Group::Impl>> arriving_ RAFT_GUARDED_BY(arriving_mutex_);

  // For callers off the strand; at most a tick old.
  mutable util::Mutex published_mutex_;
  TransportStatus published_transport_ RAFT_GUARDED_BY(published_mutex_);
};

}  // namespace raft
