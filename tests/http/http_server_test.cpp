// The server on a real socket: keep-alive, pipelines, bodies, and the order of replies.
#include "kvserver/http_server.hpp"

#include <catch2/catch.hpp>

#include "http/server_fixture.hpp"

namespace http_test {

TEST_CASE("requests and replies go back and forth on one connection", "[http][server]") {
  ServerFixture f;
  RawClient client = f.client();
  const RawReply set = client.ask(get("/set?key=test1&value=writetoleader"));
  CHECK(set.status == 200);
  CHECK(set.body == "ok\n");
  CHECK(set.field("X-Raft-Index") == "41");
  CHECK(set.field("X-Raft-Term") == "7");
  CHECK(set.field("X-Raft-Node") == "1");
  CHECK(set.field("X-Raft-Leader") == "1");
  CHECK(set.field("X-Request-Id").size() == 16);
  CHECK(set.field("Cache-Control") == "no-store");
  const RawReply got = client.ask(get("/get?key=test1"));
  CHECK(got.body == "writetoleader\n");
  CHECK(got.field("X-Request-Id") != set.field("X-Request-Id"));
  CHECK(client.ask(get("/get?key=absent")).status == 404);
}

TEST_CASE("values keep every byte", "[http][server][K04]") {
  ServerFixture f;
  RawClient client = f.client();
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const std::string limit(std::size_t{1} << 20, '\xfe');
  for (const std::string& value : {std::string(), all, limit}) {
    CHECK(client.ask(put("/v1/kv/k", value)).status / 100 == 2);
    const RawReply got = client.ask(get("/v1/kv/k"));
    CHECK(got.status == 200);
    CHECK((got.body == value));
  }
  CHECK(f.run_until([&] { return f.counters.body_bytes_inflight == 0; }));
}

TEST_CASE("a body over the limit is refused before it is sent", "[http][server][H05]") {
  ServerFixture f;
  const std::string head = "PUT /v1/kv/k HTTP/1.1\r\nHost: t\r\nContent-Length: 1048577\r\n";
  {
    RawClient client = f.client();
    CHECK(client.ask(head + "\r\n").status == 413);
    CHECK(client.is_closed_by_server());
  }
  RawClient client = f.client();
  const RawReply refused = client.ask(head + "Expect: 100-continue\r\n\r\n");
  CHECK(refused.status == 413);
  CHECK(refused.field("Connection") == "close");
  CHECK(f.backend.commands.empty());
}

TEST_CASE("a client that asks first is told to go on", "[http][server][H05]") {
  ServerFixture f;
  RawClient client = f.client();
  const std::string request = put("/v1/kv/k", "value", "Expect: 100-continue\r\n");
  const std::size_t head = request.size() - 5;
  CHECK(client.ask(request.substr(0, head)).status == 100);
  CHECK(client.ask(request.substr(head)).status == 201);
  CHECK(f.backend.items["k"].value == "value");
}

TEST_CASE("chunked bodies are joined, and cut at the limit", "[http][server][H06]") {
  ServerFixture f;
  const std::string head = "PUT /v1/kv/k HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  RawClient client = f.client();
  CHECK(client.ask(head + "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nHost: trailer\r\n\r\n").status == 201);
  CHECK(f.backend.items["k"].value == "abcde");
  CHECK(client.ask(get("/v1/kv/k")).body == "abcde");
  CHECK(client.ask(head + "100001\r\n").status == 413);
  CHECK(client.is_closed_by_server());
  RawClient other = f.client();
  CHECK(other.ask(head + "zz\r\n").status == 400);
  CHECK(other.is_closed_by_server());
}

TEST_CASE("a hundred pipelined requests are answered in order", "[http][server][H10]") {
  ServerFixture f;
  RawClient client = f.client();
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    const std::string value = std::to_string(i);
    // Reads that are answered at once, reads and writes that are not, and bodies.
    requests += i % 2 == 0 ? put("/v1/kv/k", value)
                           : get(i % 3 == 0 ? "/v1/kv/k" : "/v1/kv/k?consistency=stale");
  }
  client.send(requests);
  for (int i = 0; i < 100; ++i) {
    const RawReply reply = client.receive();
    REQUIRE(reply.status / 100 == 2);
    if (i % 2 == 1) REQUIRE(reply.body == std::to_string(i - 1));
  }
}

