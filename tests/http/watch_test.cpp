// Watches and long polls over a real socket. Catches a change that is missed, told twice or told to
// the wrong one, and watchers that cost the server more than a place in the history.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <sstream>

#include "http/server_fixture.hpp"

namespace http_test {
namespace {

using kv::Index;

class Watched : public ServerFixture {
 public:
  using ServerFixture::ServerFixture;

  void put(const std::string& key, const std::string& value) {
    kv::Item& item = backend.items[key];
    const Index index = advance();
    if (item.version == 0) item.create_index = index;
    item = {value, item.create_index, index, item.version + 1};
    tell({index, key, item});
  }
  void erase(const std::string& key) {
    backend.items.erase(key);
    tell({advance(), key, std::nullopt});
  }
  /// As a node that has got so far by a snapshot.
  void jump(std::uint64_t index) {
    backend.where.applied = {index};
    backend.history.begin({index});
  }

  bool await_watchers(int count) {
    return run_until([&] { return metric("kv_watchers") == std::to_string(count); });
  }

  /// A line of /metrics.
  std::string metric(const std::string& name) {
    RawClient client = this->client();
    std::istringstream page(client.ask(get("/metrics")).body);
    std::string line;
    while (std::getline(page, line) && !line.starts_with(name + " ")) {
    }
    return line.substr(std::min(line.size(), name.size() + 1));
  }

