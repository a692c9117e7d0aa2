// Random but valid messages of every kind, the same for the same seed on every machine.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/hello.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"

namespace raft::wire {

class RandomMessages {
 public:
  explicit RandomMessages(std::uint64_t seed) : state_(seed) {}

  static constexpr std::size_t message_kinds = std::variant_size_v<MessageBody>;
  static constexpr std::size_t service_kinds = std::variant_size_v<ServiceBody>;

  /// With the body of this position in MessageBody.
  Message message(std::size_t kind);
  /// With the body of this position in ServiceBody.
  ServiceMessage service(std::size_t kind);
  Hello hello();
  Refused refused();

  /// SplitMix64.
  std::uint64_t number();
  /// From 0 up to and without `limit`.
  std::uint64_t below(std::uint64_t limit);
  Bytes bytes(std::size_t size_max);

 private:
  bool coin();
  std::uint64_t positive();  // 1 up to the limit of terms and indexes, small ones more often.
  std::uint64_t limited();   // The same or 0.
  NodeId node();
  EntryId id_within(Term term);
  Member member(std::uint64_t id, Role role);
  Membership membership();
  MembershipPtr shared_membership();
  MembershipChange change();
  Command command();
  EntryBody entry_body();
  LeaderMark leader_mark();
  PeerMark peer_mark();
  SnapshotInfo snapshot(Term term);
  AppendRequest append(Term term);
  RequestId request_id();
  TransferId transfer_id();
  MessageBody message_body(std::size_t kind, Term term);
  ServiceBody service_body(std::size_t kind);

  std::uint64_t state_;
};

}  // namespace raft::wire