// While the first is under way, the second must not even begin.
TEST_CASE("one request of a connection is carried out at a time", "[http][server][H10]") {
  ServerFixture f;
  f.backend.holding = true;
  RawClient client = f.client();
  client.send(put("/v1/kv/a", "1") + put("/v1/kv/b", "2"));
  REQUIRE(f.run_until([&] { return f.backend.held() == 1; }));
  f.context.poll();
  CHECK(f.backend.commands.size() == 1);
  f.backend.release_one();
  CHECK(client.receive().status == 201);
  REQUIRE(f.run_until([&] { return f.backend.held() == 1; }));
  f.backend.release_one();
  CHECK(client.receive().status == 201);
}

TEST_CASE("a bad second request leaves the first its reply", "[http][server][H10][H11]") {
  ServerFixture f;
  RawClient client = f.client();
  client.send(put("/v1/kv/k", "v") + "garbage after it\r\n\r\n");
  CHECK(client.receive().status == 201);
  CHECK(client.receive().status == 400);
  CHECK(client.is_closed_by_server());
}

TEST_CASE("another protocol is refused and cut", "[http][server][H11]") {
  ServerFixture f;
  for (const char* bytes : {"\x16\x03\x01\x02garbage", "SSH-2.0-OpenSSH\r\n", "\n\n\n"}) {
    RawClient client = f.client();
    CHECK(client.ask(bytes).status == 400);
    CHECK(client.is_closed_by_server());
  }
  CHECK(f.client().ask(get("/livez")).status == 200);
}

TEST_CASE("smuggled requests end the connection", "[http][server][H07][H08]") {
  ServerFixture f;
  const std::string smuggled = get("/set?key=smuggled&value=x");
  for (const char* fields :
       {"Host: t\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Host: t\r\nTransfer-Encoding: xchunked\r\n", "Host: t\r\nTransfer-Encoding : chunked\r\n",
        "Host: t\r\nContent-Length: 1\r\n 0\r\n", "X: y\r\n", "Host: t\r\nHost: u\r\n"}) {
    INFO(fields);
    RawClient client = f.client();
    client.send("PUT /v1/kv/k HTTP/1.1\r\n" + std::string(fields) + "\r\n" + smuggled);
    CHECK(client.receive().status == 400);
    CHECK(client.is_closed_by_server());
  }
  RawClient client = f.client();
  CHECK(client.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status == 505);
  CHECK(f.backend.commands.empty());
}

TEST_CASE("heads that are too large have their own answers", "[http][server][H04]") {
  ServerFixture f;
  {
    RawClient client = f.client();
    CHECK(client.ask("GET /" + std::string(20000, 'x')).status == 414);
    CHECK(client.is_closed_by_server());
  }
  RawClient client = f.client();
  CHECK(client.ask(get("/", "X: " + std::string(40000, 'x') + "\r\n")).status == 431);
  CHECK(client.is_closed_by_server());
}

TEST_CASE("HEAD and OPTIONS have no body, unknown methods an Allow", "[http][server][H09]") {
  ServerFixture f;
  f.backend.items["k"].value = "value";
  RawClient client = f.client();
  const RawReply head = client.ask("HEAD /v1/kv/k HTTP/1.1\r\nHost: t\r\n\r\n", true);
  CHECK(head.status == 200);
  CHECK(head.field("Content-Length") == "5");
  CHECK(client.ask("OPTIONS /v1/kv/k HTTP/1.1\r\nHost: t\r\n\r\n").status == 204);
  const RawReply brewed = client.ask("BREW /v1/kv/k HTTP/1.1\r\nHost: t\r\n\r\n");
  CHECK(brewed.status == 405);
  CHECK(brewed.field("Allow") == "GET, HEAD, PUT, DELETE, OPTIONS");
  // Had HEAD sent its body, this would not parse.
  CHECK(client.ask(get("/v1/kv/k")).body == "value");
}

TEST_CASE("a client that leaves in the middle has asked for nothing", "[http][server][H12]") {
  ServerFixture f;
  RawClient client = f.client();
  client.send("PUT /v1/kv/k HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nhalf");
  REQUIRE(f.run_until([&] { return f.counters.body_bytes_inflight == 4; }));
  client.close();
  REQUIRE(f.run_until([&] { return f.counters.connections_open == 0; }));
  CHECK(f.backend.commands.empty());
  CHECK(f.counters.body_bytes_inflight == 0);
}

TEST_CASE("a client that only stops sending gets its replies", "[http][server]") {
  ServerFixture f;
  f.backend.holding = true;
  RawClient client = f.client();
  client.send(put("/v1/kv/k", "v"));
  client.close_sending();
  REQUIRE(f.run_until([&] { return f.backend.held() == 1; }));
  f.backend.release_one();
  CHECK(client.receive().status == 201);
  CHECK(client.is_closed_by_server());
}