 private:
  Index advance() { return backend.where.applied = backend.where.applied.next(); }
  void tell(kv::Change change) {
    backend.history.add(std::move(change));
    backend.history.publish();
  }
};

// What has come so far, once it contains `text`.
std::string read_until(Watched& f, RawClient& client, const std::string& text) {
  const bool came = f.run_until([&] {
    client.take();
    return client.unread().find(text) != std::string::npos;
  });
  INFO(client.unread());
  REQUIRE(came);
  return client.unread();
}

// The indexes of all complete events, in their order.
std::vector<std::uint64_t> ids(const std::string& text) {
  std::vector<std::uint64_t> found;
  for (std::size_t at = 0; (at = text.find("id: ", at)) != std::string::npos; ++at) {
    const std::size_t end = text.find("\n\n", at);
    if (end == std::string::npos) break;
    if (text.find("\nevent: ", at) < end) found.push_back(std::stoull(text.substr(at + 4)));
  }
  return found;
}

std::string code_of(const RawReply& reply) {
  return std::string(boost::json::parse(reply.body).at("code").as_string().c_str());
}

}  // namespace

TEST_CASE("changes come as server-sent events", "[http][watch]") {
  Watched f;
  RawClient client = f.client();
  const RawReply reply = client.ask(get("/v1/watch?prefix=a/"));
  CHECK(reply.status == 200);
  CHECK(reply.field("Content-Type") == "text/event-stream");
  CHECK(reply.field("Transfer-Encoding") == "chunked");
  CHECK(reply.field("X-KV-Watch-From") == "41");
  CHECK_FALSE(reply.has_field("Content-Length"));
  f.put("a/1", "line\nbreak");
  f.put("b", "not asked for");
  f.erase("a/1");
  CHECK(read_until(f, client, "delete") ==
        "8\r\nid: 40\n\n\r\n"  // Where to begin again if nothing came.
        "9b\r\n"
        "id: 41\nevent: put\n"
        R"(data: {"index":41,"key":"a/1","value":"line\nbreak","create_index":41,"version":1})"
        "\n\n"
        "id: 43\nevent: delete\n"
        R"(data: {"index":43,"key":"a/1"})"
        "\n\n\r\n");
}

TEST_CASE("changes come as lines of JSON, whatever their bytes", "[http][watch]") {
  Watched f;
  RawClient client = f.client();
  CHECK(client.ask(get("/v1/watch?format=ndjson")).field("Content-Type") == "application/x-ndjson");
  f.put("k\xff", std::string("\0\xfe", 2));
  f.put("\xc3\xa9", "\xf0\x9f\x98\x80");
  read_until(f, client, "\"index\":42");
  const std::string text = read_until(f, client, "\n\r\n");
  CHECK(text.find(R"({"index":41,"key_base64":"a/8=","value_base64":"AP4=",)") != text.npos);
  CHECK(text.find("\"key\":\"\xc3\xa9\",\"value\":\"\xf0\x9f\x98\x80\"") != text.npos);
  CHECK(text.find("\"event\":\"put\"}\n") != text.npos);
}

TEST_CASE("a watch begins where it is told to", "[http][watch]") {
  Watched f;
  for (int i = 0; i < 5; ++i) f.put("k", std::to_string(i));
  RawClient client = f.client();
  SECTION("from an index") {
    client.send(get("/v1/watch?from=43"));
    CHECK(ids(read_until(f, client, "id: 45\n")) == std::vector<std::uint64_t>{43, 44, 45});
  }
  SECTION("behind the last event of an earlier one, whatever the URL says") {
    client.send(get("/v1/watch?from=41", "Last-Event-ID: 43\r\n"));
    CHECK(ids(read_until(f, client, "id: 45\n")) == std::vector<std::uint64_t>{44, 45});
  }
  SECTION("from now on") {
    CHECK(client.ask(get("/v1/watch")).field("X-KV-Watch-From") == "46");
    f.put("k", "new");
    CHECK(ids(read_until(f, client, "id: 46\n")) == std::vector<std::uint64_t>{46});
  }
}

TEST_CASE("what is no longer held is 410, with what is", "[http][watch]") {
  Watched f;
  f.jump(100);
  RawClient client = f.client();
  const RawReply reply = client.ask(get("/v1/watch?from=100"));
  CHECK(reply.status == 410);
  CHECK(code_of(reply) == "compacted");
  CHECK(reply.body.find("\"oldest_index\":101") != reply.body.npos);
  CHECK(client.ask(get("/v1/watch", "Last-Event-ID: 99\r\n")).status == 410);
  CHECK(client.ask(get("/v1/watch?from=101")).status == 200);
}

// A watcher that comes from a member that was ahead: what it has seen must not come again.
TEST_CASE("a watch from the future waits for it", "[http][watch][bug-46]") {
  Watched f;
  RawClient watcher = f.client();
  RawClient poller = f.client();
  f.put("k", "41");
  watcher.send(get("/v1/watch?from=44"));
  poller.send(get("/v1/kv/k?index=43"));
  REQUIRE(f.await_watchers(2));
  for (int index = 42; index <= 46; ++index) {
    f.put("k", std::to_string(index));
    for (int i = 0; i < 5; ++i) f.metric("kv_watchers");
  }
  CHECK(ids(read_until(f, watcher, "id: 46\n")) == std::vector<std::uint64_t>{44, 45, 46});
  CHECK(poller.receive().body == "44");
}

// The node got the state by a snapshot, and with it whatever the watcher waited for.
TEST_CASE("a watch that a snapshot has overtaken is told so", "[http][watch][bug-46]") {
  Watched f;
  RawClient client = f.client();
  client.send(get("/v1/watch?from=44"));
  read_until(f, client, "\r\n\r\n");
  f.jump(43);
  f.put("k", "v");
  read_until(f, client, "id: 44\n");
  f.jump(60);
  const std::string text = read_until(f, client, "0\r\n\r\n");
  CHECK(text.find("event: overflow\ndata: {\"oldest\":61}\n\n") != text.npos);
  CHECK(client.ask(get("/livez")).status == 200);  // The connection goes on.
}

TEST_CASE("a slow watcher gets all that is held, and then hears what it missed",
          "[http][watch][bug-46]") {
  Watched f;
  RawClient client = f.client();
  client.send("GET /v1/watch?from=41 HTTP/1.0\r\n\r\n");
  REQUIRE(f.await_watchers(1));
  constexpr std::uint64_t count = 1000;
  for (std::uint64_t i = 0; i < count; ++i) {
    f.put("k", std::string(std::size_t{64} << 10, 'v'));
    f.context.poll();
  }
  const std::string text = read_until(f, client, "event: overflow");
  REQUIRE(client.is_closed_by_server());  // HTTP/1.0: that is how the body ends.
  const std::vector<std::uint64_t> seen = ids(text);
  REQUIRE_FALSE(seen.empty());
  CHECK(seen.size() < count);
  for (std::size_t i = 0; i < seen.size(); ++i) REQUIRE(seen[i] == 41 + i);
  CHECK(f.metric("kv_watch_overflows_total") == "1");
  CHECK(f.metric("kv_watchers") == "0");
}

TEST_CASE("a watch in which nothing happens shows that it lives", "[http][watch]") {
  kv::HttpLimits limits;
  limits.heartbeat = std::chrono::milliseconds(20);
  limits.idle = std::chrono::milliseconds(60);
  limits.sweep = std::chrono::milliseconds(5);
  Watched f(limits);
  RawClient client = f.client();
  const bool is_sse = GENERATE(true, false);
  client.send(get(is_sse ? "/v1/watch" : "/v1/watch?format=ndjson"));
  const std::string beat =
      is_sse ? "8\r\nid: 40\n\n\r\n" : "20\r\n{\"index\":40,\"event\":\"progress\"}\n\r\n";
  // Longer than an idle connection lives.
  read_until(f, client, beat + beat + beat + beat + beat);
}

// Its own last event may be long forgotten: it has missed nothing all the same.
TEST_CASE("a watch of what rarely changes tells how far it has got", "[http][watch]") {
  kv::HttpLimits limits;
  limits.heartbeat = std::chrono::milliseconds(20);
  limits.sweep = std::chrono::milliseconds(5);
  Watched f(limits);
  RawClient client = f.client();
  client.send(get("/v1/watch?prefix=rare/"));
  read_until(f, client, "id: 40\n\n");
  for (int i = 0; i < 100; ++i) f.put("often", "v");
  CHECK(ids(read_until(f, client, "id: 140\n\n")).empty());
}

// All together hold so much that nobody has read; whoever does not read is cut, and makes room.
TEST_CASE("what silent watchers have not read is bounded", "[http][watch]") {
  kv::HttpLimits limits;
  limits.stream_bytes_max = std::size_t{4} << 20;
  limits.sweep = std::chrono::milliseconds(5);
  limits.write_grace = std::chrono::milliseconds(100);
  limits.idle = limits.linger = std::chrono::minutes(1);
  Watched f(limits);
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 30; ++i) {
    silent.push_back(std::make_unique<RawClient>(f.client()));
    // The kernel is not to hold it for them.
    silent.back()->socket().set_option(boost::asio::socket_base::receive_buffer_size(4096));
    silent.back()->send(get("/v1/watch"));
  }
  REQUIRE(f.await_watchers(30));
  RawClient reader = f.client();
  reader.send(get("/v1/watch"));
  REQUIRE(f.await_watchers(31));
  const std::string value(std::size_t{900} << 10, 'v');
  std::size_t most = 0;
  for (int i = 1; i <= 8; ++i) {
    f.put("k", value);
    read_until(f, reader, "id: " + std::to_string(40 + i) + "\n");
    most = std::max<std::size_t>(most, f.counters.stream_bytes_unsent);
  }
  CHECK(most >= limits.stream_bytes_max / 2);
  CHECK(most <= limits.stream_bytes_max + 2 * value.size());
  CHECK(f.run_until([&] { return f.counters.connections_slow > 0; }));
  CHECK(f.run_until([&] { return f.counters.stream_bytes_unsent == 0; }));
}

