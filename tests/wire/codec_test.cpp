#include "wire/codec.hpp"

#include <catch2/catch.hpp>

#include "protocol/encoding.hpp"
#include "wire/equality.hpp"
#include "wire/random_messages.hpp"

namespace raft::wire {
namespace {

template <class Value>
Bytes encoded(const Value& value) {
  Bytes out;
  encode(value, out);
  return out;
}

EntryPtr entry(std::uint64_t term, std::uint64_t index) {
  return std::make_shared<const Entry>(Entry{{term}, {index}, {}, Noop{}});
}

bool is_accepted(Term term, MessageBody body) {
  return decode_message(encoded(Message{{1}, {2}, term, std::move(body)})).has_value();
}

}  // namespace

// Catches a field that is forgotten, swapped with another or cut off on its way.
TEST_CASE("random messages of every kind come back as they were", "[wire][codec]") {
  RandomMessages random(1);
  for (std::size_t round = 0; round < 500; ++round) {
    const Message message = random.message(round % RandomMessages::message_kinds);
    INFO(describe(message));
    const std::optional<Message> back = decode_message(encoded(message));
    REQUIRE(back);
    REQUIRE(same(*back, message));
  }
}

TEST_CASE("random service messages of every kind come back as they were", "[wire][codec]") {
  RandomMessages random(2);
  for (std::size_t round = 0; round < 500; ++round) {
    const ServiceMessage message = random.service(round % RandomMessages::service_kinds);
    INFO(name_of(message.body));
    const std::optional<ServiceMessage> back = decode_service_message(encoded(message));
    REQUIRE(back);
    REQUIRE(*back == message);
  }
}

TEST_CASE("random hellos and refusals come back as they were", "[wire][codec]") {
  RandomMessages random(3);
  for (int round = 0; round < 200; ++round) {
    const Hello hello = random.hello();
    REQUIRE(decode_hello(encoded(hello)) == hello);
    const Refused refused = random.refused();
    REQUIRE(decode_refused(encoded(refused)) == refused);
  }
}

// Catches a hello of full size that no listener would take.
TEST_CASE("the largest hello fits its limit", "[wire][codec]") {
  Hello hello;
  hello.node = {1};
  hello.address = Bytes(256, 'a');
  hello.standings.resize(standings_max);
  CHECK(encoded(hello).size() <= 1024);
  CHECK(decode_hello(encoded(hello)) == hello);
}

TEST_CASE("a refusal's detail is cut to its limit", "[wire][codec]") {
  const Refused long_winded{Refusal::removed, {2}, {3}, std::string(10'000, 'x')};
  const auto back = decode_refused(encoded(long_winded));
  REQUIRE(back);
  CHECK(back->detail.size() == refusal_detail_bytes_max);
}

// Catches a first version that would shut out every later one.
TEST_CASE("what a later version appends to a hello is skipped", "[wire][codec]") {
  Hello hello;
  hello.node = {1};
  CHECK_FALSE(decode_hello(encoded(hello) + "more"));
  hello.version_max = 2;
  CHECK(decode_hello(encoded(hello) + "more") == hello);
}

TEST_CASE("a hello with an impossible range of versions is refused", "[wire][codec]") {
  Hello hello;
  hello.node = {1};
  hello.version_min = 0;
  CHECK_FALSE(decode_hello(encoded(hello)));
  hello.version_min = 3;
  hello.version_max = 2;
  CHECK_FALSE(decode_hello(encoded(hello)));
  CHECK_FALSE(decode_hello_versions("\x01\x00\x01"));
}

// P10: a peer with such a term could push every term of the cluster to where none is left.
TEST_CASE("terms from the limit on are refused", "[wire][codec]") {
  CHECK(is_accepted({term_limit - 1}, TimeoutNow{}));
  CHECK_FALSE(is_accepted({term_limit}, TimeoutNow{}));
  CHECK_FALSE(is_accepted({~std::uint64_t{0}}, TimeoutNow{}));
  CHECK_FALSE(is_accepted({1}, PreVoteRequest{{term_limit}, {}}));
  CHECK_FALSE(is_accepted({1}, AppendAccepted{{}, {term_limit}}));
}

TEST_CASE("nobody is neither sender nor receiver", "[wire][codec]") {
  CHECK_FALSE(decode_message(encoded(Message{{0}, {2}, {1}, TimeoutNow{}})));
  CHECK_FALSE(decode_message(encoded(Message{{1}, {0}, {1}, TimeoutNow{}})));
  CHECK_FALSE(decode_service_message(encoded(ServiceMessage{{0}, {2}, TransferRequest{}})));
}

// P11. Catches what would tear the follower's log: the core takes these facts for granted.
TEST_CASE("entries of an append continue it without gap and without falling terms",
          "[wire][codec][thesis-3.5]") {
  const EntryId prev{{3}, {10}};
  const auto accepted = [&prev](std::vector<EntryPtr> entries) {
    return is_accepted({5}, AppendRequest{{}, prev, std::move(entries)});
  };
  CHECK(accepted({}));
  CHECK(accepted({entry(3, 11), entry(3, 12), entry(5, 13)}));

  CHECK_FALSE(accepted({entry(3, 12)}));
  CHECK_FALSE(accepted({entry(3, 10)}));
  CHECK_FALSE(accepted({entry(3, 11), entry(3, 11)}));
  CHECK_FALSE(accepted({entry(3, 11), entry(3, 13)}));
  CHECK_FALSE(accepted({entry(2, 11)}));
  CHECK_FALSE(accepted({entry(4, 11), entry(3, 12)}));
  CHECK_FALSE(accepted({entry(6, 11)}));
}

TEST_CASE("no log holds a term above its node's", "[wire][codec]") {
  const EntryId above{{6}, {10}};
  CHECK_FALSE(is_accepted({5}, AppendRequest{{}, above, {}}));
  CHECK_FALSE(is_accepted({5}, VoteRequest{above, false}));
  CHECK_FALSE(is_accepted({5}, PreVoteRequest{{6}, above}));
  CHECK(is_accepted({6}, VoteRequest{above, false}));
}

TEST_CASE("a place in the log has both a term and an index or neither", "[wire][codec]") {
  CHECK(is_accepted({5}, VoteRequest{{}, false}));
  CHECK_FALSE(is_accepted({5}, VoteRequest{{{1}, {0}}, false}));
  CHECK_FALSE(is_accepted({5}, AppendRequest{{}, {{0}, {1}}, {}}));
}

// An error number serves as an index into counters.
TEST_CASE("an unknown error is refused", "[wire][codec]") {
  ServiceMessage message{{1}, {2}, ServiceReply{}};
  auto& reply = std::get<ServiceReply>(message.body);
  reply.error = errc_count - 1;
  CHECK(decode_service_message(encoded(message)));
  ++reply.error;
  CHECK_FALSE(decode_service_message(encoded(message)));
}

TEST_CASE("an unknown kind is refused", "[wire][codec]") {
  Bytes message = encoded(Message{{1}, {2}, {3}, TimeoutNow{}});
  Bytes service = encoded(ServiceMessage{{1}, {2}, TransferRequest{}});
  for (const int kind : {0, 16, 200}) {
    message[24] = static_cast<char>(kind);
    service[16] = static_cast<char>(kind);
    CHECK_FALSE(decode_message(message));
    CHECK_FALSE(decode_service_message(service));
  }
}

}  // namespace raft::wire
