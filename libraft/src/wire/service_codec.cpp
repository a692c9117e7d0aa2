// All numbers are little-endian; commands, changes and members as in protocol/encoding.cpp.
//
//   service  := from:u64 to:u64 kind:u8 body
//   request  := boot:u64 number:u64
//   transfer := term:u64 session:u64 last:u64
//
//   kind  body
//     1   propose request    request command
//     2   propose reply      request error:u8 entry_term:u64 entry_index:u64 reply:bytes
//     3   change request     request change
//     4   transfer request   request target:u64
//     5   service reply      request error:u8 detail:bytes leader:u64 leader_address:bytes
//                            cluster:u64,u64
//     6   join request       request member
//     7   chunk request      transfer offset:u64 bytes_max:u32
//     8   chunk              transfer offset:u64 bytes:bytes
#include <cstdint>
#include <variant>

#include "protocol/encoding.hpp"
#include "wire/codec.hpp"

namespace raft::wire {
namespace {

enum class Kind : std::uint8_t {
  propose_request = 1,
  propose_reply = 2,
  change_request = 3,
  transfer_request = 4,
  service_reply = 5,
  join_request = 6,
  chunk_request = 7,
  chunk = 8,
};

void put(Kind kind, util::Writer& out) { out.u8(static_cast<std::uint8_t>(kind)); }

void put(const RequestId& id, util::Writer& out) {
  out.u64(id.boot.value);
  out.u64(id.number);
}

RequestId decode_request_id(util::Reader& in) {
  RequestId id;
  id.boot = {in.u64()};
  id.number = in.u64();
  return id;
}

// Whoever receives it may index by it, so no number beyond the last error is let through.
std::uint8_t decode_error(util::Reader& in) {
  const std::uint8_t error = in.u8();
  if (error >= errc_count) in.fail();
  return error;
}

void put(const TransferId& id, util::Writer& out) {
  out.u64(id.term.value);
  out.u64(id.session.value);
  out.u64(id.last.value);
}

TransferId decode_transfer_id(util::Reader& in) {
  TransferId id;
  id.term = decode_term(in);
  id.session = {in.u64()};
  id.last = decode_index(in);
  return id;
}

void put(const ProposeRequest& body, util::Writer& out) {
  put(Kind::propose_request, out);
  put(body.id, out);
  encode(body.command, out);
}

ProposeRequest decode_propose_request(util::Reader& in) {
  ProposeRequest body;
  body.id = decode_request_id(in);
  body.command = decode_command(in);
  return body;
}

void put(const ProposeReply& body, util::Writer& out) {
  put(Kind::propose_reply, out);
  put(body.id, out);
  out.u8(body.error);
  encode(body.entry, out);
  out.bytes(body.reply);
}

ProposeReply decode_propose_reply(util::Reader& in) {
  ProposeReply body;
  body.id = decode_request_id(in);
  body.error = decode_error(in);
  body.entry = decode_entry_id(in);
  body.reply = in.bytes();
  return body;
}

void put(const ChangeRequest& body, util::Writer& out) {
  put(Kind::change_request, out);
  put(body.id, out);
  encode(body.change, out);
}

ChangeRequest decode_change_request(util::Reader& in) {
  ChangeRequest body;
  body.id = decode_request_id(in);
  body.change = decode_membership_change(in);
  return body;
}

void put(const TransferRequest& body, util::Writer& out) {
  put(Kind::transfer_request, out);
  put(body.id, out);
  encode(body.target, out);
}

TransferRequest decode_transfer_request(util::Reader& in) {
  TransferRequest body;
  body.id = decode_request_id(in);
  body.target = {in.u64()};
  return body;
}

void put(const ServiceReply& body, util::Writer& out) {
  put(Kind::service_reply, out);
  put(body.id, out);
  out.u8(body.error);
  out.bytes(body.detail);
  encode(body.leader, out);
  out.bytes(body.leader_address);
  out.u64(body.cluster.high);
  out.u64(body.cluster.low);
}

ServiceReply decode_service_reply(util::Reader& in) {
  ServiceReply body;
  body.id = decode_request_id(in);
  body.error = decode_error(in);
  body.detail = in.bytes();
  body.leader = {in.u64()};
  body.leader_address = in.bytes();
  body.cluster.high = in.u64();
  body.cluster.low = in.u64();
  return body;
}

void put(const JoinRequest& body, util::Writer& out) {
  put(Kind::join_request, out);
  put(body.id, out);
  encode(body.member, out);
}

JoinRequest decode_join_request(util::Reader& in) {
  JoinRequest body;
  body.id = decode_request_id(in);
  body.member = decode_member(in);
  return body;
}

void put(const ChunkRequest& body, util::Writer& out) {
  put(Kind::chunk_request, out);
  put(body.transfer, out);
  out.u64(body.offset);
  out.u32(body.bytes_max);
}

ChunkRequest decode_chunk_request(util::Reader& in) {
  ChunkRequest body;
  body.transfer = decode_transfer_id(in);
  body.offset = decode_limited(in);
  body.bytes_max = in.u32();
  return body;
}

void put(const Chunk& body, util::Writer& out) {
  put(Kind::chunk, out);
  put(body.transfer, out);
  out.u64(body.offset);
  out.bytes(body.bytes);
}

Chunk decode_chunk(util::Reader& in) {
  Chunk body;
  body.transfer = decode_transfer_id(in);
  body.offset = decode_limited(in);
  body.bytes = in.bytes();
  return body;
}

ServiceBody decode_body(util::Reader& in) {
  switch (static_cast<Kind>(in.u8())) {
    case Kind::propose_request:
      return decode_propose_request(in);
    case Kind::propose_reply:
      return decode_propose_reply(in);
    case Kind::change_request:
      return decode_change_request(in);
    case Kind::transfer_request:
      return decode_transfer_request(in);
    case Kind::service_reply:
      return decode_service_reply(in);
    case Kind::join_request:
      return decode_join_request(in);
    case Kind::chunk_request:
      return decode_chunk_request(in);
    case Kind::chunk:
      return decode_chunk(in);
  }
  in.fail();
  return Chunk{};
}

}  // namespace

void encode(const ServiceMessage& message, Bytes& bytes) {
  util::Writer out(bytes);
  encode(message.from, out);
  encode(message.to, out);
  std::visit([&out](const auto& body) { put(body, out); }, message.body);
}

std::optional<ServiceMessage> decode_service_message(BytesView payload) {
  util::Reader in(payload);
  ServiceMessage message;
  message.from = decode_node_id(in);
  message.to = decode_node_id(in);
  message.body = decode_body(in);
  if (!in.done()) return std::nullopt;
  return message;
}

}  // namespace raft::wire
