#include "node/node_impl.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "node/clock.hpp"
#include "util/assert.hpp"

namespace raft {
namespace {

/// While it lives, callers' handlers may be running. These may throw.
class Completing {
 public:
  explicit Completing(bool& flag) : flag_(flag) { flag_ = true; }
  ~Completing() { flag_ = false; }
  Completing(const Completing&) = delete;

 private:
  bool& flag_;
};

}  // namespace

Node::Impl::Impl(Executor executor, NodeOptions options, util::Log log,
                 std::unique_ptr<node::DataDirectory> directory)
    : strand_(std::move(executor)),
      options_(std::move(options)),
      log_(log.named("raft")),
      directory_(std::move(directory)),
      workers_(std::max<std::size_t>(options_.worker_threads, 1)),
      storage_thread_(directory_->engine(), directory_->log_folder()),
      transport_(strand_, options_.id, net::TcpOptions{}, *this, log.named("net")),
      greeter_(*directory_),
      timer_(strand_) {
  publish();
}

// In this order: nothing new comes in, callers are told, threads end, and only then what they used.
Node::Impl::~Impl() {
  RAFT_ASSERT(!is_completing_, "a node is destroyed within a handler that it is just calling");
  if (stop_) {
    // The strand may never run again.
    node::Call<> call = std::move(stop_->call);
    stop_.reset();
    finish_stopping();
    call.complete_elsewhere({});
  }
  finish_stopping();
  workers_.stop();
  workers_.join();
}

Result<void> Node::Impl::listen() { return transport_.listen(options_.listen); }

// --- groups come ---

// What takes long, reading the log and restoring the machine, is done here, where it holds up none
// of the other groups.
Result<Group*> Node::Impl::start_group(const GroupOptions& options, StateMachine& machine) {
  if (const auto reserved = reserve(options.group); !reserved) return reserved.error();
  auto group = std::make_unique<Group::Impl>(*this, options);
  const Result<void> opened = group->open(machine);
  Group* const handle = &group->handle();
  {
    const util::MutexLock lock(arriving_mutex_);
    if (!opened || !takes_groups_) {
      known_groups_.erase(options.group);
      return opened ? Error{Errc::stopped, "the node is shutting down"} : opened.error();
    }
    arriving_.push_back(std::move(group));
  }
  // Whatever is asked of the group comes to the strand behind this.
  boost::asio::dispatch(strand_, [this, alive = alive_] {
    if (!alive.expired()) take_in_groups();
  });
  return handle;
}

Result<void> Node::Impl::reserve(GroupId group) {
  const util::MutexLock lock(arriving_mutex_);
  if (!takes_groups_) return Error{Errc::stopped, "the node is shutting down"};
  if (known_groups_.insert(group).second) return {};
  return Error{Errc::invalid_argument, "group " + to_string(group) + " runs already"};
}

std::vector<std::unique_ptr<Group::Impl>> Node::Impl::take_arrivals() {
  const util::MutexLock lock(arriving_mutex_);
  return std::exchange(arriving_, {});
}

void Node::Impl::take_in_groups() {
  for (auto& group : take_arrivals()) {
    tick_every_ = std::min(tick_every_, group->tick_period());
    Group::Impl& present = *(groups_[group->id()] = std::move(group));
    present.arrived();
    // Links that other groups need are up already.
    for (const TransportStatus::Peer& peer : transport_.status().peers) {
      if (peer.connected && present.replica()) present.replica()->peer_connected(peer.id);
    }
  }
  publish();
  if (!std::exchange(is_ticking_, true)) schedule_tick();
}

// --- the turn ---

void Node::Impl::wake() {
  if (std::exchange(turn_scheduled_, true)) return;
  boost::asio::post(strand_, [this, alive = alive_] {
    if (!alive.expired()) turn();
  });
}

// What the turn's events led to leaves first; then callers hear of it, and may ask for more.
void Node::Impl::turn() {
  turn_scheduled_ = false;
  if (is_stopped_) return;
  for (auto& [id, group] : groups_) group->turn();
  if (std::exchange(peers_changed_, false)) update_peers();
  transport_.flush();
  run_completions();
  transport_.flush();
}

void Node::Impl::run_completions() {
  const Completing completing(is_completing_);
  for (auto& [id, group] : groups_) group->run_completions();
}

void Node::Impl::schedule_tick() {
  timer_.expires_after(tick_every_);
  timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (error || alive.expired() || is_stopped_) return;
    tick();
    if (!is_stopped_) schedule_tick();
  });
}

void Node::Impl::tick() {
  for (auto& [id, group] : groups_) group->tick();
  publish();
  if (stop_) go_on_stopping();
}

void Node::Impl::update_peers() {
  std::map<NodeId, std::string> peers;
  for (const replica::Replica* replica : replicas()) {
    // Who was removed from a group has nobody to reach for it, and would be refused by all.
    const auto& failure = replica->failure();
    if (!failure || failure->code != Errc::removed) addresses_.collect(replica->core(), peers);
  }
  transport_.set_peers(peers);
}

