// What kinds of messages have in common.
#pragma once

#include "protocol/message.hpp"

namespace raft::sim {

/// Null unless a leader sends it.
inline const LeaderMark* leader_mark(const MessageBody& body) {
  if (const auto* append = std::get_if<AppendRequest>(&body)) return &append->mark;
  if (const auto* heartbeat = std::get_if<Heartbeat>(&body)) return &heartbeat->mark;
  if (const auto* offer = std::get_if<SnapshotOffer>(&body)) return &offer->mark;
  return nullptr;
}

/// Null unless it answers a leader.
inline const PeerMark* peer_mark(const MessageBody& body) {
  if (const auto* accepted = std::get_if<AppendAccepted>(&body)) return &accepted->mark;
  if (const auto* rejected = std::get_if<AppendRejected>(&body)) return &rejected->mark;
  if (const auto* reply = std::get_if<HeartbeatReply>(&body)) return &reply->mark;
  if (const auto* declined = std::get_if<SnapshotDeclined>(&body)) return &declined->mark;
  return nullptr;
}

/// Or the answer to one: all that an idle cluster has to say.
inline bool is_heartbeat(const MessageBody& body) {
  return std::holds_alternative<Heartbeat>(body) || std::holds_alternative<HeartbeatReply>(body);
}

/// Whether it is to be answered.
inline bool is_request(const MessageBody& body) {
  return leader_mark(body) != nullptr || std::holds_alternative<PreVoteRequest>(body) ||
         std::holds_alternative<VoteRequest>(body) || std::holds_alternative<ReadRequest>(body);
}

}  // namespace raft::sim
