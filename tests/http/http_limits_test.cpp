// Clients that are slow, silent, or too many. Catches deadlines that every byte renews, and memory
// that anyone can fill.
#include <catch2/catch.hpp>

#include "http/server_fixture.hpp"

namespace http_test {

TEST_CASE("a head that trickles is cut by one deadline", "[http][limits][H01]") {
  ServerFixture f(impatient());
  RawClient client = f.client();
  const std::string request = "GET /livez HTTP/1.1\r\nX: " + std::string(10000, 'x');
  std::size_t sent = 0;
  // A byte per turn, so that a deadline per read would never pass.
  REQUIRE(f.run_until([&] {
    client.take();
    if (client.unread().empty() && !client.ended()) client.send(request.substr(sent++, 1));
    return !client.unread().empty() || sent == request.size();
  }));
  CHECK(client.receive().status == 408);
  CHECK(client.is_closed_by_server());
  CHECK(f.counters.connections_slow == 1);
}

TEST_CASE("a body that trickles is cut", "[http][limits][H01]") {
  ServerFixture f(impatient());
  RawClient client = f.client();
  client.send("PUT /v1/kv/k HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf");
  CHECK(client.receive().status == 408);
  CHECK(client.is_closed_by_server());
  CHECK(f.backend.commands.empty());
  CHECK(f.counters.body_bytes_inflight == 0);
}

// What came fast must not pay for silence.
TEST_CASE("a body that stops short of its end is cut", "[http][limits][H01]") {
  kv::HttpLimits limits = impatient();
  limits.bytes_per_second_min = 1024;
  ServerFixture f(limits);
  RawClient client = f.client();
  client.send("PUT /v1/kv/k HTTP/1.1\r\nHost: t\r\nContent-Length: 1048576\r\n\r\n" +
              std::string(1'048'000, 'v'));
  CHECK(client.receive().status == 408);
  CHECK(client.is_closed_by_server());
  CHECK(f.backend.commands.empty());
}

TEST_CASE("a silent connection is closed", "[http][limits][H02]") {
  ServerFixture f(impatient());
  RawClient silent = f.client();
  RawClient once = f.client();
  CHECK(once.ask(get("/livez")).status == 200);
  CHECK(silent.is_closed_by_server());
  CHECK(once.is_closed_by_server());
  CHECK(silent.unread().empty());
  CHECK(f.counters.connections_idle == 2);
}

TEST_CASE("a client that waits for its own request is not silent", "[http][limits][H02]") {
  ServerFixture f(impatient());
  f.backend.holding = true;
  RawClient client = f.client();
  client.send(put("/v1/kv/k", "v"));
  RawClient silent = f.client();
  // The other's idle time is over, and so would be this one's.
  REQUIRE(silent.is_closed_by_server());
  f.backend.release_one();
  CHECK(client.receive().status == 201);
}

TEST_CASE("a client that does not read its replies is cut", "[http][limits][H03]") {
  kv::HttpLimits limits = impatient();
  limits.idle = std::chrono::minutes(1);
  // What the kernel's buffers took at first buys no time.
  limits.bytes_per_second_min = 1024;
  ServerFixture f(limits);
  f.backend.items["k"].value = std::string(std::size_t{1} << 20, 'v');
  RawClient client = f.client();
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += get("/v1/kv/k?consistency=stale");
  client.send(requests);
  REQUIRE(f.run_until([&] { return f.counters.connections_slow == 1; }));
  CHECK(f.counters.connections_open == 0);
  // Far from all were prepared: what is unsent bounds what is begun.
  CHECK(f.counters.replies[static_cast<std::size_t>(kv::RouteClass::kv)][0] < 20);
}

TEST_CASE("a slow reader gets all of a long pipeline", "[http][limits][H03]") {
  ServerFixture f;
  f.backend.items["k"].value = std::string(std::size_t{1} << 20, 'v');
  RawClient client = f.client();
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += get("/v1/kv/k?consistency=stale");
  client.send(requests);
  for (int i = 0; i < 20; ++i) {
    const RawReply reply = client.receive();
    REQUIRE(reply.status == 200);
    REQUIRE(reply.body.size() == std::size_t{1} << 20);
  }
}

TEST_CASE("above the cap connections are told and closed", "[http][limits][O01]") {
  kv::HttpLimits limits;
  limits.connections_max = 2;
  ServerFixture f(limits);
  RawClient first = f.client();
  RawClient second = f.client();
  REQUIRE(f.run_until([&] { return f.counters.connections_open == 2; }));
  RawClient third = f.client();
  const RawReply refused = third.receive();
  CHECK(refused.status == 503);
  CHECK(refused.field("Retry-After") == "1");
  CHECK(refused.body.find("\"applied\":\"no\"") != std::string::npos);
  CHECK(third.is_closed_by_server());
  CHECK(f.counters.connections_refused == 1);
  CHECK(first.ask(get("/livez")).status == 200);
  first.close();
  third.close();
  REQUIRE(f.run_until([&] { return f.counters.connections_open == 1; }));
  RawClient fourth = f.client();
  CHECK(fourth.ask(get("/livez")).status == 200);
}

TEST_CASE("bodies in flight are bounded over all connections", "[http][limits][O07]") {
  kv::HttpLimits limits;
  limits.inflight_body_bytes_max = 1000;
  ServerFixture f(limits);
  f.backend.holding = true;
  RawClient first = f.client();
  first.send(put("/v1/kv/a", std::string(900, 'v')));
  REQUIRE(f.run_until([&] { return f.backend.held() == 1; }));
  RawClient second = f.client();
  const RawReply refused = second.ask(put("/v1/kv/b", std::string(200, 'v')));
  CHECK(refused.status == 503);
  CHECK(refused.body.find("\"applied\":\"no\"") != std::string::npos);
  f.backend.release_one();
  CHECK(first.receive().status == 201);
  CHECK(f.backend.commands.size() == 1);
  CHECK(f.run_until([&] { return f.counters.body_bytes_inflight == 0; }));
}

TEST_CASE("every error on the wire says whether it was applied", "[http][limits][O05]") {
  ServerFixture f;
  const std::string requests[] = {get("/v1/kv/%zz"),
                                  get("/v1/kv/absent"),
                                  get("/get?key=absent"),
                                  get("/nowhere"),
                                  "POST /v1/kv/k HTTP/1.1\r\nHost: t\r\n\r\n",
                                  put("/v1/kv/k?cas=9", "v"),
                                  "garbage\r\n"};
  for (const std::string& request : requests) {
    INFO(request);
    const RawReply reply = f.client().ask(request);
    CHECK(reply.status / 100 == 4);
    CHECK(reply.field("X-KV-Applied") == "no");
  }
}

}  // namespace http_test
