// What the enumerations and alternatives are called in logs, scripts and traces.
#include <variant>

#include <libraft/status.hpp>
#include "protocol/hello.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"

namespace raft {
namespace {

const char* name(const PreVoteRequest&) { return "pre-vote request"; }
const char* name(const PreVoteReply&) { return "pre-vote reply"; }
const char* name(const VoteRequest&) { return "vote request"; }
const char* name(const VoteReply&) { return "vote reply"; }
const char* name(const AppendRequest&) { return "append request"; }
const char* name(const AppendAccepted&) { return "append accepted"; }
const char* name(const AppendRejected&) { return "append rejected"; }
const char* name(const Heartbeat&) { return "heartbeat"; }
const char* name(const HeartbeatReply&) { return "heartbeat reply"; }
const char* name(const SnapshotOffer&) { return "snapshot offer"; }
const char* name(const SnapshotDeclined&) { return "snapshot declined"; }
const char* name(const ReadRequest&) { return "read request"; }
const char* name(const ReadReply&) { return "read reply"; }
const char* name(const TimeoutNow&) { return "timeout now"; }
const char* name(const Removed&) { return "removed"; }

const char* name(const ProposeRequest&) { return "propose request"; }
const char* name(const ProposeReply&) { return "propose reply"; }
const char* name(const ChangeRequest&) { return "change request"; }
const char* name(const TransferRequest&) { return "transfer request"; }
const char* name(const ServiceReply&) { return "service reply"; }
const char* name(const JoinRequest&) { return "join request"; }
const char* name(const ChunkRequest&) { return "chunk request"; }
const char* name(const Chunk&) { return "chunk"; }

}  // namespace

const char* name_of(const MessageBody& body) {
  return std::visit([](const auto& alternative) { return name(alternative); }, body);
}

const char* name_of(const ServiceBody& body) {
  return std::visit([](const auto& alternative) { return name(alternative); }, body);
}

const char* to_string(RoleNow role) {
  switch (role) {
    case RoleNow::follower:
      return "follower";
    case RoleNow::pre_candidate:
      return "pre-candidate";
    case RoleNow::candidate:
      return "candidate";
    case RoleNow::leader:
      return "leader";
  }
  return "unknown";
}

const char* to_string(Purpose purpose) {
  switch (purpose) {
    case Purpose::control:
      return "control";
    case Purpose::bulk:
      return "bulk";
    case Purpose::introduce:
      return "introduce";
  }
  return "unknown";
}

const char* to_string(Refusal reason) {
  switch (reason) {
    case Refusal::version:
      return "version";
    case Refusal::wrong_cluster:
      return "wrong cluster";
    case Refusal::wrong_node:
      return "wrong node";
    case Refusal::id_taken:
      return "id taken";
    case Refusal::rolled_back:
      return "rolled back";
    case Refusal::removed:
      return "removed";
    case Refusal::self:
      return "self";
    case Refusal::too_many:
      return "too many";
  }
  return "unknown";
}

}  // namespace raft
