// P11. Run with the address and undefined-behaviour sanitizers, these catch every read beyond the
// end, every overflow and every value outside its enumeration that bytes from outside can cause.
#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "util/bytes.hpp"
#include "wire/allocations.hpp"
#include "wire/codec.hpp"
#include "wire/random_messages.hpp"

namespace raft::wire {
namespace {

// What the bytes are as a message, encoded again; absent: refused.
using Recode = std::function<std::optional<Bytes>(BytesView)>;

template <auto decode>
std::optional<Bytes> recoded(BytesView payload) {
  const auto value = decode(payload);
  if (!value) return std::nullopt;
  Bytes out;
  encode(*value, out);
  return out;
}

// A later version may append to its hello; that is skipped, so it is put back here.
std::optional<Bytes> recoded_hello(BytesView payload) {
  std::optional<Bytes> again = recoded<decode_hello>(payload);
  if (again && decode_hello_versions(payload)->max > 1)
    again->append(payload.substr(again->size()));
  return again;
}

struct Sample {
  Bytes payload;
  Recode recode;
};

template <auto decode, class Value>
Sample sample(const Value& value) {
  Bytes out;
  encode(value, out);
  return {std::move(out), recoded<decode>};
}

std::vector<Sample> samples(std::uint64_t seed) {
  RandomMessages random(seed);
  std::vector<Sample> all;
  for (std::size_t kind = 0; kind < RandomMessages::message_kinds; ++kind) {
    all.push_back(sample<decode_message>(random.message(kind)));
  }
  for (std::size_t kind = 0; kind < RandomMessages::service_kinds; ++kind) {
    all.push_back(sample<decode_service_message>(random.service(kind)));
  }
  all.push_back(sample<decode_hello>(random.hello()));
  all.back().recode = recoded_hello;
  all.push_back(sample<decode_refused>(random.refused()));
  return all;
}

// There is one encoding of each value, so what is accepted must come out as it came in: then
// nothing was skipped, cut or read twice.
void expect_refused_or_exact(const Recode& recode, const Bytes& payload) {
  const std::optional<Bytes> again = recode(payload);
  if (again) REQUIRE(*again == payload);
}

}  // namespace

TEST_CASE("no truncation of any message is accepted", "[wire][hostile]") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (const Sample& each : samples(seed)) {
      for (std::size_t size = 0; size < each.payload.size(); ++size) {
        // A buffer of exactly this size, so that a sanitizer sees one byte too many.
        const std::vector<char> cut(each.payload.begin(),
                                    each.payload.begin() + static_cast<std::ptrdiff_t>(size));
        REQUIRE_FALSE(each.recode({cut.data(), cut.size()}));
      }
      REQUIRE(each.recode(each.payload) == each.payload);
      REQUIRE_FALSE(each.recode(each.payload + '\0'));
    }
  }
}

TEST_CASE("every flipped bit of every message is refused or gives another valid one",
          "[wire][hostile]") {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    for (const Sample& each : samples(seed)) {
      Bytes payload = each.payload;
      for (std::size_t bit = 0; bit < payload.size() * 8; ++bit) {
        const auto mask = static_cast<char>(1 << (bit % 8));
        payload[bit / 8] = static_cast<char>(payload[bit / 8] ^ mask);
        expect_refused_or_exact(each.recode, payload);
        payload[bit / 8] = static_cast<char>(payload[bit / 8] ^ mask);
      }
    }
  }
}

// Every place of every message is made to claim 4 GiB, the largest signed number, nothing, and a
// count just beyond what is there.
TEST_CASE("no claimed length or count is believed", "[wire][hostile]") {
  for (const Sample& each : samples(7)) {
    const LargestAllocation largest;
    for (std::size_t at = 0; at + 4 <= each.payload.size(); ++at) {
      for (const std::uint32_t claim : {0xffffffffu, 0x80000000u, 0x7fffffffu, 0u, 0x00ffffffu,
                                        static_cast<std::uint32_t>(each.payload.size() - at - 3)}) {
        Bytes number;
        util::Writer(number).u32(claim);
        Bytes payload = each.payload;
        payload.replace(at, 4, number);
        expect_refused_or_exact(each.recode, payload);
      }
    }
    // A vector of structures may take some times its bytes, never a multiple of a claim.
    REQUIRE(largest.bytes() <= 64 + 16 * each.payload.size());
  }
}

TEST_CASE("a claimed count beyond the bytes allocates nothing", "[wire][hostile]") {
  Bytes append;
  encode(Message{{1}, {2}, {3}, AppendRequest{}}, append);
  for (std::size_t i = append.size() - 4; i < append.size(); ++i) append[i] = '\xff';
  const LargestAllocation largest;
  CHECK_FALSE(decode_message(append));
  CHECK(largest.bytes() == 0);
}

TEST_CASE("noise is refused or exactly what it says", "[wire][hostile]") {
  RandomMessages random(99);
  const std::vector<Sample> kinds = samples(1);
  for (int round = 0; round < 20'000; ++round) {
    const Sample& kind = kinds[random.below(kinds.size())];
    Bytes payload = kind.payload;
    for (std::uint64_t changes = 1 + random.below(8); changes > 0; --changes) {
      payload[random.below(payload.size())] = static_cast<char>(random.number());
    }
    expect_refused_or_exact(kind.recode, payload);
    expect_refused_or_exact(kind.recode, random.bytes(200));
  }
}

}  // namespace raft::wire
