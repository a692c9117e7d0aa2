#include "replica/greeter.hpp"

#include "replica/replica.hpp"

namespace raft::replica {

Result<void> adopt(IdentityKeeper& keeper, ClusterId cluster) {
  if (!keeper.identity().cluster && cluster) {
    const Result<void> changed = keeper.change_identity([&](storage::Identity& identity) {
      if (!identity.cluster) identity.cluster = cluster;
    });
    if (!changed) return changed;
  }
  const ClusterId own = keeper.identity().cluster;
  if (own == cluster) return {};
  return Error{Errc::conflict, "this node belongs to cluster " + to_string(own)};
}

Hello Greeter::hello(Purpose purpose, NodeId target, const std::string& address,
                     const Replicas& replicas) const {
  const storage::Identity identity = keeper_.identity();
  Hello hello;
  hello.purpose = purpose;
  hello.cluster = identity.cluster;
  hello.node = identity.node;
  hello.target = target;
  hello.instance = identity.instance;
  hello.boot = identity.boot;
  hello.address = address;
  for (const Replica* replica : replicas) {
    if (hello.standings.size() == standings_max) break;
    hello.standings.push_back(replica->standing());
  }
  return hello;
}

std::optional<Refused> Greeter::judge(const Hello& hello, const Replicas& replicas) {
  const storage::Identity own = keeper_.identity();
  const OwnIdentity self{own.node, own.instance, own.boot, own.cluster};
  if (auto refused = gatekeeper_.judge(hello, self, replicas)) return refused;
  if (hello.purpose == Purpose::introduce || own.cluster) return std::nullopt;
  if (own.joining.empty()) {
    return Refused{Refusal::wrong_cluster, {}, {}, "this node belongs to no cluster yet"};
  }
  const Result<void> adopted = adopt(keeper_, hello.cluster);
  if (adopted) return std::nullopt;
  return Refused{
      Refusal::wrong_cluster, {}, {}, "this node cannot join: " + adopted.error().detail};
}

std::optional<ServiceMessage> Greeter::turn_away(const ServiceMessage& question) const {
  const auto* join = std::get_if<JoinRequest>(&question.body);
  if (join == nullptr) return std::nullopt;
  const NodeId own = keeper_.identity().node;
  ServiceReply answer;
  answer.id = join->id;
  answer.error = static_cast<std::uint8_t>(Errc::not_leader);
  answer.detail = "node " + to_string(own) + " has not begun yet";
  return ServiceMessage{own, question.from, std::move(answer)};
}

void Greeter::sign(ServiceMessage& answer) const {
  if (auto* reply = std::get_if<ServiceReply>(&answer.body)) {
    reply->cluster = keeper_.identity().cluster;
  }
}

}  // namespace raft::replica
