#include "replica/beginning.hpp"

#include <algorithm>
#include <utility>

#include "replica/greeter.hpp"
#include "replica/proposals.hpp"

namespace raft::replica {
namespace {

/// In place of seeds: whoever adds this node will call.
const std::string waits_to_be_added = "wait";

bool is_empty(const RecoveredLog& log) {
  return log.last.value == 0 && log.hard_state == HardState{};
}

/// Into a cluster that it knows. To found would make a second one with the same id.
bool is_on_its_way(const storage::Identity& identity, GroupId group) {
  return identity.cluster && identity.joining.contains(group);
}

}  // namespace

Beginning::Beginning(const GroupOptions& options, std::string address, const Ports& ports)
    : options_(options), address_(std::move(address)), ports_(ports) {}

Member Beginning::self() const {
  const storage::Identity identity = ports_.identity.identity();
  Member member;
  member.id = identity.node;
  member.instance = identity.instance;
  member.address = address_;
  member.attributes = options_.attributes;
  return member;
}

Result<std::optional<RecoveredLog>> Beginning::open() {
  Result<RecoveredLog> recovered = ports_.store.recover();
  if (!recovered) return recovered.error();
  if (is_empty(*recovered)) return begin(*std::move(recovered));
  const Founding& founding = options_.founding;
  if (!ports_.identity.identity().cluster) {
    if (founding.cluster) {
      return Error{Errc::conflict,
                   "the data directory holds a cluster of its own that was just being founded"};
    }
    if (const auto named = name_founded_cluster(*recovered); !named) return named.error();
  }
  // It has voted for whoever was about to take it in, or has its log: that may have come to
  // nothing.
  const bool still_joins = ports_.identity.identity().joining.contains(options_.group);
  if (still_joins && !founding.join.empty()) {
    if (const auto written = join(founding.join); !written) return written.error();
  } else if (founding.bootstrap || founding.wait_to_be_added || !founding.join.empty()) {
    RAFT_LOG(ports_.log, info, "the data directory holds a member: how to begin is ignored");
  }
  return std::optional(*std::move(recovered));
}

/// There is nothing on disk: the options, or a beginning that was interrupted, say what to do.
Result<std::optional<RecoveredLog>> Beginning::begin(RecoveredLog nothing) {
  const Founding& founding = options_.founding;
  const NodeId own = ports_.identity.identity().node;
  std::vector<std::string> seeds = founding.join;
  if (founding.bootstrap && is_on_its_way(ports_.identity.identity(), options_.group)) {
    RAFT_LOG(ports_.log, info, "this node is joining a cluster: founding one is ignored");
  } else if (founding.bootstrap) {
    Result<RecoveredLog> log = found();
    if (!log) return log.error();
    return std::optional(*std::move(log));
  }
  if (founding.wait_to_be_added) seeds = {waits_to_be_added};
  if (!founding.initial_members.empty()) {
    const NodeId founder = founder_of(founding.initial_members);
    if (founder == own) {
      gathering_.emplace(own, options_.group, founding.initial_members);
      return std::optional<RecoveredLog>();
    }
    for (const InitialMember& member : founding.initial_members) {
      if (member.id == founder) seeds = {member.address};
    }
  }
  if (!seeds.empty()) {
    if (const auto written = join(std::move(seeds)); !written) return written.error();
  }
  if (!ports_.identity.identity().joining.contains(options_.group)) {
    return Error{Errc::invalid_argument,
                 "the data directory is empty: found a cluster or join one"};
  }
  return std::optional(std::move(nothing));
}

/// The cluster's first entry, written before anything runs. The log comes first: cut off in
/// between, a restart finds either nothing, and begins as it is told, or the founder's log, and
/// goes on.
Result<RecoveredLog> Beginning::found() {
  storage::KvBatch batch;
  ports_.store.stage(founding_work(self()), batch);
  if (const auto written = ports_.engine.write(batch, true); !written) return written.error();
  Result<RecoveredLog> founded = ports_.store.recover();
  if (!founded) return founded;
  // Another group may have founded the cluster: this one is of the same.
  if (!ports_.identity.identity().cluster) {
    if (const auto named = name_founded_cluster(*founded); !named) return named.error();
  }
  RAFT_LOG(ports_.log, info,
           "founded group " + to_string(options_.group) + " of cluster " +
               to_string(ports_.identity.identity().cluster));
  return founded;
}

/// Nothing runs before the identity names a cluster, so that nothing but a founding can have left
/// a log without one.
Result<void> Beginning::name_founded_cluster(const RecoveredLog& founded) {
  if (founded.last != Index{1}) {
    return Error{Errc::corrupt, "the identity names no cluster, but its log goes on to " +
                                    to_string(founded.last) +
                                    ": they are not of the same directory"};
  }
  return ports_.identity.change_identity([&](storage::Identity& identity) {
    identity.joining.erase(options_.group);
    // Made of the founder's instance and the boot number: as random as the instance.
    identity.cluster = {identity.instance.low, identity.instance.high ^ identity.boot.value};
  });
}

// In one step: with the cluster alone on the disk a restart would know nobody to ask.
Result<void> Beginning::join(std::vector<std::string> seeds) {
  const ClusterId cluster = options_.founding.cluster;
  const ClusterId own = ports_.identity.identity().cluster;
  // All groups of a node are of one cluster.
  if (cluster && own && own != cluster) {
    return Error{Errc::conflict, "this node belongs to cluster " + to_string(own)};
  }
  return ports_.identity.change_identity([&](storage::Identity& identity) {
    if (cluster) identity.cluster = cluster;
    identity.joining[options_.group] = std::move(seeds);
  });
}

void Beginning::opened() {
  const storage::Identity identity = ports_.identity.identity();
  const auto seeds = identity.joining.find(options_.group);
  if (seeds != identity.joining.end() && seeds->second.front() != waits_to_be_added) {
    const Duration timeout = options_.founding.join_timeout;
    joiner_.emplace(seeds->second, self(), identity.boot,
                    timeout == Duration{0} ? never : after(ports_.driver.now(), timeout));
  }
}

void Beginning::tick(const core::Core* core) {
  if (has_failed_) return;
  if (const auto error = ports_.identity.final_error()) return fail(*error);
  if (core != nullptr) finish_joining_if_decided(*core);
  go_on_joining();
  go_on_gathering();
}

// --- joining ---

void Beginning::go_on_joining() {
  if (!joiner_) return;
  auto ask = joiner_->next(ports_.driver.now());
  if (!ask) return;
  ports_.introducer.introduce(
      ask->address, std::move(ask->request),
      [this, alive = std::weak_ptr(life_)](const Result<Introduction>& introduction) {
        if (!alive.expired() && joiner_) answered_joiner(introduction);
      });
}

void Beginning::answered_joiner(const Result<Introduction>& introduction) {
  Result<ServiceReply> reply = Error{Errc::no_leader, "no answer"};
  if (!introduction) {
    reply = introduction.error();
  } else if (introduction->reply) {
    reply = *introduction->reply;
  }
  const Joiner::Outcome outcome = joiner_->answered(reply, ports_.driver.now());
  if (const auto* joined = std::get_if<Joiner::Joined>(&outcome)) {
    RAFT_LOG(ports_.log, info, "joined cluster " + to_string(joined->cluster));
    joiner_.reset();
    adopt_cluster(joined->cluster);
  } else if (const auto* error = std::get_if<Error>(&outcome)) {
    joiner_.reset();
    fail(*error);
  }
}

void Beginning::adopt_cluster(ClusterId cluster) {
  const Result<void> adopted = adopt(ports_.identity, cluster);
  if (!adopted) fail(adopted.error());
}

void Beginning::fail(const Error& error) {
  if (!std::exchange(has_failed_, true)) ports_.driver.failed(error);
}

/// Whoever is a member joins no more, here or after a restart; nor does who was removed, for that
/// instance is spent. The entry that says so must be on the disk: a power cut that took it would
/// leave a node that is neither a member nor joining.
void Beginning::finish_joining_if_decided(const core::Core& core) {
  const storage::Identity identity = ports_.identity.identity();
  if (!identity.joining.contains(options_.group)) return;
  const LoggedMembership& current = core.membership();
  if (current.index > std::min(core.commit(), core.log().stable())) return;
  const bool is_member = current.membership->names(identity.node, identity.instance);
  if (!is_member && !core.removed()) return;
  const Result<void> written = ports_.identity.change_identity(
      [&](storage::Identity& own) { own.joining.erase(options_.group); });
  // Without space the next tick tries again.
  if (!written && written.code() != Errc::storage_full) fail(written.error());
  if (written) joiner_.reset();
}

// --- gathering ---

void Beginning::go_on_gathering() {
  if (!gathering_) return;
  if (const auto address = gathering_->next(ports_.driver.now())) {
    ports_.introducer.introduce(
        *address, std::nullopt,
        [this, alive = std::weak_ptr(life_)](const Result<Introduction>& introduction) {
          if (!alive.expired() && gathering_) answered_gathering(introduction);
        });
  }
  if (!gathering_->is_complete()) return;
  gathering_.reset();
  Result<RecoveredLog> log = found();
  if (!log) return fail(log.error());
  founded_ = *std::move(log);
}

void Beginning::answered_gathering(const Result<Introduction>& introduction) {
  Result<Hello> hello = Errc::timed_out;
  if (introduction) hello = introduction->peer;
  const ClusterId own = ports_.identity.identity().cluster;
  const Result<void> answered = gathering_->answered(hello, own, ports_.driver.now());
  if (answered) return;
  gathering_.reset();
  fail(answered.error());
}

}  // namespace raft::replica
