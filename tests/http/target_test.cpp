// Targets, escapes, units and addresses: the small grammars at the edge. Catches keys that are
// decoded twice or normalised like file paths, and numbers that wrap around.
#include "kvserver/target.hpp"

#include <catch2/catch.hpp>

#include "kvserver/address.hpp"
#include "kvserver/units.hpp"

namespace kv {

TEST_CASE("percent-encoding is undone exactly once", "[http][target][K02]") {
  CHECK(percent_decode("a%2Fb", Plus::plus) == "a/b");
  CHECK(percent_decode("%2561", Plus::plus) == "%61");
  CHECK(percent_decode("%00%ff", Plus::plus) == std::string("\0\xff", 2));
  CHECK(percent_decode("a+b", Plus::plus) == "a+b");
  CHECK(percent_decode("a+b", Plus::space) == "a b");
  CHECK(percent_decode("%2b", Plus::space) == "+");
  for (const char* bad : {"%", "%4", "%zz", "a%4g", "%%41"}) {
    CHECK_FALSE(percent_decode(bad, Plus::plus));
  }
}

TEST_CASE("what is encoded decodes to the same bytes", "[http][target]") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  CHECK(percent_decode(percent_encode(all), Plus::plus) == all);
  CHECK(percent_decode(percent_encode(all), Plus::space) == all);
}

TEST_CASE("a path is split off but never normalised", "[http][target][K01]") {
  const auto target = split_target("/v1/kv/../..//./etc\\passwd?a=b?c");
  REQUIRE(target);
  CHECK(target->path == "/v1/kv/../..//./etc\\passwd");
  CHECK(target->query == "a=b?c");
  CHECK(split_target("http://host:1/p?q")->path == "/p");
  CHECK(split_target("HTTP://host")->path == "/");
  for (const char* bad : {"", "host:443", "*", "http://", "http:///p", "/a#b", "a/b"}) {
    CHECK_FALSE(split_target(bad));
  }
}

TEST_CASE("a query names each parameter once", "[http][target]") {
  const auto query = Query::parse("key=a%26b&value=&flag&x=1=2");
  REQUIRE(query);
  CHECK(*query->find("key") == "a&b");
  CHECK(query->find("value")->empty());
  CHECK(query->find("flag")->empty());
  CHECK(*query->find("x") == "1=2");
  CHECK(query->find("other") == nullptr);
  CHECK_FALSE(Query::parse("a=1&a=2"));
  CHECK_FALSE(Query::parse("a=%"));
  std::string many;
  for (int i = 0; i < 33; ++i) many += "p" + std::to_string(i) + "=&";
  CHECK_FALSE(Query::parse(many));
}

TEST_CASE("what is printed cannot move a cursor", "[http][target][S12]") {
  CHECK(printable("a\r\n\x1b[31m\xff") == "a\\x0D\\x0A\\x1B[31m\\xFF");
  CHECK(printable(std::string(100, 'x'), 10) == "xxxxxxxxxx...");
}

TEST_CASE("durations and sizes read and print as people write them", "[http][units]") {
  CHECK(parse_duration("500ms") == std::chrono::milliseconds(500));
  CHECK(parse_duration("5m") == std::chrono::minutes(5));
  CHECK(format_duration(std::chrono::seconds(90)) == "90s");
  CHECK(format_duration(std::chrono::minutes(2)) == "2m");
  CHECK(format_duration(raft::Duration(0)) == "0ms");
  for (const char* bad : {"", "5", "ms", "-1s", "1.5s", "5x", "1 s", "9999999999999h"}) {
    CHECK_FALSE(parse_duration(bad));
  }
  CHECK(parse_size("64MiB") == 64u << 20);
  CHECK(parse_size("7") == 7);
  CHECK(format_size(64u << 20) == "64MiB");
  CHECK(format_size(1025) == "1025B");
  for (const char* bad : {"", "MiB", "1MB", "0x10", "99999999999GiB", "18446744073709551616"}) {
    CHECK_FALSE(parse_size(bad));
  }
}

TEST_CASE("addresses are host and port", "[http][address]") {
  CHECK(to_string(*parse_address("127.0.0.1:6000")) == "127.0.0.1:6000");
  CHECK(to_string(*parse_address("[::1]:6000")) == "[::1]:6000");
  CHECK(is_wildcard(*parse_address(":6000")));
  CHECK(is_loopback(*parse_address("localhost:1")));
  CHECK(is_loopback(*parse_address("[::1]:1")));
  CHECK_FALSE(is_loopback(*parse_address("10.0.0.1:1")));
  for (const char* bad : {"", "nonsense", "host:", "host:99999", "host:x", "ho st:1", "[::1:1",
                          "::1:1", "a\r\nb:1", "host:-1", "host:000080"}) {
    INFO(bad);
    CHECK_FALSE(parse_address(bad));
  }
}

}  // namespace kv
