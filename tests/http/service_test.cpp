// From a request to its reply over a fake cluster, without a socket. Catches replies that promise
// more than is known, and requests that are carried out although they were refused.
#include "kvserver/service.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include "http/fake_backend.hpp"
#include "http/raw_client.hpp"

namespace http_test {
namespace {

using namespace kv;

struct Sink final : ReplySink {
  void reply(std::uint64_t, RouteClass route, Response with) override {
    REQUIRE_FALSE(response);
    response = std::move(with);
    from = route;
  }
  void keep_until_reply(std::uint64_t, std::shared_ptr<void> what) override {
    pending = std::move(what);
  }

  std::optional<Response> response;
  RouteClass from = RouteClass::other;
  std::shared_ptr<void> pending;
};

struct Fixture {
  boost::asio::io_context context;
  FakeBackend backend{context};
  HttpCounters counters;
  Service service{backend, {}, counters};

  std::shared_ptr<Sink> begin(const Request& request) {
    auto sink = std::make_shared<Sink>();
    service.serve(request, {sink, 1, RouteClass::other});
    return sink;
  }
  Response serve(const Request& request) {
    const auto sink = begin(request);
    REQUIRE(run_until(context, [&] { return sink->response.has_value(); }));
    return *sink->response;
  }
  Response serve(Method method, std::string_view target, std::string_view body = {}) {
    return serve(Request{method, target, {}, body});
  }
};

std::string header(const Response& response, std::string_view name) {
  for (const Header& each : response.headers) {
    if (each.name == name) return each.value;
  }
  return {};
}

std::string code(const Response& response) {
  const auto body = boost::json::parse({response.body.data(), response.body.size()});
  return std::string(body.at("code").as_string().c_str());
}

}  // namespace

TEST_CASE("what is set can be got", "[http][service]") {
  Fixture f;
  const Response set = f.serve(Method::get, "/set?key=test1&value=writetoleader");
  CHECK(set.status == 200);
  CHECK(set.body == "ok\n");
  REQUIRE(set.entry);
  CHECK(set.entry->index == raft::Index{41});
  const Response got = f.serve(Method::get, "/get?key=test1");
  CHECK(got.status == 200);
  CHECK(got.body == "writetoleader\n");
  const Response absent = f.serve(Method::get, "/get?key=absent");
  CHECK(absent.status == 404);
  CHECK(absent.body == "not_found: no such key\n");
}

TEST_CASE("a resource is created, replaced, read and deleted", "[http][service]") {
  Fixture f;
  std::string value;
  for (int byte = 0; byte < 256; ++byte) value.push_back(static_cast<char>(byte));
  const Response created = f.serve(Method::put, "/v1/kv/k", value);
  CHECK(created.status == 201);
  CHECK(header(created, "ETag") == "\"41\"");
  CHECK(f.serve(Method::put, "/v1/kv/k", value).status == 200);
  const Response got = f.serve(Method::get, "/v1/kv/%6b");
  CHECK(got.body == value);
  CHECK(got.content_type == "application/octet-stream");
  CHECK(header(got, "ETag") == "\"42\"");
  CHECK(header(got, "X-KV-Create-Index") == "41");
  CHECK(header(got, "X-KV-Version") == "2");
  CHECK(header(got, "X-KV-Consistency") == "linearizable");
  CHECK(header(got, "X-KV-Applied-Index") == "42");
  CHECK(f.serve(Method::delete_, "/v1/kv/k").status == 204);
  CHECK(f.serve(Method::get, "/v1/kv/k").status == 404);
  CHECK(f.serve(Method::delete_, "/v1/kv/k").status == 204);
  CHECK(f.serve(Method::delete_, "/v1/kv/k?strict=true").status == 404);
}

TEST_CASE("conditions decide and tell the present index", "[http][service]") {
  Fixture f;
  CHECK(f.serve(Method::put, "/v1/kv/k?cas=0", "1").status == 201);
  const Response failed = f.serve(Method::put, "/v1/kv/k?cas=0", "2");
  CHECK(failed.status == 412);
  CHECK(failed.body.find("\"current_index\":41") != std::string::npos);
  CHECK(f.serve(Method::put, "/v1/kv/k?cas=41", "2").status == 200);
  Request read{Method::get, "/v1/kv/k", {}, {}};
  read.headers.if_none_match = "\"1\", \"43\"";
  const Response unchanged = f.serve(read);
  CHECK(unchanged.status == 304);
  CHECK(unchanged.body.empty());
  CHECK(header(unchanged, "ETag") == "\"43\"");
  read.headers.if_none_match = "\"41\"";
  CHECK(f.serve(read).status == 200);
}

TEST_CASE("keys are listed page by page", "[http][service][list]") {
  Fixture f;
  for (const char* key : {"a/1", "a/2", "a/3", "b"}) {
    f.backend.items[key] = {std::string("v") + key, {7}, {9}, 2};
  }
  f.backend.items["a/\xff"] = {"\xfe", {8}, {50}, 1};
  const auto list = [&](std::string_view target) {
    const Response response = f.serve(Method::get, target);
    CHECK(response.status == 200);
    return boost::json::parse({response.body.data(), response.body.size()}).as_object();
  };
  const auto page = list("/v1/kv?prefix=a/&limit=2");
  CHECK(page.at("index") == 40);
  CHECK(page.at("count") == 2);
  CHECK(boost::json::serialize(page.at("items").at(0)) ==
        R"({"key":"a/1","value":"va/1","create_index":7,"change_index":9,"version":2})");
  CHECK(page.at("next") == "612f32");
  const auto rest = list("/v1/kv?prefix=a/&limit=2&after=612f32");
  CHECK(rest.at("index") == 50);  // It shows what is newer than what was known to be applied.
  CHECK(rest.at("items").at(0).at("key") == "a/3");
  CHECK(boost::json::serialize(rest.at("items").at(1)) ==
        R"({"key_base64":"YS//","value_base64":"/g==","create_index":8,"change_index":50,)"
        R"("version":1})");
  CHECK_FALSE(rest.contains("next"));
  CHECK(boost::json::serialize(list("/v1/kv?prefix=a/&keys=true&reverse=true&limit=2")) ==
        R"({"index":50,"count":2,"items":[{"key_base64":"YS//"},{"key":"a/3"}],"next":"612f33"})");
  CHECK(boost::json::serialize(list("/v1/kv?count=true")) == R"({"index":50,"count":5})");
  CHECK(list("/v1/kv?prefix=c").at("items").as_array().empty());
  CHECK(f.backend.barriers.size() == 5);
}

// A page must fit memory and the patience of the other nodes, whatever it is asked for.
TEST_CASE("a page ends with a mebibyte, and counting with 50,000 keys", "[http][service][list]") {
  Fixture f;
  for (int i = 0; i < 50'003; ++i) {
    std::string key = std::to_string(100'000 + i);
    f.backend.items[key] = {i < 5 ? std::string(400'000, 'v') : "", {1}, {1}, 1};
  }
  const auto list = [&](const std::string& target) {
    const Response response = f.serve(Method::get, target);
    return boost::json::parse({response.body.data(), response.body.size()}).as_object();
  };
  CHECK(list("/v1/kv").at("count") == 3);
  const auto counted = list("/v1/kv?count=true");
  CHECK(counted.at("count") == 50'000);
  const std::string next(counted.at("next").as_string());
  const auto rest = list("/v1/kv?count=true&after=" + next);
  CHECK(rest.at("count") == 3);
  CHECK_FALSE(rest.contains("next"));
}

TEST_CASE("each level of reading asks for its barrier", "[http][service]") {
  Fixture f;
  f.backend.items["k"].value = "v";
  CHECK(header(f.serve(Method::get, "/v1/kv/k"), "X-KV-Consistency") == "linearizable");
  CHECK(header(f.serve(Method::get, "/v1/kv/k?consistency=lease"), "X-KV-Consistency") == "lease");
  CHECK(f.backend.barriers ==
        std::vector<raft::ReadLevel>{raft::ReadLevel::linearizable, raft::ReadLevel::lease});
  f.backend.failure = raft::Errc::no_leader;
  CHECK(code(f.serve(Method::get, "/v1/kv/k")) == "no_leader");
  // A stale read needs nobody: it is answered before serve() returns.
  const auto sink = f.begin({Method::get, "/v1/kv/k?consistency=stale", {}, {}});
  REQUIRE(sink->response);
  CHECK(sink->response->body == "v");
  CHECK(f.backend.barriers.size() == 3);
}

// A node that has no room for the leader's entries does not apply them: to say that time is over
// would not help anybody to find one that can answer.
TEST_CASE("a read that waits for space says so in the end", "[http][service]") {
  Fixture f;
  f.backend.failure = raft::Errc::timed_out;
  CHECK(f.serve(Method::get, "/v1/kv/k").status == 504);
  f.backend.state.storage_full = true;
  const Response full = f.serve(Method::get, "/v1/kv/k");
  CHECK(full.status == 507);
  CHECK(code(full) == "storage_full");
  CHECK(header(full, "X-KV-Applied") == "no");
  CHECK(f.serve(Method::get, "/v1/kv/k?consistency=stale").status == 404);
}

TEST_CASE("a write carries its deadline and its session", "[http][service]") {
  Fixture f;
  Request put{Method::put, "/v1/kv/k?timeout=700ms", {}, "v"};
  put.headers.idempotency_key = "me:3";
  CHECK(f.serve(put).status == 201);
  REQUIRE(f.backend.options.size() == 1);
  CHECK(f.backend.options[0].deadline == std::chrono::milliseconds(700));
  CHECK(f.backend.options[0].session.client == "me");
  CHECK(f.backend.options[0].session.sequence == 3);
}

// "Failed" after a proposal has left would make clients repeat what was applied.
TEST_CASE("an open outcome is a time-out or a lost quorum, never a failure",
          "[http][service][O04]") {
  Fixture f;
  f.backend.failure = raft::Errc::unknown_outcome;
  const Response lost = f.serve(Method::put, "/v1/kv/k", "v");
  CHECK(lost.status == 503);
  CHECK(code(lost) == "no_quorum");
  CHECK(header(lost, "X-KV-Applied") == "unknown");

  f.backend.holding = true;
  const auto sink = f.begin({Method::put, "/v1/kv/k?timeout=1ms", {}, "v"});
  const auto begun = std::chrono::steady_clock::now();
  REQUIRE(run_until(f.context, [&] {
    return std::chrono::steady_clock::now() - begun > std::chrono::milliseconds(2);
  }));
  f.backend.release_one();
  REQUIRE(run_until(f.context, [&] { return sink->response.has_value(); }));
  CHECK(sink->response->status == 504);
  CHECK(code(*sink->response) == "timeout");
  CHECK(header(*sink->response, "X-KV-Applied") == "unknown");
}

TEST_CASE("errors name another leader where one is known", "[http][service][O03]") {
  Fixture f;
  f.backend.failure = raft::Errc::not_leader;
  f.backend.where.leader = {2};
  const Response refused = f.serve(Method::put, "/v1/kv/k", "v");
  CHECK(refused.status == 503);
  CHECK(refused.body.find(R"("leader":{"id":2,"http":"127.0.0.1:6001"})") != std::string::npos);
}

TEST_CASE("a redirect leads to the same target at the leader", "[http][service]") {
  Fixture f;
  f.backend.where.leader = {2};
  const Response moved = f.serve(Method::put, "http://me/v1/kv/a%20b\xff?forward=false", "v");
  CHECK(moved.status == 307);
  CHECK(header(moved, "Location") == "http://127.0.0.1:6001/v1/kv/a%20b%FF?forward=false");
  CHECK(f.backend.commands.empty());
  // No node has a better claim to a stale answer.
  CHECK(f.serve(Method::get, "/v1/kv/k?consistency=stale&forward=false").status == 404);
  f.backend.where.leader = {3};  // Its address is not known.
  CHECK(f.serve(Method::get, "/v1/kv/k?forward=false").status == 503);
  f.backend.where.leader = {};
  CHECK(f.serve(Method::get, "/get?key=k&forward=false").status == 503);
  f.backend.where.leader = {1};
  CHECK(f.serve(Method::put, "/v1/kv/k?forward=false", "v").status == 201);
}

TEST_CASE("a draining node refuses work and still shows its health", "[http][service][O10]") {
  Fixture f;
  f.service.drain();
  const Response refused = f.serve(Method::put, "/v1/kv/k", "v");
  CHECK(refused.status == 503);
  CHECK(code(refused) == "draining");
  CHECK(refused.close);
  CHECK(f.backend.commands.empty());
  CHECK(f.serve(Method::get, "/get?key=k").status == 503);
  CHECK(f.serve(Method::get, "/livez").status == 200);
  CHECK(f.serve(Method::get, "/readyz").body.find("[-]serving shutting down") != std::string::npos);
}

TEST_CASE("members are added and removed", "[http][service]") {
  Fixture f;
  const char* member = R"({"id":4,"raft":"127.0.0.1:7003","http":"127.0.0.1:6003"})";
  CHECK(f.serve(Method::post, "/v1/cluster/members", member).status == 201);
  REQUIRE(f.backend.added.size() == 1);
  CHECK(f.backend.added[0].id == raft::NodeId{4});
  f.backend.set_members({{4}});
  CHECK(f.serve(Method::delete_, "/v1/cluster/members/4").status == 204);
  CHECK(f.backend.removed == std::vector<raft::NodeId>{{4}});
  CHECK(f.serve(Method::post, "/v1/cluster/leader", R"({"to":2})").status == 204);
  CHECK(f.backend.transfers == std::vector<raft::NodeId>{{2}});
  f.backend.refusal = raft::Errc::conflict;
  CHECK(code(f.serve(Method::delete_, "/v1/cluster/members/4")) == "conflict");
  f.backend.refusal = raft::Errc::id_taken;
  const Response taken = f.serve(Method::post, "/v1/cluster/members", member);
  CHECK(taken.status == 409);
  CHECK(taken.body.find("DELETE /v1/cluster/members/4") != std::string::npos);
}

// 504 would say that it may still happen; and waiting for a node that is not there helps nobody.
TEST_CASE("a node that cannot be asked is a conflict, and nothing has happened",
          "[http][service]") {
  Fixture f;
  const char* member = R"({"id":4,"raft":"127.0.0.1:7003","http":"127.0.0.1:6003"})";
  f.backend.refusal = raft::Errc::timed_out;
  const Response unreachable = f.serve(Method::post, "/v1/cluster/members", member);
  CHECK(unreachable.status == 409);
  CHECK(code(unreachable) == "conflict");
  CHECK(header(unreachable, "X-KV-Applied") == "no");
  CHECK(unreachable.body.find("node 4 does not answer at 127.0.0.1:7003") != std::string::npos);
  CHECK(unreachable.body.find("--join=wait") != std::string::npos);
  // A transfer that does not end in time is another matter.
  f.backend.refusal = raft::Errc::timed_out;
  CHECK(f.serve(Method::post, "/v1/cluster/leader", R"({"to":2})").status == 504);
}

TEST_CASE("a refused change says which node and why", "[http][service]") {
  Fixture f;
  const char* member = R"({"id":4,"raft":"127.0.0.1:7003","http":"127.0.0.1:6003"})";
  f.backend.refusal = raft::Errc::conflict;
  f.backend.why = "node 4 belongs to another cluster";
  const Response elsewhere = f.serve(Method::post, "/v1/cluster/members", member);
  CHECK(elsewhere.status == 409);
  CHECK(elsewhere.body.find(R"("detail":"node 4 belongs to another cluster")") !=
        std::string::npos);
  f.backend.refusal = raft::Errc::id_taken;
  f.backend.why = "node 9 answers there";
  const Response taken = f.serve(Method::post, "/v1/cluster/members", member);
  CHECK(taken.body.find("node 9 answers there; to give the id 4 away") != std::string::npos);
  f.backend.refusal = raft::Errc::timed_out;
  f.backend.why = "connection refused";
  CHECK(f.serve(Method::post, "/v1/cluster/members", member).body.find("(connection refused)") !=
        std::string::npos);
  f.backend.refusal = raft::Errc::invalid_argument;
  f.backend.why = "only another voter";
  const Response transfer = f.serve(Method::post, "/v1/cluster/leader");
  CHECK(transfer.status == 400);
  CHECK(transfer.body.find("only another voter") != std::string::npos);
  // Files of this node are nobody's business.
  f.backend.refusal = raft::Errc::storage_failed;
  f.backend.why = "/secret/path";
  CHECK(f.serve(Method::post, "/v1/cluster/leader").body.find("/secret") == std::string::npos);
}

TEST_CASE("a voter is not added as a learner, nor a stranger removed", "[http][service]") {
  Fixture f;
  f.backend.set_members({{2}});
  const Response learner =
      f.serve(Method::post, "/v1/cluster/members",
              R"({"id":2,"raft":"127.0.0.1:7002","http":"127.0.0.1:6002","role":"learner"})");
  CHECK(learner.status == 409);
  CHECK(learner.body.find("node 2 is a voter") != std::string::npos);
  CHECK(f.backend.added.empty());
  f.backend.refusal = raft::Errc::invalid_argument;
  CHECK(f.serve(Method::delete_, "/v1/cluster/members/9").status == 404);
  CHECK(f.serve(Method::delete_, "/v1/cluster/members/2").status == 400);
  CHECK(f.serve(Method::post, "/v1/cluster/leader", R"({"to":9})").status == 404);
  CHECK(f.serve(Method::post, "/v1/cluster/leader").status == 400);
}

// What a follower knows may be of long ago.
TEST_CASE("who is a member is asked behind a barrier", "[http][service]") {
  Fixture f;
  const char* learner =
      R"({"id":2,"raft":"127.0.0.1:7002","http":"127.0.0.1:6002","role":"learner"})";
  f.backend.at_barrier = [&] { f.backend.set_members({{2}}); };
  CHECK(f.serve(Method::post, "/v1/cluster/members", learner).status == 409);
  f.backend.set_members({});
  CHECK(f.serve(Method::delete_, "/v1/cluster/members/2").status == 204);
  f.backend.at_barrier = [&] { f.backend.set_members({}); };
  f.backend.set_members({{2}});
  CHECK(f.serve(Method::post, "/v1/cluster/members", learner).status == 201);
  f.backend.set_members({{2}});
  CHECK(f.serve(Method::delete_, "/v1/cluster/members/2").status == 404);
  // Without it nothing is known, and nothing is changed.
  f.backend.failure = raft::Errc::no_leader;
  CHECK(code(f.serve(Method::delete_, "/v1/cluster/members/2")) == "no_leader");
  CHECK(f.backend.removed.size() == 1);
}

TEST_CASE("a membership change that does not end is answered in time", "[http][service]") {
  Fixture f;
  f.backend.set_members({{4}});
  f.backend.holding = true;
  const auto sink = f.begin({Method::delete_, "/v1/cluster/members/4?timeout=5ms", {}, {}});
  f.backend.release_one();  // The barrier.
  REQUIRE(run_until(f.context, [&] { return sink->response.has_value(); }));
  CHECK(sink->response->status == 504);
  CHECK(header(*sink->response, "X-KV-Applied") == "unknown");
  // When it ends after all, nobody is answered a second time.
  f.backend.release_one();
  f.context.restart();
  f.context.poll();
}

TEST_CASE("the status says what is free on the disk", "[http][service]") {
  Fixture f;
  CHECK(f.serve(Method::get, "/v1/status").body.find(R"("free_bytes":1234)") != std::string::npos);
}

TEST_CASE("replies are counted by the class of their route", "[http][service]") {
  Fixture f;
  CHECK(f.begin({Method::get, "/livez", {}, {}})->from == RouteClass::health);
  CHECK(f.begin({Method::get, "/v1/kv/", {}, {}})->from == RouteClass::kv);
  CHECK(f.begin({Method::get, "/nowhere", {}, {}})->from == RouteClass::other);
  CHECK(f.serve(Method::get, "/metrics").content_type.starts_with("text/plain; version=0.0.4"));
}

}  // namespace http_test
