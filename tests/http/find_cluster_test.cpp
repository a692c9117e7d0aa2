// Looking for a cluster to join. Catches a node that gives up at the first refusal, or never.
#include "kvserver/find_cluster.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

#include "http/server_fixture.hpp"

namespace http_test {
namespace {

using namespace kv;

const Logger silent(LogFormat::text, {raft::LogLevel::error, {}});

std::optional<raft::Result<JoinTarget>> find(
    ServerFixture& f, std::vector<Address> addresses, raft::Duration timeout,
    const std::function<void()>& meanwhile = [] {}) {
  std::optional<raft::Result<JoinTarget>> found;
  const auto look = [&]() -> boost::asio::awaitable<void> {
    found.emplace(co_await find_cluster(std::move(addresses), timeout, silent));
  };
  boost::asio::co_spawn(f.context, look, boost::asio::detached);
  f.run_until([&] {
    meanwhile();
    return found.has_value();
  });
  return found;
}

Address address_of(const ServerFixture& f) { return {"127.0.0.1", std::to_string(f.port)}; }

// A port that nobody listens on: it was free a moment ago.
Address nobody() {
  const auto listener = HttpListener::open({"127.0.0.1", "0"});
  return *parse_address((*listener)->address());
}

void found_cluster(FakeBackend& backend) {
  auto membership = std::make_shared<raft::Membership>();
  raft::Member member;
  member.id = {1};
  member.address = "127.0.0.1:7000";
  membership->members = {member};
  backend.state.membership = {{1}, membership};
}

}  // namespace

TEST_CASE("any one of several addresses is enough", "[http][join]") {
  ServerFixture f;
  found_cluster(f.backend);
  const auto found = find(f, {nobody(), address_of(f)}, std::chrono::seconds(5));
  REQUIRE(found);
  REQUIRE(found->has_value());
  CHECK((*found)->cluster == raft::ClusterId{3, 4});
  CHECK((*found)->raft == std::vector<std::string>{"127.0.0.1:7000"});
}

TEST_CASE("a cluster that is founded a little later is found", "[http][join]") {
  ServerFixture f;
  bool founded = false;
  const auto found = find(f, {address_of(f)}, std::chrono::seconds(5), [&] {
    // The first question was answered with an error.
    const auto& replies = f.counters.replies[static_cast<std::size_t>(RouteClass::cluster)];
    std::uint64_t answered = 0;
    for (const std::uint64_t count : replies) answered += count;
    if (answered != 0 && !founded) {
      founded = true;
      found_cluster(f.backend);
    }
  });
  REQUIRE(found);
  CHECK(founded);
  CHECK(found->has_value());
}

TEST_CASE("when nobody answers in time, each address says why", "[http][join]") {
  ServerFixture f;
  const Address silent_port = nobody();
  const auto found = find(f, {silent_port, address_of(f)}, std::chrono::milliseconds(300));
  REQUIRE(found);
  REQUIRE_FALSE(found->has_value());
  CHECK(found->code() == raft::Errc::timed_out);
  CHECK(found->error().detail.find(to_string(silent_port) + ": Connection refused") !=
        std::string::npos);
  CHECK(found->error().detail.find("status 503") != std::string::npos);
}

}  // namespace http_test
