#include "kvserver/routes.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/hex.hpp>
#include <iterator>
#include <limits>
#include <string>

#include "kvserver/conditions.hpp"
#include "kvserver/help_page.hpp"
#include "kvserver/member_request.hpp"
#include "kvserver/target.hpp"
#include "kvserver/units.hpp"

namespace kv {
namespace {

// What a handler looks at. `rest` is the path behind a route that ends in a slash.
struct Context {
  const Request& request;
  const RouteLimits& limits;
  std::string_view rest;
  const Query& query;
};

using Handled = std::variant<Action, Problem>;
using Handler = Handled (*)(const Context&);

Handled respond(Response response) { return Action{Respond{std::move(response)}}; }

// A parameter that is silently ignored, `?consistancy=stale`, would change what a reply promises.
std::optional<Problem> unknown_parameter(const Query& query,
                                         std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : query.parameters()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string detail = "unknown parameter " + printable(name) + "; known here:";
    for (const std::string_view each : known) detail.append(" ").append(each);
    return bad_request(std::move(detail));
  }
  return std::nullopt;
}

// What every request to the cluster may say.
struct Terms {
  raft::Duration timeout{0};
  bool redirect = false;
};

raft::Result<raft::Duration> read_timeout(const Context& context, raft::Duration otherwise) {
  const std::string* text = context.query.find("timeout");
  if (text == nullptr) return otherwise;
  const auto timeout = parse_duration(*text);
  if (!timeout || timeout->count() == 0 || *timeout > context.limits.timeout_max) {
    return raft::Error{raft::Errc::invalid_argument,
                       "timeout is a duration up to " +
                           format_duration(context.limits.timeout_max) +
                           ", for example timeout=500ms"};
  }
  return *timeout;
}

raft::Result<Terms> read_terms(const Context& context) {
  auto timeout = read_timeout(context, context.limits.timeout);
  if (!timeout) return timeout.error();
  Terms terms{*timeout, false};
  if (const std::string* forward = context.query.find("forward")) {
    if (*forward != "true" && *forward != "false") {
      return raft::Error{raft::Errc::invalid_argument,
                         "forward is true or false, for example forward=false"};
    }
    terms.redirect = *forward == "false";
  }
  if (const auto& prefer = context.request.headers.prefer) {
    terms.redirect = terms.redirect || prefer->find("redirect") != std::string_view::npos;
  }
  return terms;
}

std::optional<Problem> unfit_key(std::string_view key) {
  if (key.empty()) return bad_request("the key is empty; for example /v1/kv/name or key=name");
  if (key.size() > key_bytes_max) {
    return too_large(414, "a key has at most " + format_size(key_bytes_max));
  }
  return std::nullopt;
}

std::optional<Problem> unfit_value(std::string_view value, const RouteLimits& limits) {
  if (value.size() <= limits.value_bytes_max) return std::nullopt;
  return too_large(413, "a value has at most " + format_size(limits.value_bytes_max));
}

raft::Result<bool> read_flag(const Query& query, std::string_view name) {
  const std::string* text = query.find(name);
  if (text == nullptr || *text == "false") return false;
  if (*text == "true") return true;
  return raft::Error{
      raft::Errc::invalid_argument,
      std::string(name) + " is true or false, for example " + std::string(name) + "=true"};
}

// The log's sequences end here. There is no end to reach: a new client's name begins anew.
constexpr auto sequence_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// CLIENT:SEQUENCE. The client's name may contain colons itself.
raft::Result<raft::Session> read_session(const RequestHeaders& headers) {
  if (!headers.idempotency_key) return raft::Session{};
  const std::string_view text = *headers.idempotency_key;
  const std::size_t colon = std::min(text.rfind(':'), text.size());
  const auto sequence = parse_number(text.substr(std::min(text.size(), colon + 1)));
  if (colon == 0 || colon > 64 || !sequence || *sequence == 0 || *sequence > sequence_max) {
    return raft::Error{raft::Errc::invalid_argument,
                       "Idempotency-Key is CLIENT:SEQUENCE, 1 to 64 bytes and a number from 1 to " +
                           std::to_string(sequence_max) +
                           " that each request raises by one, for example Idempotency-Key: a1b2:1"};
  }
  return raft::Session{Bytes(text.substr(0, colon)), *sequence};
}

raft::Result<raft::ReadLevel> read_level(const Query& query) {
  const std::string* text = query.find("consistency");
  if (text == nullptr || *text == "linearizable") return raft::ReadLevel::linearizable;
  if (*text == "lease") return raft::ReadLevel::lease;
  if (*text == "stale") return raft::ReadLevel::stale;
  return raft::Error{raft::Errc::invalid_argument,
                     "consistency is linearizable, lease or stale, for example consistency=stale"};
}

// An index in a query or a field of the head.
raft::Result<Index> read_index(std::string_view name, std::string_view text) {
  const auto index = parse_number(text);
  // The log's indexes end below: there is always one behind it.
  if (index && *index < std::numeric_limits<std::uint64_t>::max()) return Index{*index};
  return raft::Error{raft::Errc::invalid_argument,
                     std::string(name) + " is the index of an entry, a number; for example " +
                         std::string(name) + "=17"};
}

raft::Result<raft::Duration> read_wait(const Context& context) {
  const std::string* text = context.query.find("wait");
  if (text == nullptr) return context.limits.wait;
  const auto wait = parse_duration(*text);
  if (wait && *wait <= context.limits.timeout_max) return *wait;
  return raft::Error{raft::Errc::invalid_argument, "wait is a duration up to " +
                                                       format_duration(context.limits.timeout_max) +
                                                       ", for example wait=30s"};
}

Handled write(const Context& context, const Command& command) {
  auto terms = read_terms(context);
  if (!terms) return bad_request(terms.error().detail);
  auto session = read_session(context.request.headers);
  if (!session) return bad_request(session.error().detail);
  Write write;
  write.command = encode(command);
  write.session = std::move(*session);
  write.timeout = terms->timeout;
  write.redirect = terms->redirect;
  return Action{std::move(write)};
}

raft::Result<ReadTerms> read_freshness(const Context& context) {
  const auto terms = read_terms(context);
  if (!terms) return terms.error();
  const auto level = read_level(context.query);
  if (!level) return level.error();
  return ReadTerms{*level, terms->timeout, terms->redirect};
}

Handled read(const Context& context, Bytes key) {
  if (auto problem = unfit_key(key)) return *std::move(problem);
  const auto terms = read_freshness(context);
  if (!terms) return bad_request(terms.error().detail);
  auto known = known_tags(context.request.headers);
  if (!known) return bad_request(known.error().detail);
  Read read;
  read.key = std::move(key);
  read.terms = *terms;
  read.known = std::move(known->indexes);
  read.known_any = known->any;
  return Action{std::move(read)};
}

Handled plain_set(const Context& context) {
  if (auto unknown = unknown_parameter(context.query, {"key", "value", "timeout", "forward"})) {
    return *std::move(unknown);
  }
  const RequestHeaders& headers = context.request.headers;
  if (headers.if_match || headers.if_none_match) {
    return bad_request("conditions are for /v1/kv, for example PUT /v1/kv/name with If-Match");
  }
  const std::string* key = context.query.find("key");
  const std::string* value = context.query.find("value");
  if (key == nullptr || value == nullptr) {
    return bad_request("key and value are needed, for example /set?key=name&value=text");
  }
  if (auto problem = unfit_key(*key)) return *std::move(problem);
  if (auto problem = unfit_value(*value, context.limits)) return *std::move(problem);
  return write(context, Put{*key, *value});
}

Handled plain_get(const Context& context) {
  if (auto unknown =
          unknown_parameter(context.query, {"key", "consistency", "timeout", "forward"})) {
    return *std::move(unknown);
  }
  const std::string* key = context.query.find("key");
  if (key == nullptr) return bad_request("key is needed, for example /get?key=name");
  return read(context, *key);
}

Handled put_value(const Context& context, std::string_view key) {
  if (auto unknown = unknown_parameter(context.query, {"cas", "timeout", "forward"})) {
    return *std::move(unknown);
  }
  // Stored as it is, it would come back without saying how it is encoded (H14).
  const auto& encoding = context.request.headers.content_encoding;
  if (encoding && *encoding != "identity") {
    return Problem{ProblemCode::unsupported_encoding, "send the bytes to be stored as they are"};
  }
  if (auto problem = unfit_value(context.request.body, context.limits)) return *std::move(problem);
  const auto condition = write_condition(context.request.headers, context.query);
  if (!condition) return bad_request(condition.error().detail);
  return write(context, Put{key, context.request.body, *condition});
}

Handled delete_value(const Context& context, std::string_view key) {
  if (auto unknown = unknown_parameter(context.query, {"cas", "strict", "timeout", "forward"})) {
    return *std::move(unknown);
  }
  const auto strict = read_flag(context.query, "strict");
  if (!strict) return bad_request(strict.error().detail);
  const auto condition = write_condition(context.request.headers, context.query);
  if (!condition) return bad_request(condition.error().detail);
  Handled handled = write(context, Delete{key, *condition});
  if (auto* action = std::get_if<Action>(&handled)) {
    std::get<Write>(*action).strict = *strict;
  }
  return handled;
}

Handled read_value(const Context& context, Bytes key) {
  if (auto unknown = unknown_parameter(context.query,
                                       {"consistency", "timeout", "forward", "index", "wait"})) {
    return *std::move(unknown);
  }
  Handled handled = read(context, std::move(key));
  const std::string* text = context.query.find("index");
  if (text == nullptr && context.query.find("wait") != nullptr) {
    return bad_request(
        "wait needs the index after which a change counts, for example "
        "/v1/kv/name?index=17&wait=30s");
  }
  if (text == nullptr) return handled;
  const auto index = read_index("index", *text);
  if (!index) return bad_request(index.error().detail);
  const auto wait = read_wait(context);
  if (!wait) return bad_request(wait.error().detail);
  if (auto* action = std::get_if<Action>(&handled)) {
    auto& read = std::get<Read>(*action);
    read.changed_after = *index;
    read.wait = *wait;
  }
  return handled;
}

Handled value(const Context& context) {
  auto key = percent_decode(context.rest, Plus::plus);
  if (!key)
    return bad_request(
        "a % in the path is not followed by two hexadecimal digits; a percent sign itself is %25");
  if (auto problem = unfit_key(*key)) return *std::move(problem);
  switch (context.request.method) {
    case Method::put:
      return put_value(context, *key);
    case Method::delete_:
      return delete_value(context, *key);
    default:
      break;
  }
  return read_value(context, *std::move(key));
}

raft::Result<std::size_t> read_limit(const Context& context) {
  const std::string* text = context.query.find("limit");
  if (text == nullptr) return context.limits.page_keys;
  const auto limit = parse_number(*text);
  if (limit && *limit > 0 && *limit <= context.limits.page_keys_max) return std::size_t{*limit};
  return raft::Error{raft::Errc::invalid_argument,
                     "limit is a number from 1 to " + std::to_string(context.limits.page_keys_max) +
                         ", for example limit=100"};
}

raft::Result<List::What> read_what(const Query& query) {
  const auto keys = read_flag(query, "keys");
  if (!keys) return keys.error();
  const auto count = read_flag(query, "count");
  if (!count) return count.error();
  if (*count && (*keys || query.find("limit") != nullptr)) {
    return raft::Error{raft::Errc::invalid_argument,
                       "count=true goes without keys and limit: it tells only how many there are"};
  }
  return *count ? List::What::count : *keys ? List::What::keys : List::What::items;
}

Handled list(const Context& context) {
  if (auto unknown =
          unknown_parameter(context.query, {"prefix", "limit", "after", "keys", "count", "reverse",
                                            "consistency", "timeout", "forward"})) {
    return *std::move(unknown);
  }
  List list;
  if (const std::string* prefix = context.query.find("prefix")) list.prefix = *prefix;
  if (list.prefix.size() > key_bytes_max) return *unfit_key(list.prefix);
  if (const std::string* after = context.query.find("after")) {
    list.after.emplace();
    try {
      boost::algorithm::unhex(*after, std::back_inserter(*list.after));
    } catch (const boost::algorithm::hex_decode_error&) {
      return bad_request("after is what the page before gave as next");
    }
  }
  const auto limit = read_limit(context);
  if (!limit) return bad_request(limit.error().detail);
  list.limit = *limit;
  const auto what = read_what(context.query);
  if (!what) return bad_request(what.error().detail);
  list.what = *what;
  const auto reverse = read_flag(context.query, "reverse");
  if (!reverse) return bad_request(reverse.error().detail);
  list.descending = *reverse;
  const auto terms = read_freshness(context);
  if (!terms) return bad_request(terms.error().detail);
  list.terms = *terms;
  return Action{std::move(list)};
}

Handled watch(const Context& context) {
  if (auto unknown = unknown_parameter(context.query, {"prefix", "from", "format", "timeout"})) {
    return *std::move(unknown);
  }
  Watch watch;
  const auto timeout = read_timeout(context, context.limits.timeout);
  if (!timeout) return bad_request(timeout.error().detail);
  watch.timeout = *timeout;
  if (const std::string* prefix = context.query.find("prefix")) watch.prefix = *prefix;
  if (watch.prefix.size() > key_bytes_max) return *unfit_key(watch.prefix);
  if (const std::string* from = context.query.find("from")) {
    const auto index = read_index("from", *from);
    if (!index) return bad_request(index.error().detail);
    watch.from = *index;
  }
  // Whoever connects again has got further than where it was told to begin.
  if (const auto& last = context.request.headers.last_event_id; last && !last->empty()) {
    const auto index = read_index("Last-Event-ID", *last);
    if (!index) return bad_request(index.error().detail);
    watch.from = index->next();
  }
  const std::string* format = context.query.find("format");
  if (format != nullptr && *format != "sse" && *format != "ndjson") {
    return bad_request("format is sse or ndjson, for example format=ndjson");
  }
  if (format != nullptr && *format == "ndjson") watch.format = EventFormat::ndjson;
  return Action{std::move(watch)};
}

template <Show what>
Handled show(const Context& context) {
  if (auto unknown = unknown_parameter(context.query, {})) return *std::move(unknown);
  return Action{what};
}

Handled leader(const Context& context) {
  if (context.request.method != Method::post) return show<Show::leader>(context);
  if (auto unknown = unknown_parameter(context.query, {"timeout"})) return *std::move(unknown);
  const auto to = parse_transfer(context.request.body);
  if (!to) return bad_request(to.error().detail);
  const auto timeout = read_timeout(context, context.limits.timeout);
  if (!timeout) return bad_request(timeout.error().detail);
  return Action{TransferLeadership{*to, *timeout}};
}

Handled add_member(const Context& context) {
  if (auto unknown = unknown_parameter(context.query, {"timeout"})) return *std::move(unknown);
  auto member = parse_member(context.request.body);
  if (!member) return bad_request(member.error().detail);
  const auto timeout = read_timeout(context, context.limits.membership_timeout);
  if (!timeout) return bad_request(timeout.error().detail);
  return Action{AddMember{std::move(*member), *timeout}};
}

Handled remove_member(const Context& context) {
  if (auto unknown = unknown_parameter(context.query, {"timeout"})) return *std::move(unknown);
  const auto id = parse_number(context.rest);
  if (!id || *id == 0) return bad_request("a node id is a number from 1, as in members/4");
  const auto timeout = read_timeout(context, context.limits.membership_timeout);
  if (!timeout) return bad_request(timeout.error().detail);
  return Action{RemoveMember{{*id}, *timeout}};
}

Handled help(const Context&) { return respond(text_response(200, help_page())); }
Handled version(const Context&) { return respond(text_response(200, version_line() + "\n")); }

struct Entry {
  std::string_view path;  // A trailing slash stands for all paths below.
  RouteClass route;
  Style style;
  std::string_view allow;
  Handler handler;
};

// The data routes first: nearly every request is one of them.
constexpr std::array<Entry, 18> table{{
    {"/v1/kv/", RouteClass::kv, Style::json, "GET, HEAD, PUT, DELETE, OPTIONS", value},
    {"/get", RouteClass::plain, Style::text, "GET, HEAD, OPTIONS", plain_get},
    {"/set", RouteClass::plain, Style::text, "GET, POST, PUT, OPTIONS", plain_set},
    {"/v1/kv", RouteClass::kv, Style::json, "GET, HEAD, OPTIONS", list},
    {"/v1/watch", RouteClass::watch, Style::json, "GET, OPTIONS", watch},
    {"/v1/status", RouteClass::status, Style::json, "GET, HEAD, OPTIONS", show<Show::status>},
    {"/v1/cluster", RouteClass::cluster, Style::json, "GET, HEAD, OPTIONS", show<Show::cluster>},
    {"/v1/cluster/leader", RouteClass::cluster, Style::json, "GET, HEAD, POST, OPTIONS", leader},
    {"/v1/cluster/join", RouteClass::cluster, Style::json, "POST, OPTIONS", show<Show::join>},
    {"/v1/cluster/members", RouteClass::cluster, Style::json, "POST, OPTIONS", add_member},
    {"/v1/cluster/members/", RouteClass::cluster, Style::json, "DELETE, OPTIONS", remove_member},
    {"/livez", RouteClass::health, Style::text, "GET, HEAD, OPTIONS", show<Show::live>},
    {"/readyz", RouteClass::health, Style::text, "GET, HEAD, OPTIONS", show<Show::ready>},
    {"/healthz", RouteClass::health, Style::text, "GET, HEAD, OPTIONS", show<Show::health>},
    {"/metrics", RouteClass::metrics, Style::text, "GET, HEAD, OPTIONS", show<Show::metrics>},
    {"/version", RouteClass::other, Style::text, "GET, HEAD, OPTIONS", version},
    {"/", RouteClass::other, Style::text, "GET, HEAD, OPTIONS", help},
    {"*", RouteClass::other, Style::text, "GET, HEAD, PUT, POST, DELETE, OPTIONS", nullptr},
}};

// "/" alone is the help page, not everything below it.
bool matches(const Entry& entry, std::string_view path) {
  if (entry.path.size() > 1 && entry.path.back() == '/') return path.starts_with(entry.path);
  return path == entry.path;
}

bool allows(const Entry& entry, Method method) {
  std::string_view list = entry.allow;
  const std::string_view name = to_string(method);
  while (!list.empty()) {
    const std::string_view each = list.substr(0, list.find(", "));
    if (!name.empty() && each == name) return true;
    list.remove_prefix(std::min(list.size(), each.size() + 2));
  }
  return false;
}

Handled call(const Entry& entry, const Request& request, const RouteLimits& limits,
             const Target& target) {
  if (request.method == Method::options) {
    Response response;
    response.status = 204;
    response.headers.push_back({"Allow", std::string(entry.allow)});
    return respond(std::move(response));
  }
  if (!allows(entry, request.method) || entry.handler == nullptr) {
    Problem problem{ProblemCode::method_not_allowed, "allowed here: " + std::string(entry.allow)};
    problem.allow = entry.allow;
    return problem;
  }
  const auto query = Query::parse(target.query);
  if (!query) return bad_request(query.error().detail);
  return entry.handler({request, limits, target.path.substr(entry.path.size()), *query});
}

Problem unfit_target(std::string_view target) {
  if (target.find('#') != target.npos) {
    return bad_request(
        "a # begins a fragment, which is never sent; in a key it is written %23, for example "
        "/v1/kv/a%23b");
  }
  return bad_request(
      "the request target is a path that begins with a slash, or a URL with http, for example "
      "/v1/kv/name");
}

Routed finish(Routed routed, Handled handled) {
  if (auto* problem = std::get_if<Problem>(&handled)) {
    routed.action = Respond{to_response(*problem, routed.style)};
  } else {
    routed.action = std::move(std::get<Action>(handled));
  }
  return routed;
}

}  // namespace

std::string_view to_string(RouteClass route) {
  static constexpr std::array<std::string_view, route_class_count> names{
      "plain", "kv", "watch", "cluster", "status", "health", "metrics", "other"};
  return names[static_cast<std::size_t>(route)];
}

Routed route(const Request& request, const RouteLimits& limits) {
  auto target = split_target(request.target);
  if (request.method == Method::options && request.target == "*") target = Target{"*", {}};
  if (!target) {
    // No client of this server: whatever it sends next is not for us either (RFC 9112 3.2).
    Response response = to_response(unfit_target(request.target), Style::json);
    response.close = true;
    return finish({}, Action{Respond{std::move(response)}});
  }
  for (const Entry& entry : table) {
    if (!matches(entry, target->path)) continue;
    return finish({entry.route, entry.style, Respond{}}, call(entry, request, limits, *target));
  }
  return finish({}, Problem{ProblemCode::not_found, "no such route; GET / lists them"});
}

}  // namespace kv
