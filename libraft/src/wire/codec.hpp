// Messages and hellos as payloads of frames.
#pragma once

#include <cstdint>
#include <optional>

#include "protocol/hello.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"

namespace raft::wire {

// Each appends one payload to `out`.
void encode(const Message& message, Bytes& out);
void encode(const ServiceMessage& message, Bytes& out);
void encode(const Hello& hello, Bytes& out);
void encode(const Refused& refused, Bytes& out);

// Safe for any bytes. Absent: the payload is not exactly one valid message. What is there has been
// checked: terms, indexes, offsets and durations are below term_limit, no id of a node that must
// be named is 0, entries of an append are contiguous and their terms in order, memberships valid.
std::optional<Message> decode_message(BytesView payload);
std::optional<ServiceMessage> decode_service_message(BytesView payload);
std::optional<Hello> decode_hello(BytesView payload);
std::optional<Refused> decode_refused(BytesView payload);

struct VersionRange {
  std::uint16_t min = 0;
  std::uint16_t max = 0;
};
/// The versions that a hello offers, readable however the rest of it may look in the future.
std::optional<VersionRange> decode_hello_versions(BytesView payload);

}  // namespace raft::wire
