// What replicas ask each other besides Raft's own messages: requests that a follower passes on to
// the leader, joining, and the bytes of snapshots.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/membership.hpp>
#include <libraft/types.hpp>
#include "protocol/entry.hpp"
#include "protocol/hello.hpp"
#include "protocol/message.hpp"

namespace raft {

/// Numbers a node's requests to others within one of its lives.
struct RequestId {
  BootNumber boot;
  std::uint64_t number = 0;

  auto operator<=>(const RequestId&) const = default;
};

/// Forwarded by a follower. The receiver never forwards it again.
struct ProposeRequest {
  RequestId id;
  Command command;

  bool operator==(const ProposeRequest&) const = default;
};

struct ProposeReply {
  RequestId id;
  std::uint8_t error = 0;  ///< An Errc; 0: applied.
  EntryId entry;
  Bytes reply;

  bool operator==(const ProposeReply&) const = default;
};

struct ChangeRequest {
  RequestId id;
  MembershipChange change;

  bool operator==(const ChangeRequest&) const = default;
};

struct TransferRequest {
  RequestId id;
  NodeId target;

  bool operator==(const TransferRequest&) const = default;
};

/// Answers a ChangeRequest, TransferRequest or JoinRequest.
struct ServiceReply {
  RequestId id;
  std::uint8_t error = 0;  ///< An Errc; 0: done.
  std::string detail;
  NodeId leader;               ///< With not_leader: who leads.
  std::string leader_address;  ///< With not_leader: where.
  ClusterId cluster;           ///< On success of a join.

  bool operator==(const ServiceReply&) const = default;
};

/// Asks to be taken in as a learner that is promoted once caught up. Sent on an `introduce`
/// connection, to any member.
struct JoinRequest {
  RequestId id;
  Member member;

  bool operator==(const JoinRequest&) const = default;
};

/// Who answered at an address and, if anything was asked of it, what it said.
struct Introduction {
  Hello peer;
  std::optional<ServiceReply> reply;
};

/// Which snapshot transfer is meant: one offer of one leader.
struct TransferId {
  Term term;
  PeerSession session;
  Index last;

  auto operator<=>(const TransferId&) const = default;
};

/// The receiver asks for bytes, several requests ahead.
struct ChunkRequest {
  TransferId transfer;
  std::uint64_t offset = 0;
  std::uint32_t bytes_max = 0;

  bool operator==(const ChunkRequest&) const = default;
};

/// Bytes at an offset; empty when the sender no longer holds that snapshot.
struct Chunk {
  TransferId transfer;
  std::uint64_t offset = 0;
  Bytes bytes;

  bool operator==(const Chunk&) const = default;
};

using ServiceBody = std::variant<ProposeRequest, ProposeReply, ChangeRequest, TransferRequest,
                                 ServiceReply, JoinRequest, ChunkRequest, Chunk>;

struct ServiceMessage {
  NodeId from;
  NodeId to;
  ServiceBody body;

  bool operator==(const ServiceMessage&) const = default;
};

const char* name_of(const ServiceBody&);

}  // namespace raft
