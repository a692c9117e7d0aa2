#include "node/group_impl.hpp"

#include <utility>

#include "node/clock.hpp"
#include "node/node_impl.hpp"
#include "replica/options_check.hpp"

namespace raft {
namespace {

std::uint64_t seed_of(const storage::Identity& identity, GroupId group) {
  return identity.instance.low ^ (identity.boot.value << 32) ^ group.value;
}

}  // namespace

Group::Impl::Impl(Node::Impl& node, const GroupOptions& options)
    : node_(node),
      options_(options),
      handle_(*this),
      store_(node.directory().engine(), options.group),
      files_(node.directory().snapshots(), options.group),
      outbox_(std::make_unique<node::TransportOutbox>(node.transport(), options.group)),
      storage_(
          std::make_unique<node::LogStorage>(node.strand(), alive_, store_, node.storage_thread())),
      worker_(std::make_unique<node::PoolWorker>(node.strand(), alive_, node.workers())),
      introducer_(node.transport(), options.group),
      engine_(node.directory().engine(), node.storage_thread()),
      beginning_(options, node.address(),
                 {node.directory(), introducer_, *this, store_, engine_, node.log()}) {
  published_.id = node.options().id;
  published_.group = options.group;
}

Group::Impl::~Impl() = default;

// --- beginning ---

Result<void> Group::Impl::open(StateMachine& machine) {
  if (const auto checked = replica::check(options_); !checked) return checked;
  machine_ = &machine;
  Result<std::optional<RecoveredLog>> recovered = beginning_.open();
  if (!recovered) return recovered.error();
  return *recovered ? open_replica(**std::move(recovered)) : Result<void>{};
}

Result<void> Group::Impl::open_replica(RecoveredLog recovered) {
  const storage::Identity identity = node_.directory().identity();
  const replica::Self self{identity.node, identity.instance, identity.boot,
                           seed_of(identity, options_.group)};
  auto opened = replica::Replica::open(self, options_, std::move(recovered), *machine_,
                                       {*outbox_, *storage_, *worker_, *this, files_, node_.log()});
  if (!opened) return opened.error();
  replica_ = *std::move(opened);
  beginning_.opened();
  publish_status();
  return {};
}

void Group::Impl::arrived() {
  if (!replica_) return;
  node_.peers_changed();
  wake();
}

// --- the turn ---

void Group::Impl::tick() {
  beginning_.tick(replica_ ? &replica_->core() : nullptr);
  if (auto log = beginning_.take_founded()) {
    if (const auto opened = open_replica(*std::move(log)); !opened) {
      failed(opened.error());
    } else {
      arrived();
    }
  }
  if (replica_) replica_->tick();
  publish_status();
}

void Group::Impl::turn() {
  if (replica_) replica_->pump();
}

void Group::Impl::run_completions() {
  if (replica_) replica_->run_completions();
}

boost::asio::any_io_executor Group::Impl::executor() const { return node_.strand(); }

Instant Group::Impl::now() { return node::boot_time_now(); }

void Group::Impl::wake() { node_.wake(); }

void Group::Impl::membership_changed() { node_.peers_changed(); }

void Group::Impl::leader_changed(NodeId leader, Term term) {
  node_.peers_changed();
  node_.leader_changed(options_.group, leader, term);
}

// Joining and the replica may each come to an end.
void Group::Impl::failed(const Error& why) {
  if (!std::exchange(has_failed_, true)) node_.failed(options_.group, why);
}

void Group::Impl::publish_status() {
  if (!replica_) return;
  Status status = replica_->status();
  const util::MutexLock lock(status_mutex_);
  published_ = std::move(status);
}

Status Group::Impl::status() const {
  if (node_.strand().running_in_this_thread() && replica_) return replica_->status();
  const util::MutexLock lock(status_mutex_);
  return published_;
}

void Group::Impl::wind_down() {
  is_winding_down_ = true;
  if (replica_) replica_->wind_down();
}

bool Group::Impl::is_idle() const {
  if (!introductions_.empty()) return false;
  if (!replica_ || replica_->failure()) return true;
  const core::Leader* leader = replica_->core().leader_state();
  return replica_->is_idle() && (leader == nullptr || !leader->transfer);
}

// Whoever is told may ask again at once: by then this group must be gone to it.
void Group::Impl::close() {
  if (replica_) replica_->stop();
  life_.reset();
  for (auto& [number, asking] : std::exchange(introductions_, {})) {
    asking.call.complete(Errc::stopped);
  }
  if (replica_) replica_->run_completions();
}

}  // namespace raft
