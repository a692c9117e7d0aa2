#include "node/group_impl.hpp"

#include <utility>

#include "node/clock.hpp"
#include "node/node_impl.hpp"

namespace raft {
namespace {

/// In place of seeds: whoever adds this node will call.
const std::string waits_to_be_added = "wait";

bool is_empty(const RecoveredLog& log) {
  return log.last.value == 0 && log.hard_state == HardState{};
}

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
      worker_(std::make_unique<node::PoolWorker>(node.strand(), life_, node.workers())) {
  published_.id = node.options().id;
  published_.group = options.group;
  published_.membership.membership = std::make_shared<const Membership>();
}

Group::Impl::~Impl() = default;

// --- beginning ---

Result<void> Group::Impl::open(StateMachine& machine) {
  machine_ = &machine;
  Result<RecoveredLog> recovered = store_.recover();
  if (!recovered) return recovered.error();
  const Founding& founding = options_.founding;
  if (is_empty(*recovered)) {
    recovered = begin(*std::move(recovered));
    if (!recovered) return recovered.error();
  } else if (founding.bootstrap || founding.wait_to_be_added || !founding.join.empty()) {
    RAFT_LOG(node_.log(), info, "the data directory holds a member: how to begin is ignored");
  }
  // The founder of a list of nodes opens once all others have answered.
  return gathering_ ? Result<void>{} : open_replica(*std::move(recovered));
}

Result<void> Group::Impl::open_replica(RecoveredLog recovered) {
  const storage::Identity& identity = node_.directory().identity();
  const replica::Self self{identity.node, identity.instance, identity.boot,
                           seed_of(identity, options_.group)};
  auto opened = replica::Replica::open(self, options_, std::move(recovered), *machine_,
                                       {*outbox_, *storage_, *worker_, *this, files_, node_.log()});
  if (!opened) return opened.error();
  replica_ = *std::move(opened);
  const std::vector<std::string>& seeds = identity.joining;
  if (!seeds.empty() && seeds.front() != waits_to_be_added) begin_joining(seeds);
  membership_changed();
  publish_status();
  wake();
  return {};
}

/// There is nothing on disk: the options, or a beginning that was interrupted, say what to do.
Result<RecoveredLog> Group::Impl::begin(RecoveredLog nothing) {
  const Founding& founding = options_.founding;
  storage::Identity identity = node_.directory().identity();
  std::vector<std::string> seeds = founding.join;
  if (founding.bootstrap) return found();
  if (founding.wait_to_be_added) seeds = {waits_to_be_added};
  if (!founding.initial_members.empty()) {
    const NodeId founder = replica::founder_of(founding.initial_members);
    if (founder == identity.node) {
      gathering_.emplace(identity.node, founding.initial_members);
      return nothing;
    }
    for (const InitialMember& member : founding.initial_members) {
      if (member.id == founder) seeds = {member.address};
    }
  }
  if (!seeds.empty()) {
    identity.joining = seeds;
    if (founding.cluster) identity.cluster = founding.cluster;
    if (const auto written = node_.directory().change_identity(identity); !written) {
      return written.error();
    }
  }
  if (identity.joining.empty()) {
    return Error{Errc::invalid_argument,
                 "the data directory is empty: found a cluster or join one"};
  }
  return nothing;
}

/// The cluster's first entry, written before anything runs.
Result<RecoveredLog> Group::Impl::found() {
  storage::Identity identity = node_.directory().identity();
  if (!identity.cluster) {
    // Made of the founder's instance and the boot number: as random as the instance.
    identity.cluster = {identity.instance.low, identity.instance.high ^ identity.boot.value};
    identity.joining.clear();
    if (const auto written = node_.directory().change_identity(identity); !written) {
      return written.error();
    }
  }
  storage::KvBatch batch;
  store_.stage(replica::founding_work(self()), batch);
  const Result<void> written = node_.directory().engine().write(batch, true);
  if (!written) return written.error();
  RAFT_LOG(node_.log(), info, "founded cluster " + to_string(identity.cluster));
  return store_.recover();
}

Member Group::Impl::self() const {
  const storage::Identity& identity = node_.directory().identity();
  Member member;
  member.id = identity.node;
  member.instance = identity.instance;
  member.address = node_.address();
  member.attributes = options_.attributes;
  return member;
}

void Group::Impl::begin_joining(const std::vector<std::string>& seeds) {
  const Duration timeout = options_.founding.join_timeout;
  joiner_.emplace(seeds, self(), node_.directory().identity().boot,
                  timeout == Duration{0} ? replica::never : now() + timeout);
}

void Group::Impl::go_on_joining() {
  if (!joiner_) return;
  if (auto ask = joiner_->next(now())) {
    node_.transport().introduce(
        ask->address, options_.group, std::move(ask->request),
        [this, alive = node::Alive(life_)](Result<wire::Transport::Introduction> introduction) {
          if (!alive.expired() && joiner_) answered_joiner(introduction);
        });
  }
}

void Group::Impl::answered_joiner(const Result<wire::Transport::Introduction>& introduction) {
  Result<ServiceReply> reply = Error{Errc::no_leader, "no answer"};
  if (!introduction) {
    reply = introduction.error();
  } else if (introduction->reply) {
    reply = *introduction->reply;
  }
  const auto outcome = joiner_->answered(reply, now());
  if (const auto* joined = std::get_if<replica::Joiner::Joined>(&outcome)) {
    RAFT_LOG(node_.log(), info, "joined cluster " + to_string(joined->cluster));
    joiner_.reset();
    node_.adopt_cluster(joined->cluster);
  } else if (const auto* error = std::get_if<Error>(&outcome)) {
    joiner_.reset();
    failed(*error);
  }
}

void Group::Impl::go_on_gathering() {
  if (!gathering_) return;
  if (const auto address = gathering_->next(now())) {
    node_.transport().introduce(
        *address, options_.group, std::nullopt,
        [this, alive = node::Alive(life_)](Result<wire::Transport::Introduction> introduction) {
          if (alive.expired() || !gathering_) return;
          Result<Hello> hello = Errc::timed_out;
          if (introduction) hello = introduction->peer;
          const Result<void> answered = gathering_->answered(hello, now());
          if (!answered) {
            gathering_.reset();
            failed(answered.error());
          }
        });
  }
  if (!gathering_->is_complete()) return;
  gathering_.reset();
  Result<RecoveredLog> founded = found();
  const Result<void> opened = founded ? open_replica(*std::move(founded)) : founded.error();
  if (!opened) failed(opened.error());
}

/// Whoever is a member joins no more, here or after a restart.
void Group::Impl::finish_joining_if_named() {
  storage::Identity identity = node_.directory().identity();
  if (identity.joining.empty() || !replica_) return;
  const LoggedMembership& current = replica_->core().membership();
  if (current.index > replica_->core().commit()) return;
  if (!current.membership->names(identity.node, identity.instance)) return;
  identity.joining.clear();
  if (const auto written = node_.directory().change_identity(identity); !written) {
    RAFT_LOG(node_.log(), warning, "identity not updated: " + written.error().detail);
  }
  joiner_.reset();
}

// --- the turn ---

void Group::Impl::tick() {
  go_on_joining();
  go_on_gathering();
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

void Group::Impl::membership_changed() {
  node_.peers_changed();
  finish_joining_if_named();
}

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
