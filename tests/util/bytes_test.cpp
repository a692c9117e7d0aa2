#include "util/bytes.hpp"

#include <catch2/catch.hpp>
#include <limits>

namespace raft::util {

// Catches a change of byte order, which would make disks and peers unreadable.
TEST_CASE("numbers are written with their lowest byte first", "[util][bytes]") {
  Bytes out;
  Writer writer(out);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  writer.boolean(true);
  writer.bytes("ab");
  CHECK(out == Bytes("\x01\x03\x02\x07\x06\x05\x04\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08\x01"
                     "\x02\x00\x00\x00"
                     "ab",
                     22));
}

TEST_CASE("what was written is read back", "[util][bytes]") {
  constexpr auto highest = std::numeric_limits<std::uint64_t>::max();
  Bytes out;
  Writer writer(out);
  writer.u8(0xff);
  writer.u16(0xfffe);
  writer.u32(0xfffffffd);
  writer.u64(highest);
  writer.boolean(false);
  writer.bytes(BytesView("\0\xff", 2));

  Reader reader(out);
  CHECK(reader.u8() == 0xff);
  CHECK(reader.u16() == 0xfffe);
  CHECK(reader.u32() == 0xfffffffd);
  CHECK(reader.u64() == highest);
  CHECK_FALSE(reader.boolean());
  CHECK(reader.bytes() == BytesView("\0\xff", 2));
  CHECK(reader.done());
}

// Catches a reader that returns part of a number, or goes on after it ran out.
TEST_CASE("the first failure of a reader sticks", "[util][bytes]") {
  Reader reader("abc");
  CHECK(reader.u32() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.u8() == 0);
  CHECK(reader.bytes().empty());
  CHECK(reader.remaining() == 0);
  CHECK_FALSE(reader.done());
}

TEST_CASE("a boolean is 0 or 1 and nothing else", "[util][bytes]") {
  Reader reader("\x02");
  CHECK_FALSE(reader.boolean());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("what is left over is not done", "[util][bytes]") {
  Reader reader("ab");
  reader.u8();
  CHECK(reader.ok());
  CHECK(reader.remaining() == 1);
  CHECK_FALSE(reader.done());
}

// Catches trust in a length that the sender made up.
TEST_CASE("a length beyond the bytes that follow or the limit fails", "[util][bytes]") {
  const Bytes hostile(
      "\xff\xff\xff\xff"
      "ab",
      6);
  Reader too_long(hostile);
  CHECK(too_long.bytes().empty());
  CHECK_FALSE(too_long.ok());

  Bytes out;
  Writer(out).bytes("four");
  Reader at_limit(out);
  CHECK(at_limit.bytes(4) == "four");
  Reader above_limit(out);
  CHECK(above_limit.bytes(3).empty());
  CHECK_FALSE(above_limit.ok());
}

TEST_CASE("a count is bounded by what the bytes left can hold", "[util][bytes]") {
  Bytes out;
  Writer(out).u32(3);
  out.append(24, 'x');
  Reader fits(out);
  CHECK(fits.count(8) == 3);
  CHECK(fits.ok());
  Reader does_not_fit(out);
  CHECK(does_not_fit.count(9) == 0);
  CHECK_FALSE(does_not_fit.ok());
}

}  // namespace raft::util
