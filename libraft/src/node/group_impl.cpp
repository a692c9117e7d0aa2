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
          std::make_unique<node::LogStorage>(node.strand(), life_, store_, node.storage_thread())),
      worker_(std::make_unique<node::PoolWorker>(node.strand(), life_, node.workers())),
      introducer_(node.transport(), options.group),
      beginning_(
          options, node.address(),
          {node.directory(), introducer_, *this, store_, node.directory().engine(), node.log()}) {
  published_.id = node.options().id;
  published_.group = options.group;
  published_.membership.membership = std::make_shared<const Membership>();
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
  const storage::Identity& identity = node_.directory().identity();
  const replica::Self self{identity.node, identity.instance, identity.boot,
                           seed_of(identity, options_.group)};
  auto opened = replica::Replica::open(self, options_, std::move(recovered), *machine_,
                                       {*outbox_, *storage_, *worker_, *this, files_, node_.log()});
  if (!opened) return opened.error();
  replica_ = *std::move(opened);
  beginning_.opened();
  node_.peers_changed();
  publish_status();
  wake();
  return {};
}

// --- the turn ---

void Group::Impl::tick() {
  beginning_.tick(replica_ ? &replica_->core() : nullptr);
  if (auto log = beginning_.take_founded()) {
    if (const auto opened = open_replica(*std::move(log)); !opened) failed(opened.error());
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

Instant Group::Impl::now() { return node::boot_time_now(); }

void Group::Impl::wake() { node_.wake(); }

void Group::Impl::membership_changed() { node_.peers_changed(); }

void Group::Impl::failed(const Error& why) { node_.failed(options_.group, why); }

void Group::Impl::publish_status() {
  if (!replica_) return;
  Status status = replica_->status();
  const std::lock_guard lock(status_mutex_);
  published_ = std::move(status);
}

Status Group::Impl::status() const {
  if (node_.strand().running_in_this_thread() && replica_) return replica_->status();
  const std::lock_guard lock(status_mutex_);
  return published_;
}

void Group::Impl::close() {
  if (replica_) {
    replica_->stop();
    replica_->run_completions();
  }
  life_.reset();
}

}  // namespace raft
