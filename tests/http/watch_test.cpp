// Watches and long polls over a real socket. Catches a change that is missed, told twice or told to
// the wrong one, and watchers that cost the server more than a place in the history.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <sstream>

#include "http/server_fixture.hpp"

namespace http_test {
namespace {

using kv::Index;

constexpr const char* long_ago = "GET /v1/watch?from=1 HTTP/1.0\r\n\r\n";

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
  for (std::size_t at = 0; (at = text.find("\nid: ", at)) != std::string::npos; ++at) {
    if (text.find("\n\n", at + 1) == std::string::npos) break;
    found.push_back(std::stoull(text.substr(at + 5)));
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
  CHECK(reply.field("X-KV-Watch-From") == "1");
  CHECK_FALSE(reply.has_field("Content-Length"));
  f.put("a/1", "line\nbreak");
  f.put("b", "not asked for");
  f.erase("a/1");
  CHECK(read_until(f, client, "\n\n\r\n") ==
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
  RawClient client = f.client();
  client.send(get("/v1/watch?from=44"));
  for (int i = 0; i < 6; ++i) f.put("k", std::to_string(i));
  const std::string text = read_until(f, client, "id: 46\n");
  CHECK(ids(text).front() == 44);
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
  client.send(long_ago);
  REQUIRE(f.run_until([&] { return f.metric("kv_watchers") == "1"; }));
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
  const std::string beat = is_sse ? "3\r\n:\n\n\r\n" : "1\r\n\n\r\n";
  // Longer than an idle connection lives.
  read_until(f, client, beat + beat + beat + beat + beat);
}

TEST_CASE("a watcher that leaves is forgotten", "[http][watch]") {
  Watched f;
  {
    RawClient client = f.client();
    client.send(get("/v1/watch"));
    RawClient other = f.client();
    other.send(get("/v1/kv/k?index=100&wait=10m"));
    REQUIRE(f.run_until([&] { return f.metric("kv_watchers") == "2"; }));
  }
  CHECK(f.run_until([&] { return f.metric("kv_watchers") == "0"; }));
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
  REQUIRE(f.run_until([&] { return f.metric("kv_watchers") == "2"; }));
  RawClient third = f.client();
  CHECK(code_of(third.ask(get("/v1/watch"))) == "overloaded");
  CHECK(code_of(third.ask(get("/v1/kv/k?index=100"))) == "overloaded");
  CHECK(third.ask(get("/v1/kv/k")).status == 404);
  second.close();
  CHECK(f.run_until([&] { return f.metric("kv_watchers") == "1"; }));
  CHECK(third.ask(get("/v1/watch")).status == 200);
}

TEST_CASE("a node that shuts down ends watches and polls", "[http][watch][O10]") {
  Watched f;
  RawClient watcher = f.client();
  RawClient poller = f.client();
  CHECK(watcher.ask(get("/v1/watch")).status == 200);
  poller.send(get("/v1/kv/k?index=100&wait=10m"));
  REQUIRE(f.run_until([&] { return f.metric("kv_watchers") == "2"; }));
  bool drained = false;
  f.service.drain();
  f.server->drain([&] { drained = true; });
  CHECK(code_of(poller.receive()) == "draining");
  CHECK(read_until(f, watcher, "\r\n") == "0\r\n\r\n");
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
    f.put("kk", "no");
    REQUIRE(f.run_until([&] { return f.metric("kv_watchers") == "1"; }));
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
    REQUIRE(f.run_until([&] { return f.metric("kv_watchers") == "1"; }));
    f.erase("k");
    CHECK(client.receive().status == 404);
  }
  SECTION("if it was deleted since") {
    f.erase("k");
    CHECK(client.ask(get("/v1/kv/k?index=41")).status == 404);
  }
  SECTION("when it appears") {
    client.send(get("/v1/kv/new?index=41"));
    REQUIRE(f.run_until([&] { return f.metric("kv_watchers") == "1"; }));
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
  REQUIRE(f.run_until([&] { return f.metric("kv_watchers") == "1"; }));
  f.put("k", "2");
  CHECK(client.receive().body == "2");
}

TEST_CASE("watches and polls are asked for properly", "[http][watch]") {
  Watched f;
  RawClient client = f.client();
  for (const char* target : {"/v1/watch?from=-1", "/v1/watch?from=", "/v1/watch?format=xml",
                             "/v1/watch?key=a", "/v1/kv/k?wait=1s", "/v1/kv/k?index=x",
                             "/v1/kv/k?index=1&wait=11m", "/get?key=k&index=1"}) {
    INFO(target);
    CHECK(client.ask(get(target)).status == 400);
  }
  CHECK(client.ask(get("/v1/watch", "Last-Event-ID: x\r\n")).status == 400);
  CHECK(client.ask(get("/v1/watch?prefix=" + std::string(4097, 'p'))).status == 414);
  CHECK(client.ask("POST /v1/watch HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n").status ==
        405);
}

}  // namespace http_test
