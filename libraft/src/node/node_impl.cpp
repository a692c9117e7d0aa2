#include "node/node_impl.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "node/clock.hpp"

namespace raft {
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
  finish_stopping();
  workers_.stop();
  workers_.join();
}

Result<void> Node::Impl::listen() { return transport_.listen(options_.listen); }

Result<Group*> Node::Impl::start_group(const GroupOptions& options, StateMachine& machine) {
  if (groups_.contains(options.group)) {
    return Error{Errc::invalid_argument, "group " + to_string(options.group) + " runs already"};
  }
  auto group = std::make_unique<Group::Impl>(*this, options);
  if (const auto opened = group->open(machine); !opened) return opened.error();
  tick_every_ = std::min(tick_every_, options.timing.tick);
  Group* handle = &group->handle();
  groups_.emplace(options.group, std::move(group));
  publish();
  if (!std::exchange(is_ticking_, true)) schedule_tick();
  return handle;
}

// --- the turn ---

void Node::Impl::wake() {
  if (std::exchange(turn_scheduled_, true)) return;
  boost::asio::post(strand_, [this, alive = node::Alive(life_)] {
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
  for (auto& [id, group] : groups_) group->run_completions();
  transport_.flush();
}

void Node::Impl::schedule_tick() {
  timer_.expires_after(tick_every_);
  timer_.async_wait([this, alive = node::Alive(life_)](boost::system::error_code error) {
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
  for (const replica::Replica* replica : replicas()) addresses_.collect(replica->core(), peers);
  transport_.set_peers(peers);
}

void Node::Impl::failed(GroupId group, const Error& why) {
  if (!options_.on_failure) return;
  boost::asio::post(strand_, [alive = node::Alive(life_), call = options_.on_failure, group, why] {
    if (!alive.expired()) call(group, why);
  });
}

// --- stopping ---

void Node::Impl::stop(Duration grace, node::Call<> call) {
  if (is_stopped_ || stop_) return call.complete_later(Errc::stopped);
  stop_.emplace(Stop{node::boot_time_now() + grace, std::move(call)});
  for (auto& [id, group] : groups_) {
    replica::Replica* replica = group->replica();
    if (replica != nullptr && replica->core().is_leader()) {
      replica->transfer_leadership(NodeId{}, [](Result<void>) {});
    }
  }
  if (!is_ticking_) go_on_stopping();
}

void Node::Impl::go_on_stopping() {
  if (is_done_stopping() || node::boot_time_now() >= stop_->deadline) finish_stopping();
}

bool Node::Impl::is_done_stopping() const {
  return std::all_of(groups_.begin(), groups_.end(), [](const auto& item) {
    const replica::Replica* replica = item.second->replica();
    if (replica == nullptr || replica->failure()) return true;
    const core::Leader* leader = replica->core().leader_state();
    return replica->is_idle() && (leader == nullptr || !leader->transfer);
  });
}

void Node::Impl::finish_stopping() {
  if (std::exchange(is_stopped_, true)) return;
  for (auto& [id, group] : groups_) group->close();
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

// --- identity ---

replica::Greeter::Replicas Node::Impl::replicas() const {
  replica::Greeter::Replicas replicas;
  for (const auto& [id, group] : groups_) {
    if (group->replica() != nullptr) replicas.push_back(group->replica());
  }
  return replicas;
}

void Node::Impl::publish() {
  const storage::Identity& identity = directory_->identity();
  TransportStatus transport = transport_.status();
  const std::lock_guard lock(published_mutex_);
  published_identity_ = {identity.node, identity.instance, identity.cluster, identity.boot};
  published_transport_ = std::move(transport);
}

NodeIdentity Node::Impl::identity() const {
  const std::lock_guard lock(published_mutex_);
  return published_identity_;
}

TransportStatus Node::Impl::transport_status() const {
  const std::lock_guard lock(published_mutex_);
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
                              net::LogThrottle::Clock::now());
  if (line) {
    RAFT_LOG(log_, warning, *line);
  }
  for (auto& [id, group] : groups_) {
    if (group->replica() != nullptr) group->replica()->refused(why);
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
  if (found == groups_.end() || found->second->replica() == nullptr) return;
  replica::Replica::Reply answer;
  if (reply) {
    answer = [this, group, alive = node::Alive(life_),
              reply = std::move(reply)](ServiceMessage body) mutable {
      if (alive.expired()) return;
      greeter_.sign(body);
      reply(group, std::move(body));
    };
  }
  found->second->replica()->receive(std::move(message), std::move(answer));
}

}  // namespace raft