TEST_CASE("who asked for more gets it after the end of a watch", "[http][watch]") {
  Watched f;
  RawClient client = f.client();
  client.send(get("/v1/watch") + get("/livez"));
  REQUIRE(f.await_watchers(1));
  f.jump(100);
  const std::string text = read_until(f, client, "[+]");
  CHECK(text.find("event: overflow") < text.find("0\r\n\r\nHTTP/1.1 200 OK"));
}

// What it asked for before is owed to it, and only that.
TEST_CASE("a client that stops sending behind a watch gets its earlier replies",
          "[http][watch][H12]") {
  Watched f;
  const bool polls = GENERATE(false, true);
  f.put("k", std::string(std::size_t{200} << 10, 'v'));
  RawClient client = f.client();
  std::string requests;
  constexpr int count = 60;
  for (int i = 0; i < count; ++i) requests += get("/v1/kv/k?consistency=stale");
  client.send(requests + get(polls ? "/v1/kv/k?index=41&wait=10m" : "/v1/watch"));
  client.close_sending();
  for (int i = 0; i < count; ++i) REQUIRE(client.receive().body.size() == std::size_t{200} << 10);
  CHECK(client.is_closed_by_server());
  CHECK(f.await_watchers(0));
}

TEST_CASE("a watcher that leaves is forgotten", "[http][watch]") {
  Watched f;
  {
    RawClient client = f.client();
    client.send(get("/v1/watch"));
    RawClient other = f.client();
    other.send(get("/v1/kv/k?index=100&wait=10m"));
    REQUIRE(f.await_watchers(2));
  }
  CHECK(f.await_watchers(0));
  CHECK(f.run_until([&] { return f.counters.connections_open == 0; }));
}

TEST_CASE("there is a limit to watchers", "[http][watch]") {
  kv::RouteLimits limits;
  limits.watchers_max = 2;
  Watched f({}, limits);
  RawClient first = f.client();
  RawClient second = f.client();
  CHECK(first.ask(get("/v1/watch")).status == 200);
  second.send(get("/v1/kv/k?index=100&wait=10m"));
  REQUIRE(f.await_watchers(2));
  RawClient third = f.client();
  CHECK(code_of(third.ask(get("/v1/watch"))) == "overloaded");
  CHECK(code_of(third.ask(get("/v1/kv/k?index=100"))) == "overloaded");
  CHECK(third.ask(get("/v1/kv/k")).status == 404);
  second.close();
  CHECK(f.await_watchers(1));
  CHECK(third.ask(get("/v1/watch")).status == 200);
}

