#include "wire/frame.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "util/bytes.hpp"
#include "wire/allocations.hpp"

namespace raft::wire {
namespace {

Bytes frame(std::uint8_t version, FrameType type, GroupId group, BytesView payload) {
  Bytes out;
  const std::size_t start = begin_frame(out, version, type, group);
  out.append(payload);
  end_frame(out, start);
  return out;
}

Bytes message_frame(BytesView payload) { return frame(1, FrameType::message, {9}, payload); }

constexpr FrameReader::Expected expected{1, 1000};

// Why a reader that is given these bytes at once refuses them; empty: it does not.
std::string error_of(BytesView bytes) {
  FrameReader reader;
  reader.feed(bytes);
  const Result<std::optional<Frame>> read = reader.next(expected);
  return read ? std::string() : read.error().detail;
}

// A header that claims a payload of this length.
Bytes claiming(std::uint32_t length) {
  Bytes number;
  util::Writer(number).u32(length);
  Bytes out = message_frame("x");
  return out.replace(12, 4, number);
}

}  // namespace

// Catches frames lost, doubled or torn at the edges of what the socket happens to give.
TEST_CASE("frames are found whatever portions they come in", "[wire][frame]") {
  const std::vector<Bytes> payloads = {"a", Bytes(500, 'b'), "c", Bytes(999, 'd')};
  Bytes stream;
  for (const Bytes& payload : payloads) stream += message_frame(payload);
  for (const std::size_t portion : {1u, 2u, 3u, 19u, 20u, 21u, 100u, 5000u}) {
    FrameReader reader;
    std::vector<Bytes> found;
    for (std::size_t at = 0; at < stream.size(); at += portion) {
      reader.feed(BytesView(stream).substr(at, portion));
      while (true) {
        const auto next = reader.next(expected);
        REQUIRE(next);
        if (!*next) break;
        CHECK((*next)->type == FrameType::message);
        CHECK((*next)->group == GroupId{9});
        found.emplace_back((*next)->payload);
      }
      reader.keep_rest();
    }
    CHECK(found == payloads);
    CHECK(reader.unread() == 0);
  }
}

// P01: whoever speaks another protocol is recognised by the first byte that gives it away.
TEST_CASE("a wrong magic is refused at its first byte", "[wire][frame]") {
  CHECK(error_of("G") == "not a raft frame");
  CHECK(error_of("\x16\x03\x01") == "not a raft frame");
  CHECK(error_of("\xb5X") == "not a raft frame");
  CHECK(error_of("").empty());
  CHECK(error_of("\xb5").empty());
  CHECK(error_of("\xb5\x52").empty());
}

// P02: decided by the header alone.
TEST_CASE("a length that is not allowed is refused before any payload", "[wire][frame]") {
  const LargestAllocation largest;
  for (const std::uint32_t length : {0u, 1001u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    INFO(length);
    CHECK_FALSE(error_of(BytesView(claiming(length)).substr(0, frame_header_bytes)).empty());
  }
  CHECK(error_of(BytesView(claiming(1000)).substr(0, frame_header_bytes)).empty());
  CHECK(largest.bytes() < 1000);
}

TEST_CASE("memory grows with what was received", "[wire][frame]") {
  Bytes header = claiming(1'000'000'000).substr(0, frame_header_bytes);
  FrameReader reader;
  const LargestAllocation largest;
  reader.feed(header);
  CHECK(reader.next({1, 2'000'000'000}));
  reader.keep_rest();
  reader.feed(Bytes(100, 'x'));
  CHECK(reader.next({1, 2'000'000'000}));
  reader.keep_rest();
  CHECK(largest.bytes() < 1000);
}

TEST_CASE("types and versions that nobody agreed on are refused", "[wire][frame]") {
  CHECK(error_of(message_frame("x")).empty());
  CHECK_FALSE(error_of(frame(1, static_cast<FrameType>(0), {}, "x")).empty());
  CHECK_FALSE(error_of(frame(1, static_cast<FrameType>(5), {}, "x")).empty());
  CHECK_FALSE(error_of(frame(2, FrameType::message, {}, "x")).empty());
  CHECK_FALSE(error_of(frame(1, FrameType::hello, {}, "x")).empty());
  CHECK(error_of(frame(0, FrameType::hello, {}, "x")).empty());
  CHECK_FALSE(error_of(frame(0, FrameType::hello, {3}, "x")).empty());
}

// P03. Catches a checksum that leaves out part of the frame: the group, for one, would hand a
// valid message to another group.
TEST_CASE("no frame with a flipped bit is taken", "[wire][frame]") {
  const Bytes good = message_frame("payload");
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    FrameReader reader;
    reader.feed(flipped);
    const auto read = reader.next(expected);
    INFO("bit " << bit);
    const bool taken = read && read->has_value() && (*read)->payload.size() > 0;
    REQUIRE_FALSE(taken);
  }
}

}  // namespace raft::wire
