// Frames byte by byte, put together by hand from docs/wire-format.md. Catches any change of the
// format that does not come with another version: nodes of both kinds would cut each other off.
#include <catch2/catch.hpp>
#include <string_view>

#include "wire/codec.hpp"
#include "wire/frame.hpp"

namespace raft::wire {
namespace {

template <class Payload>
std::string frame_of(std::uint8_t version, FrameType type, GroupId group, const Payload& payload) {
  Bytes out;
  const std::size_t start = begin_frame(out, version, type, group);
  encode(payload, out);
  end_frame(out, start);

  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char byte : out) {
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 0xf];
  }
  return text;
}

Member member(NodeId id, std::uint64_t instance, std::string address, Role role, Bytes attributes) {
  return {id, {0, instance}, std::move(address), role, false, std::move(attributes)};
}

EntryPtr entry(Term term, Index index, Duration time, EntryBody body) {
  return std::make_shared<const Entry>(Entry{term, index, LogTime{time}, std::move(body)});
}

}  // namespace

TEST_CASE("the bytes of a hello", "[wire][golden]") {
  Hello hello;
  hello.cluster = {0x1111, 0x2222};
  hello.node = {1};
  hello.target = {2};
  hello.instance = {0x3333, 0x4444};
  hello.boot = {5};
  hello.address = "a:1";
  hello.standings = {{{7}, {8}, {9}, {10}}};
  CHECK(frame_of(handshake_version, FrameType::hello, {}, hello) ==
        "b5520001000000000000000068000000e546d1530100010001111100000000000022220000000000"
        "00010000000000000002000000000000003333000000000000444400000000000005000000000000"
        "0003000000613a31010000000700000000000000080000000000000009000000000000000a000000"
        "00000000");
}

TEST_CASE("the bytes of a refusal", "[wire][golden]") {
  const Refused refused{Refusal::removed, {7}, {77}, "gone"};
  CHECK(frame_of(handshake_version, FrameType::refused, {}, refused) ==
        "b552000200000000000000001900000084b6cd2d0607000000000000004d00000000000000040000"
        "00676f6e65");
}

TEST_CASE("the bytes of a heartbeat", "[wire][golden]") {
  const Heartbeat heartbeat{{{4}, {5}, {6}, Duration{500'000'000}}};
  CHECK(frame_of(1, FrameType::message, {7}, Message{{1}, {2}, {3}, heartbeat}) ==
        "b5520103070000000000000039000000c732f4330100000000000000020000000000000003000000"
        "00000000080400000000000000050000000000000006000000000000000065cd1d00000000");
}

TEST_CASE("the bytes of requests for a vote", "[wire][golden]") {
  const PreVoteRequest before{{6}, {{4}, {10}}, {0x3333, 0x4444}};
  CHECK(frame_of(1, FrameType::message, {7}, Message{{1}, {2}, {5}, before}) ==
        "b5520103070000000000000041000000b5d153670100000000000000020000000000000005000000"
        "0000000001060000000000000004000000000000000a000000000000003333000000000000444400"
        "0000000000");
  const VoteRequest request{{{4}, {10}}, false, {0x3333, 0x4444}};
  CHECK(frame_of(1, FrameType::message, {7}, Message{{1}, {2}, {6}, request}) ==
        "b552010307000000000000003a00000081c762250100000000000000020000000000000006000000"
        "000000000304000000000000000a000000000000000033330000000000004444000000000000");
}

TEST_CASE("the bytes of an append with an entry of every kind", "[wire][golden]") {
  const auto membership = std::make_shared<const Membership>(
      Membership{{member({1}, 10, "a", Role::voter, "x"), member({2}, 20, "b", Role::leaving, "")},
                 {{1}, {2}}});
  const AppendRequest append{{{4}, {5}, {6}, Duration{0}},
                             {{2}, {11}},
                             {entry({3}, {12}, Duration{100}, Noop{}),
                              entry({3}, {13}, Duration{101}, Command{"c", 9, "set"}),
                              entry({4}, {14}, Duration{102}, membership)}};
  CHECK(frame_of(1, FrameType::message, {}, Message{{1}, {2}, {4}, append}) ==
        "b552010300000000000000000b010000fa5b77b40100000000000000020000000000000004000000"
        "00000000050400000000000000050000000000000006000000000000000000000000000000020000"
        "00000000000b000000000000000300000003000000000000000c0000000000000064000000000000"
        "000103000000000000000d0000000000000065000000000000000201000000630900000000000000"
        "0300000073657404000000000000000e000000000000006600000000000000030200000001000000"
        "0000000000000000000000000a000000000000000100000061010001000000780200000000000000"
        "00000000000000001400000000000000010000006203000000000002000000010000000000000002"
        "00000000000000");
}

TEST_CASE("the bytes of a chunk", "[wire][golden]") {
  const Chunk chunk{{{4}, {3}, {99}}, 65536, "bytes"};
  CHECK(frame_of(1, FrameType::service, {7}, ServiceMessage{{2}, {1}, chunk}) ==
        "b552010407000000000000003a000000898afae50200000000000000010000000000000008040000"
        "0000000000030000000000000063000000000000000000010000000000050000006279746573");
}

}  // namespace raft::wire
