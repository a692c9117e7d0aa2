#include "util/crc32c.hpp"

#include <catch2/catch.hpp>
#include <cstddef>

namespace raft::util {
namespace {

Bytes sequence(std::size_t size, int first, int step) {
  Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) {
    bytes.push_back(static_cast<char>(first + step * static_cast<int>(i)));
  }
  return bytes;
}

}  // namespace

// Catches a wrong polynomial, bit order or inversion. The values are of RFC 3720 appendix B.4, the
// last but one is the usual check value of this CRC.
TEST_CASE("the checksum has the published values", "[util][crc32c]") {
  const struct {
    Bytes bytes;
    std::uint32_t crc;
  } rows[] = {
      {Bytes(32, '\0'), 0x8a9136aa},
      {Bytes(32, '\xff'), 0x62a8ab43},
      {sequence(32, 0, 1), 0x46dd794e},
      {sequence(32, 31, -1), 0x113fdb5c},
      {Bytes("\x01\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
             "\x14\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x14\x00\x00\x00\x18"
             "\x28\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00",
             48),
       0xd9963a56},
      {"123456789", 0xe3069283},
      {"", 0},
  };
  for (const auto& row : rows) {
    CHECK(crc32c(row.bytes) == row.crc);
    CHECK(crc32c_by_table(row.bytes) == row.crc);
  }
}

// Catches tails and unaligned starts that the instruction and the table treat differently: two
// machines would then refuse each other's frames.
TEST_CASE("instruction and table agree at every length and offset", "[util][crc32c]") {
  const Bytes bytes = sequence(300, 7, 31);
  for (std::size_t offset = 0; offset < 9; ++offset) {
    for (std::size_t size = 0; offset + size <= bytes.size(); ++size) {
      const BytesView part = BytesView(bytes).substr(offset, size);
      REQUIRE(crc32c(part) == crc32c_by_table(part));
    }
  }
}

TEST_CASE("a checksum goes on where it was left", "[util][crc32c]") {
  const Bytes bytes = sequence(100, 1, 3);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const BytesView all = bytes;
    REQUIRE(crc32c(all.substr(cut), crc32c(all.substr(0, cut))) == crc32c(all));
    REQUIRE(crc32c_by_table(all.substr(cut), crc32c(all.substr(0, cut))) == crc32c(all));
  }
}

}  // namespace raft::util