// Later than this turn, whose answers may still need the links that are let go.
void Node::Impl::failed(GroupId group, const Error& why) {
  boost::asio::post(strand_, [this, alive = alive_, call = options_.on_failure, group, why] {
    if (alive.expired()) return;
    peers_changed_ = true;
    wake();
    if (call) call(group, why);
  });
}

void Node::Impl::leader_changed(GroupId group, NodeId leader, Term term) {
  if (!options_.on_leader_change) return;
  boost::asio::post(strand_,
                    [alive = alive_, call = options_.on_leader_change, group, leader, term] {
                      if (!alive.expired()) call(group, leader, term);
                    });
}

// --- stopping ---

void Node::Impl::stop(Duration grace, node::Call<> call) {
  if (is_stopped_ || stop_) return call.complete_later(Errc::stopped);
  refuse_groups();
  take_in_groups();
  stop_.emplace(Stop{replica::after(node::boot_time_now(), grace), std::move(call)});
  for (auto& [id, group] : groups_) {
    group->wind_down();
    replica::Replica* replica = group->replica();
    if (replica != nullptr && replica->core().is_leader()) {
      replica->transfer_leadership(NodeId{}, [](Result<void>) {});
    }
  }
}

void Node::Impl::refuse_groups() {
  const util::MutexLock lock(arriving_mutex_);
  takes_groups_ = false;
}

void Node::Impl::go_on_stopping() {
  if (is_done_stopping() || node::boot_time_now() >= stop_->deadline) finish_stopping();
}

bool Node::Impl::is_done_stopping() const {
  return std::all_of(groups_.begin(), groups_.end(),
                     [](const auto& item) { return item.second->is_idle(); });
}

void Node::Impl::finish_stopping() {
  if (std::exchange(is_stopped_, true)) return;
  refuse_groups();
  for (auto& group : take_arrivals()) groups_[group->id()] = std::move(group);
  close_groups();
  transport_.flush();
  transport_.close();
  timer_.cancel();
  life_.reset();
  if (stop_) {
    node::Call<> call = std::move(stop_->call);
    stop_.reset();
    call.complete_later({});
  }
}

void Node::Impl::close_groups() {
  const Completing completing(is_completing_);
  for (auto& [id, group] : groups_) group->close();
}

// --- identity ---

replica::Greeter::Replicas Node::Impl::replicas() const {
  replica::Greeter::Replicas replicas;
  for (const auto& [id, group] : groups_) {
    if (group->replica() != nullptr) replicas.push_back(group->replica());
  }
  return replicas;
}

void Node::Impl::publish() {
  TransportStatus transport = transport_.status();
  const util::MutexLock lock(published_mutex_);
  published_transport_ = std::move(transport);
}

NodeIdentity Node::Impl::identity() const {
  const storage::Identity identity = directory_->identity();
  return {identity.node, identity.instance, identity.cluster, identity.boot,
          !identity.joining.empty()};
}

TransportStatus Node::Impl::transport_status() const {
  const util::MutexLock lock(published_mutex_);
  return published_transport_;
}

std::string Node::Impl::address() const {
  return options_.advertise.empty() ? transport_.local_address() : options_.advertise;
}

// --- the network's events ---

Hello Node::Impl::hello(Purpose purpose, NodeId target) {
  return greeter_.hello(purpose, target, address(), replicas());
}

std::optional<Refused> Node::Impl::judge(const Hello& hello) {
  return greeter_.judge(hello, replicas());
}

void Node::Impl::refused(NodeId peer, const std::string& address, const Refused& why) {
  const std::string reason = to_string(why.reason);
  const auto line =
      refusals_throttle_.pass(to_string(peer) + " " + address + " " + reason,
                              "node " + to_string(peer) + " at " + address +
                                  " refuses this node (" + reason + "): " + why.detail,
                              node::boot_time_now().time_since_epoch());
  if (line) {
    RAFT_LOG(log_, warning, *line);
  }
  for (auto& [id, group] : groups_) {
    if (group->replica() != nullptr && concerns(why, id)) group->replica()->refused(why);
  }
}

void Node::Impl::connected(NodeId peer, const Hello&) {
  for (auto& [id, group] : groups_) {
    if (group->replica() != nullptr) group->replica()->peer_connected(peer);
  }
}

void Node::Impl::lost(NodeId peer) {
  for (auto& [id, group] : groups_) {
    if (group->replica() != nullptr) group->replica()->peer_lost(peer);
  }
}

void Node::Impl::received(GroupId group, Message message) {
  const auto found = groups_.find(group);
  if (found == groups_.end() || found->second->replica() == nullptr) return;
  found->second->replica()->receive(message);
}

void Node::Impl::received(GroupId group, ServiceMessage message, Reply reply) {
  const auto found = groups_.find(group);
  if (found == groups_.end() || found->second->replica() == nullptr) {
    auto answer = greeter_.turn_away(message);
    if (reply && answer) reply(group, *std::move(answer));
    return;
  }
  replica::Replica::Reply answer;
  if (reply) {
    answer = [this, group, alive = alive_, reply = std::move(reply)](ServiceMessage body) mutable {
      if (alive.expired()) return;
      greeter_.sign(body);
      reply(group, std::move(body));
    };
  }
  found->second->replica()->receive(std::move(message), std::move(answer));
}

}  // namespace raft
