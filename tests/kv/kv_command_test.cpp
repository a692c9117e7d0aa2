#include "kvserver/kv_command.hpp"

#include <vector>

#include "support.hpp"

namespace kv {
namespace {

std::vector<Command> examples() {
  static const Bytes every_byte = [] {
    Bytes out;
    for (int byte = 0; byte < 256; ++byte) out += static_cast<char>(byte);
    return out;
  }();
  static const Bytes longest_key(key_bytes_max, 'k');
  static const Bytes large(std::size_t{1} << 20, 'v');
  return {
      Put{"k", ""},
      Put{"key", "value", Unchanged{{7}}},
      Put{"key", every_byte, Unchanged{{0}}},
      Put{every_byte, large, Exists{}},
      Put{longest_key, "value"},
      Delete{"k"},
      Delete{every_byte, Unchanged{{~std::uint64_t{0}}}},
      Delete{longest_key, Exists{}},
  };
}

// Would catch a field that is written and read in different order or width.
TEST_CASE("a command comes back from its bytes as it was", "[kv][command]") {
  for (const Command& command : examples()) {
    const Bytes bytes = encode(command);
    const auto decoded = decode_command(bytes);
    REQUIRE(decoded);
    CHECK(*decoded == command);
    CHECK(encode(*decoded) == bytes);
  }
}

// Entries outlive versions of the program: a change of these bytes is a new format.
TEST_CASE("the bytes of commands and replies are pinned", "[kv][command]") {
  using namespace std::string_literals;
  CHECK(encode(Put{"k", "v"}) == "\x01\x01\x00\x01\x00k\x01\x00\x00\x00v"s);
  CHECK(encode(Put{"k", "", Unchanged{{0x0102}}}) ==
        "\x01\x01\x01\x02\x01\x00\x00\x00\x00\x00\x00\x01\x00k\x00\x00\x00\x00"s);
  CHECK(encode(Delete{"key", Exists{}}) == "\x01\x02\x02\x03\x00key"s);
  CHECK(encode(Reply{Outcome::replaced, {258}}) == "\x01\x02\x02\x01\x00\x00\x00\x00\x00\x00"s);
}

// Would catch a read behind the end, and a prefix that is taken for a smaller command.
TEST_CASE("no proper prefix of a command is a command, nor is one with more behind it",
          "[kv][command]") {
  for (const Command& command : examples()) {
    const Bytes bytes = encode(command);
    const std::size_t step = bytes.size() > 10'000 ? 997 : 1;
    for (std::size_t size = 0; size < bytes.size(); size += step) {
      // A copy of exactly this size, so that the address sanitizer sees any read behind it.
      const Bytes cut = bytes.substr(0, size);
      CHECK(test::fails_with(raft::Errc::corrupt, decode_command(cut)));
    }
    CHECK(test::fails_with(raft::Errc::corrupt, decode_command(bytes + '\0')));
  }
}

// Would catch an unchecked length or an unknown tag that is let through: whatever is accepted must
// have one encoding only, itself.
TEST_CASE("a command with a flipped bit is refused or is another command", "[kv][command]") {
  for (const Command& command : examples()) {
    Bytes bytes = encode(command);
    const std::size_t bits = std::min<std::size_t>(bytes.size(), 600) * 8;
    for (std::size_t bit = 0; bit < bits; ++bit) {
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      if (const auto decoded = decode_command(bytes)) {
        CHECK(encode(*decoded) == bytes);
        CHECK_FALSE(*decoded == command);
      }
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    }
  }
}

TEST_CASE("random bytes never crash the decoder", "[kv][command]") {
  test::Random random(1);
  for (int round = 0; round < 30'000; ++round) {
    Bytes bytes = random.bytes(random.below(40));
    // Past the first checks more often than chance would have it.
    if (bytes.size() > 2 && !random.one_in(4)) {
      bytes[0] = 1;
      bytes[1] = static_cast<char>(1 + random.below(2));
      bytes[2] = static_cast<char>(random.below(3));
    }
    if (const auto decoded = decode_command(bytes)) CHECK(encode(*decoded) == bytes);
    if (const auto reply = decode_reply(bytes)) CHECK(encode(*reply) == bytes);
  }
}

// K03. A length that wraps at 65536 would write under another key.
TEST_CASE("keys that are empty or too long make a command malformed", "[kv][command][K03]") {
  for (const std::size_t size : {std::size_t{0}, key_bytes_max + 1, std::size_t{65536 + 3}}) {
    const Bytes key(size, 'k');
    CHECK_FALSE(decode_command(encode(Put{key, "value"})));
    CHECK_FALSE(decode_command(encode(Delete{key})));
  }
  // The same written by somebody else's encoder.
  Bytes bytes{1, 2, 0};
  test::append_number(key_bytes_max + 1, 2, bytes);
  bytes.append(key_bytes_max + 1, 'k');
  CHECK_FALSE(decode_command(bytes));
}

TEST_CASE("a reply comes back from its bytes and a broken one is refused", "[kv][command]") {
  for (const Outcome outcome :
       {Outcome::created, Outcome::replaced, Outcome::deleted, Outcome::not_found,
        Outcome::precondition_failed, Outcome::malformed}) {
    const Reply reply{outcome, {0x1122334455667788}};
    const Bytes bytes = encode(reply);
    const auto decoded = decode_reply(bytes);
    REQUIRE(decoded);
    CHECK(*decoded == reply);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(decode_reply(BytesView(bytes).substr(0, size)));
    }
    CHECK_FALSE(decode_reply(bytes + "x"));
  }
  CHECK_FALSE(decode_reply(Bytes{1, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  CHECK_FALSE(decode_reply(Bytes{1, 7, 0, 0, 0, 0, 0, 0, 0, 0}));
  CHECK_FALSE(decode_reply(Bytes{2, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace kv