TEST_CASE("a client that leaves before its reply does no harm", "[http][server][H13]") {
  ServerFixture f;
  f.backend.holding = true;
  {
    RawClient client = f.client();
    client.send(put("/v1/kv/k", "v"));
    REQUIRE(f.run_until([&] { return f.backend.held() == 1; }));
  }
  f.backend.release_one();
  REQUIRE(f.run_until([&] { return f.counters.connections_open == 0; }));
  CHECK(f.backend.items["k"].value == "v");
}

TEST_CASE("replies protect the client and give nothing away", "[http][server][H15]") {
  ServerFixture f;
  f.backend.items["k"].value = "<script>";
  RawClient client = f.client();
  const RawReply got = client.ask(get("/v1/kv/k"));
  CHECK(got.field("Content-Type") == "application/octet-stream");
  CHECK(got.field("X-Content-Type-Options") == "nosniff");
  CHECK(got.field("Server") == "kvserver");
  CHECK(got.field("Date").size() == 29);
  // A decoded line break in a key or a parameter must not become one in a head.
  f.backend.where.leader = {2};
  const RawReply moved =
      client.ask(get("/v1/kv/a%0d%0aSet-Cookie:%20x?forward=false", "Prefer: redirect\r\n"));
  CHECK(moved.status == 307);
  CHECK_FALSE(moved.has_field("Set-Cookie"));
  const RawReply refused = client.ask(get("/get?key=k&a%0d%0aSet-Cookie:%20x=1"));
  CHECK(refused.status == 400);
  CHECK_FALSE(refused.has_field("Set-Cookie"));
  CHECK(refused.body.find('\r') == std::string::npos);
}

TEST_CASE("a connection ends when its client wants it to", "[http][server]") {
  ServerFixture f;
  RawClient modern = f.client();
  CHECK(modern.ask(get("/livez", "Connection: close\r\n")).field("Connection") == "close");
  CHECK(modern.is_closed_by_server());
  RawClient old = f.client();
  CHECK(old.ask("GET /livez HTTP/1.0\r\n\r\n").field("Connection") == "close");
  CHECK(old.is_closed_by_server());
  RawClient kept = f.client();
  const std::string request = "GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  CHECK(kept.ask(request).field("Connection") == "keep-alive");
  CHECK(kept.ask(request).status == 200);
}

TEST_CASE("draining finishes what is under way and ends the rest", "[http][server][O10]") {
  ServerFixture f(impatient());
  f.backend.holding = true;
  RawClient busy = f.client();
  busy.send(put("/v1/kv/k", "v"));
  RawClient idle = f.client();
  REQUIRE(f.run_until([&] { return f.backend.held() == 1 && f.counters.connections_open == 2; }));
  bool drained = false;
  f.service.drain();
  f.server->drain([&] { drained = true; });
  CHECK(idle.is_closed_by_server());
  CHECK_FALSE(drained);
  f.backend.release_one();
  const RawReply reply = busy.receive();
  CHECK(reply.status == 201);
  CHECK(reply.field("Connection") == "close");
  busy.close();
  CHECK(f.run_until([&] { return drained; }));
  boost::system::error_code refused;
  boost::asio::ip::tcp::socket late(f.context);
  late.connect({boost::asio::ip::address_v4::loopback(), f.port}, refused);
  CHECK(refused);
}

// Handlers that are still queued must not touch what is gone.
TEST_CASE("a server can be destroyed in the middle of everything", "[http][server]") {
  ServerFixture f;
  f.backend.holding = true;
  RawClient waiting = f.client();
  waiting.send(put("/v1/kv/k", "v"));
  RawClient reading = f.client();
  reading.send("PUT /v1/kv/k HTTP/1.1\r\n");
  REQUIRE(f.run_until([&] { return f.backend.held() == 1 && f.counters.connections_open == 2; }));
  f.server.reset();
  f.backend.release_one();
  CHECK(waiting.is_closed_by_server());
  CHECK(reading.is_closed_by_server());
  CHECK(f.counters.connections_open == 0);
}

TEST_CASE("a port in use is named", "[http][server]") {
  ServerFixture f;
  const auto second = kv::HttpListener::open({"127.0.0.1", std::to_string(f.port)});
  REQUIRE_FALSE(second);
  CHECK(second.error().detail.find("127.0.0.1:" + std::to_string(f.port)) != std::string::npos);
  CHECK(second.error().detail.find("in use") != std::string::npos);
}

}  // namespace http_test