TEST_CASE("a node that shuts down ends watches and polls", "[http][watch][O10]") {
  Watched f;
  RawClient watcher = f.client();
  RawClient poller = f.client();
  CHECK(watcher.ask(get("/v1/watch")).status == 200);
  poller.send(get("/v1/kv/k?index=100&wait=10m"));
  REQUIRE(f.await_watchers(2));
  bool drained = false;
  f.service.drain();
  f.server->drain([&] { drained = true; });
  CHECK(code_of(poller.receive()) == "draining");
  CHECK(read_until(f, watcher, "0\r\n\r\n").ends_with("0\r\n\r\n"));
  CHECK(watcher.is_closed_by_server());
  watcher.close();
  poller.close();
  CHECK(f.run_until([&] { return drained; }));
}

TEST_CASE("a long poll answers once the key has changed", "[http][watch][poll]") {
  Watched f;
  f.put("k", "1");  // 41
  RawClient client = f.client();
  SECTION("at once if it has already") {
    const RawReply reply = client.ask(get("/v1/kv/k?index=40"));
    CHECK(reply.status == 200);
    CHECK(reply.body == "1");
  }
  SECTION("when it does, and not when another does") {
    client.send(get("/v1/kv/k?index=41&consistency=stale") + get("/livez"));
    REQUIRE(f.await_watchers(1));
    f.put("kk", "no");
    for (int i = 0; i < 10; ++i) f.metric("kv_watchers");
    client.take();
    CHECK(client.unread().empty());
    f.put("k", "2");
    const RawReply reply = client.receive();
    CHECK(reply.body == "2");
    CHECK(reply.field("ETag") == "\"43\"");
    CHECK(client.receive().status == 200);  // What was asked next waited for its turn.
  }
  SECTION("when it is deleted") {
    client.send(get("/v1/kv/k?index=41"));
    REQUIRE(f.await_watchers(1));
    f.erase("k");
    CHECK(client.receive().status == 404);
  }
  SECTION("if it was deleted since") {
    f.erase("k");
    CHECK(client.ask(get("/v1/kv/k?index=41")).status == 404);
  }
  SECTION("when it appears") {
    client.send(get("/v1/kv/new?index=41"));
    REQUIRE(f.await_watchers(1));
    f.put("new", "n");
    CHECK(client.receive().body == "n");
  }
  SECTION("or when the time is over") {
    const RawReply reply = client.ask(get("/v1/kv/k?index=41&wait=1ms"));
    CHECK(reply.status == 200);
    CHECK(reply.field("ETag") == "\"41\"");
    const RawReply same =
        client.ask(get("/v1/kv/k?index=41&wait=1ms", "If-None-Match: \"41\"\r\n"));
    CHECK(same.status == 304);
  }
}

// Whether an absent key was deleted since then, only the history knows.
TEST_CASE("a long poll from too long ago is answered, if by an error", "[http][watch][poll]") {
  Watched f;
  f.put("k", "1");  // 41
  f.jump(100);
  RawClient client = f.client();
  CHECK(client.ask(get("/v1/kv/k?index=40")).body == "1");
  CHECK(client.ask(get("/v1/kv/gone?index=40")).status == 410);
  client.send(get("/v1/kv/k?index=50"));  // It has not changed since.
  REQUIRE(f.await_watchers(1));
  f.put("k", "2");
  CHECK(client.receive().body == "2");
}

TEST_CASE("watches and polls are asked for properly", "[http][watch]") {
  Watched f;
  RawClient client = f.client();
  for (const char* target :
       {"/v1/watch?from=-1", "/v1/watch?from=", "/v1/watch?format=xml", "/v1/watch?key=a",
        "/v1/kv/k?wait=1s", "/v1/kv/k?index=x", "/v1/kv/k?index=1&wait=11m",
        "/v1/watch?from=18446744073709551615", "/v1/watch?timeout=soon", "/get?key=k&index=1"}) {
    INFO(target);
    CHECK(client.ask(get(target)).status == 400);
  }
  CHECK(client.ask(get("/v1/watch", "Last-Event-ID: x\r\n")).status == 400);
  CHECK(client.ask(get("/v1/watch?prefix=" + std::string(4097, 'p'))).status == 414);
  CHECK(client.ask("POST /v1/watch HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n").status ==
        405);
}

}  // namespace http_test
