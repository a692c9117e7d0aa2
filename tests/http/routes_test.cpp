// What requests mean. Catches routes that guess: ignored parameters, keys that are not bytes,
// conditions that are dropped.
#include "kvserver/routes.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

namespace kv {
namespace {

Request request(Method method, std::string_view target, std::string_view body = {}) {
  Request request;
  request.method = method;
  request.target = target;
  request.body = body;
  return request;
}

Routed get(std::string_view target) { return route(request(Method::get, target), {}); }

template <class T>
T action(const Routed& routed) {
  INFO("replies instead: " << (std::holds_alternative<Respond>(routed.action)
                                   ? std::get<Respond>(routed.action).response.body
                                   : "no"));
  REQUIRE(std::holds_alternative<T>(routed.action));
  return std::get<T>(routed.action);
}

Response reply(const Routed& routed) { return action<Respond>(routed).response; }

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

TEST_CASE("the plain routes read and write", "[http][routes]") {
  const auto write = action<Write>(get("/set?key=test1&value=write+to%20leader"));
  CHECK(write.command == encode(Put{"test1", "write to leader"}));
  CHECK(write.timeout == std::chrono::seconds(5));
  CHECK(write.session.client.empty());
  CHECK_FALSE(write.redirect);
  const auto read = action<Read>(get("/get?key=test1&consistency=stale&timeout=250ms"));
  CHECK(read.key == "test1");
  CHECK(read.terms.level == raft::ReadLevel::stale);
  CHECK(read.terms.timeout == std::chrono::milliseconds(250));
  CHECK(get("/get?key=a").style == Style::text);
  CHECK(get("/get?key=a").route == RouteClass::plain);
}

TEST_CASE("keys in a path are bytes", "[http][routes][K01][K02][K05]") {
  struct Row {
    const char* target;
    std::string key;
  };
  const Row rows[] = {{"/v1/kv/a", "a"},
                      {"/v1/kv/%61", "a"},
                      {"/v1/kv/../../etc/passwd", "../../etc/passwd"},
                      {"/v1/kv/%2e%2e%2fx", "../x"},
                      {"/v1/kv//", "/"},
                      {"/v1/kv/./", "./"},
                      {"/v1/kv/a\\b", "a\\b"},
                      {"/v1/kv/a+b", "a+b"},
                      {"/v1/kv/a%2Fb", "a/b"},
                      {"/v1/kv/%2561", "%61"},
                      {"/v1/kv/%00%80%FF", std::string("\0\x80\xff", 3)},
                      {"http://any.host/v1/kv/a", "a"}};
  for (const Row& row : rows) {
    INFO(row.target);
    CHECK(action<Read>(get(row.target)).key == row.key);
  }
}

TEST_CASE("keys have one byte to four kibibytes", "[http][routes][K03]") {
  CHECK(action<Read>(get("/v1/kv/" + std::string(4096, 'k'))).key.size() == 4096);
  CHECK(reply(get("/v1/kv/" + std::string(4097, 'k'))).status == 414);
  CHECK(reply(get("/v1/kv/")).status == 400);
  CHECK(reply(get("/get?key=")).status == 400);
  CHECK(reply(get("/get?key=" + std::string(4097, 'k'))).status == 414);
}

TEST_CASE("values have no byte too many", "[http][routes][K04]") {
  RouteLimits limits;
  limits.value_bytes_max = 256;
  std::string value;
  for (int byte = 0; byte < 256; ++byte) value.push_back(static_cast<char>(byte));
  const auto put = [&](std::string_view body) {
    return route(request(Method::put, "/v1/kv/k", body), limits);
  };
  CHECK(action<Write>(put(value)).command == encode(Put{"k", value}));
  CHECK(action<Write>(put("")).command == encode(Put{"k", ""}));
  CHECK(reply(put(value + "x")).status == 413);
  CHECK(reply(route(request(Method::get, "/set?key=k&value=" + std::string(257, 'v')), limits))
            .status == 413);
}

TEST_CASE("conditions on writes", "[http][routes][K08]") {
  struct Row {
    const char* target;
    std::optional<std::string_view> if_match;
    std::optional<std::string_view> if_none_match;
    std::optional<Condition> condition;  // Absent: refused with 400.
  };
  const Row rows[] = {
      {"/v1/kv/k", {}, {}, Always{}},
      {"/v1/kv/k", "\"17\"", {}, Unchanged{{17}}},
      {"/v1/kv/k", " \"17\" ", {}, Unchanged{{17}}},
      {"/v1/kv/k", "*", {}, Exists{}},
      {"/v1/kv/k?cas=17", {}, {}, Unchanged{{17}}},
      {"/v1/kv/k?cas=0", {}, {}, Unchanged{{0}}},
      {"/v1/kv/k", {}, "*", Unchanged{{0}}},
      {"/v1/kv/k", {}, "\"17\"", {}},
      {"/v1/kv/k", "W/\"17\"", {}, {}},
      {"/v1/kv/k", "17", {}, {}},
      {"/v1/kv/k", "\"\"", {}, {}},
      {"/v1/kv/k", "\"0\"", {}, {}},
      {"/v1/kv/k", "\"1\", \"2\"", {}, {}},
      {"/v1/kv/k", "\"18446744073709551616\"", {}, {}},
      {"/v1/kv/k", "", {}, {}},
      {"/v1/kv/k?cas=-1", {}, {}, {}},
      {"/v1/kv/k?cas=18446744073709551616", {}, {}, {}},
      {"/v1/kv/k?cas=1", "\"1\"", {}, {}},
  };
  for (const Row& row : rows) {
    INFO(row.target << " If-Match: " << row.if_match.value_or("none"));
    Request put = request(Method::put, row.target, "v");
    put.headers.if_match = row.if_match;
    put.headers.if_none_match = row.if_none_match;
    Request erase = put;
    erase.method = Method::delete_;
    if (row.condition) {
      CHECK(action<Write>(route(put, {})).command == encode(Put{"k", "v", *row.condition}));
      CHECK(action<Write>(route(erase, {})).command == encode(Delete{"k", *row.condition}));
    } else {
      CHECK(code(reply(route(put, {}))) == "bad_request");
      CHECK(code(reply(route(erase, {}))) == "bad_request");
    }
  }
}

// A condition that is not looked at would promise something else than was asked for.
TEST_CASE("the plain route to write refuses conditions", "[http][routes]") {
  Request conditional = request(Method::put, "/set?key=k&value=v");
  conditional.headers.if_match = "\"1\"";
  CHECK(reply(route(conditional, {})).status == 400);
  conditional.headers = {};
  conditional.headers.if_none_match = "*";
  CHECK(reply(route(conditional, {})).status == 400);
}

TEST_CASE("tags that a reader already has", "[http][routes]") {
  Request read = request(Method::get, "/v1/kv/k");
  read.headers.if_none_match = "\"3\", W/\"5\", \"other\"";
  CHECK(action<Read>(route(read, {})).known == std::vector<Index>{{3}, {5}});
  read.headers.if_none_match = "*";
  CHECK(action<Read>(route(read, {})).known_any);
}

TEST_CASE("Idempotency-Key is a client and a number from one", "[http][routes]") {
  Request put = request(Method::put, "/v1/kv/k", "v");
  put.headers.idempotency_key = "urn:me:12";
  const auto write = action<Write>(route(put, {}));
  CHECK(write.session.client == "urn:me");
  CHECK(write.session.sequence == 12);
  const std::string long_name(65, 'c');
  for (const std::string& bad :
       {std::string(""), std::string("me"), std::string(":1"), std::string("me:0"),
        std::string("me:x"), long_name + ":1", std::string("me:9223372036854775808"),
        std::string("me:18446744073709551615")}) {
    INFO(bad);
    put.headers.idempotency_key = bad;
    CHECK(code(reply(route(put, {}))) == "bad_request");
  }
}

TEST_CASE("the largest sequence is taken", "[http][routes]") {
  Request put = request(Method::put, "/v1/kv/k", "v");
  put.headers.idempotency_key = "me:9223372036854775807";
  CHECK(action<Write>(route(put, {})).session.sequence == 9223372036854775807u);
}

// Whatever follows on such a connection is not for this server either.
TEST_CASE("a target that is no path is refused and the connection closed", "[http][routes][H10]") {
  for (const char* target : {"*", "host:80", "ftp://host/v1/kv/k", "v1/kv/k", "http:///x"}) {
    INFO(target);
    const Response refused = reply(get(target));
    CHECK(refused.status == 400);
    CHECK(refused.close);
  }
  CHECK(reply(get("/v1/kv/a#b")).body.find("%23") != std::string::npos);
}

TEST_CASE("a query that is refused says what is wrong with it", "[http][routes]") {
  CHECK(reply(get("/set?key=k&value=100%")).body.find("value=100%") != std::string::npos);
  CHECK(reply(get("/get?key=a&key=b")).body.find("parameter key occurs twice") !=
        std::string::npos);
  std::string many = "/get?key=k";
  for (int i = 0; i < 32; ++i) many += "&p" + std::to_string(i) + "=";
  CHECK(reply(get(many)).body.find("at most 32") != std::string::npos);
}

TEST_CASE("whoever wants no forwarding says so", "[http][routes]") {
  CHECK(action<Write>(get("/set?key=k&value=v&forward=false")).redirect);
  CHECK_FALSE(action<Write>(get("/set?key=k&value=v&forward=true")).redirect);
  CHECK(action<Read>(get("/v1/kv/k?forward=false")).terms.redirect);
  Request read = request(Method::get, "/v1/kv/k");
  read.headers.prefer = "redirect";
  CHECK(action<Read>(route(read, {})).terms.redirect);
  CHECK(reply(get("/v1/kv/k?forward=no")).status == 400);
}

// Answering as if the parameter were not there would promise something else than was asked for.
TEST_CASE("a list says which keys and how much of them", "[http][routes][list]") {
  const List all = action<List>(get("/v1/kv"));
  CHECK(all.prefix.empty());
  CHECK_FALSE(all.after);
  CHECK(all.limit == 1000);
  CHECK(all.what == List::What::items);
  CHECK_FALSE(all.descending);
  CHECK(all.terms.level == raft::ReadLevel::linearizable);
  const List some = action<List>(
      get("/v1/kv?prefix=a%2F&after=612fff&limit=3&keys=true&reverse=true&consistency=stale"));
  CHECK(some.prefix == "a/");
  CHECK(some.after == Bytes("a/\xff"));
  CHECK(some.limit == 3);
  CHECK(some.what == List::What::keys);
  CHECK(some.descending);
  CHECK(some.terms.level == raft::ReadLevel::stale);
  CHECK(action<List>(get("/v1/kv?count=true")).what == List::What::count);
  for (const char* target :
       {"/v1/kv?limit=0", "/v1/kv?limit=10001", "/v1/kv?limit=x", "/v1/kv?after=zz",
        "/v1/kv?after=616", "/v1/kv?keys=yes", "/v1/kv?count=true&keys=true",
        "/v1/kv?count=true&limit=3", "/v1/kv?reverse=1", "/v1/kv?key=a"}) {
    INFO(target);
    CHECK(reply(get(target)).status == 400);
  }
  CHECK(reply(get("/v1/kv?prefix=" + std::string(4097, 'p'))).status == 414);
  CHECK(reply(get("/v1/kv/")).status == 400);  // Not a list: a key that is empty.
}

TEST_CASE("unknown, repeated and malformed parameters are refused", "[http][routes]") {
  for (const char* target :
       {"/v1/kv/k?consistancy=stale", "/v1/kv/k?consistency=strong", "/v1/kv/k?timeout=5",
        "/v1/kv/k?timeout=0s", "/v1/kv/k?timeout=9h", "/v1/kv/k?timeout=1s&timeout=2s",
        "/v1/kv/k?timeout=%zz", "/v1/kv/%zz", "/set?key=k", "/set?value=v", "/get", "/get?k=v",
        "/set?key=k&value=v&ttl=5s", "/v1/status?x=1"}) {
    INFO(target);
    CHECK(reply(get(target)).status == 400);
  }
  CHECK(reply(get("/get?key=k&x=\r\n")).body.find('\r') == std::string::npos);
}

TEST_CASE("wrong methods are told the right ones", "[http][routes][H09]") {
  struct Row {
    Method method;
    const char* target;
    const char* allow;
  };
  const Row rows[] = {{Method::other, "/v1/kv/k", "GET, HEAD, PUT, DELETE, OPTIONS"},
                      {Method::post, "/v1/kv/k", "GET, HEAD, PUT, DELETE, OPTIONS"},
                      {Method::delete_, "/set?key=k&value=v", "GET, POST, PUT, OPTIONS"},
                      {Method::get, "/v1/cluster/join", "POST, OPTIONS"},
                      {Method::get, "/v1/cluster/members", "POST, OPTIONS"},
                      {Method::get, "/v1/cluster/members/4", "DELETE, OPTIONS"},
                      {Method::post, "/metrics", "GET, HEAD, OPTIONS"}};
  for (const Row& row : rows) {
    INFO(row.target);
    const Response refused = reply(route(request(row.method, row.target), {}));
    CHECK(refused.status == 405);
    CHECK(header(refused, "Allow") == row.allow);
    const Response options = reply(route(request(Method::options, row.target), {}));
    CHECK(options.status == 204);
    CHECK(header(options, "Allow") == row.allow);
  }
  CHECK(reply(route(request(Method::options, "*"), {})).status == 204);
  CHECK(reply(get("*")).status == 400);
}

TEST_CASE("encoded values are not stored", "[http][routes][H14]") {
  Request put = request(Method::put, "/v1/kv/k", "v");
  put.headers.content_encoding = "gzip";
  CHECK(reply(route(put, {})).status == 415);
  put.headers.content_encoding = "identity";
  CHECK(std::holds_alternative<Write>(route(put, {}).action));
}

TEST_CASE("documents have their routes", "[http][routes]") {
  CHECK(action<Show>(get("/v1/status")) == Show::status);
  CHECK(action<Show>(get("/v1/cluster")) == Show::cluster);
  CHECK(action<Show>(get("/v1/cluster/leader")) == Show::leader);
  CHECK(action<Show>(route(request(Method::post, "/v1/cluster/join"), {})) == Show::join);
  CHECK(action<Show>(get("/livez")) == Show::live);
  CHECK(action<Show>(get("/readyz")) == Show::ready);
  CHECK(action<Show>(get("/healthz")) == Show::health);
  CHECK(action<Show>(get("/metrics")) == Show::metrics);
  CHECK(reply(get("/")).body.find("curl") != std::string::npos);
  CHECK(reply(get("/version")).body.starts_with("kvserver "));
  CHECK(reply(get("/nowhere")).status == 404);
  CHECK(reply(get("/v1/kvs")).status == 404);
}

TEST_CASE("members come as JSON", "[http][routes]") {
  const auto post = [](std::string_view body) {
    return route(request(Method::post, "/v1/cluster/members?timeout=20s", body), {});
  };
  const auto added =
      action<AddMember>(post(R"({"id":4,"raft":"127.0.0.1:7003","http":"127.0.0.1:6003"})"));
  CHECK(added.member.id == raft::NodeId{4});
  CHECK(added.member.address == "127.0.0.1:7003");
  CHECK(added.member.attributes == "127.0.0.1:6003");
  CHECK(added.member.role == raft::Role::learner);
  CHECK(added.member.promote);
  CHECK(added.timeout == std::chrono::seconds(20));
  CHECK_FALSE(action<AddMember>(post(R"({"id":4,"raft":"h:1","http":"h:2","role":"learner"})"))
                  .member.promote);
  for (const char* bad :
       {"", "{", "[]", "{}", R"({"id":0,"raft":"h:1","http":"h:2"})",
        R"({"id":-1,"raft":"h:1","http":"h:2"})", R"({"id":"4","raft":"h:1","http":"h:2"})",
        R"({"id":4,"raft":"h","http":"h:2"})", R"({"id":4,"raft":"h:1"})",
        R"({"id":4,"raft":"h:1","http":"h:2\r\nX: y"})",
        R"({"id":4,"raft":"h:1","http":"h:2","role":"king"})",
        R"({"id":1e3,"raft":"h:1","http":"h:2"})", R"({"id":4.0,"raft":"h:1","http":"h:2"})",
        R"({"id":3,"id":4,"raft":"h:1","http":"h:2"})",
        R"({"id":4,"raft":"a\":b","raft":"h:1","http":"h:2"})",
        R"({"id":4,"raft":"h:1","http":"h:2","rolle":"learner"})", "[[[[[[[[[[]]]]]]]]]]"}) {
    INFO(bad);
    CHECK(code(reply(post(bad))) == "bad_request");
  }
}

TEST_CASE("members leave and leaders change", "[http][routes]") {
  const auto erase = [](std::string_view target) {
    return route(request(Method::delete_, target), {});
  };
  CHECK(action<RemoveMember>(erase("/v1/cluster/members/4")).id == raft::NodeId{4});
  CHECK(reply(erase("/v1/cluster/members/0")).status == 400);
  CHECK(reply(erase("/v1/cluster/members/x")).status == 400);
  const auto transfer = [](std::string_view body) {
    return route(request(Method::post, "/v1/cluster/leader", body), {});
  };
  CHECK(action<TransferLeadership>(transfer(R"({"to":2})")).to == raft::NodeId{2});
  CHECK(action<TransferLeadership>(transfer("")).to == raft::NodeId{0});
  CHECK(reply(transfer(R"({"too":2})")).status == 400);
}

}  // namespace kv
