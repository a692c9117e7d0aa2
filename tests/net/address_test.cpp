#include "net/address.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>

using namespace raft;
using namespace raft::net;

// Catches: a valid address refused, or taken apart at the wrong place.
TEST_CASE("addresses are read as people write them, and written the same", "[net][address]") {
  const std::pair<const char*, Address> cases[] = {
      {"127.0.0.1:7001", {"127.0.0.1", 7001}},
      {"localhost:0", {"localhost", 0}},
      {"node-2.example_x.org:65535", {"node-2.example_x.org", 65535}},
      {"[::1]:80", {"::1", 80}},
      {"[fe80::1%eth0]:1", {"fe80::1%eth0", 1}},
  };
  for (const auto& [text, expected] : cases) {
    CAPTURE(text);
    const Result<Address> address = parse_address(text);
    REQUIRE(address);
    CHECK(*address == expected);
    CHECK(to_string(*address) == text);
  }
}

// Catches: bad addresses that surface only when the node dials, with an error nobody understands.
TEST_CASE("what is no address is refused and named", "[net][address]") {
  for (const std::string text :
       {"", "host", "host:", ":7001", "host:65536", "host:-1", "host:+1", "host: 1", "host:1x",
        "host:0x10", "::1:7001", "[]:1", "[::1]", "[::1:7", "ho st:1", "host/path:1", "a\nb:1",
        "[a/b]:1", "host:99999999999999999999"}) {
    CAPTURE(text);
    const Result<Address> address = parse_address(text);
    REQUIRE_FALSE(address);
    CHECK(address.code() == Errc::invalid_argument);
    CHECK(address.error().detail.find("'" + text + "'") != std::string::npos);
  }
}
