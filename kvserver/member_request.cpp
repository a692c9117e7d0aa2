#include "kvserver/member_request.hpp"

#include <boost/json/parse.hpp>
#include <optional>
#include <string>

#include "kvserver/address.hpp"
#include "kvserver/target.hpp"

namespace kv {
namespace {

namespace json = boost::json;
using raft::Errc;
using raft::Error;

Error invalid(std::string detail) { return {Errc::invalid_argument, std::move(detail)}; }

constexpr std::string_view member_example =
    R"(for example {"id":4,"raft":"127.0.0.1:7003","http":"127.0.0.1:6003"})";

// Of a well-formed object, those that occur twice counted twice: of them the parser keeps the last.
std::size_t count_members(std::string_view object) {
  std::size_t members = 0;
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < object.size(); ++at) {
    const char c = object[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ':' && depth == 1) {
      ++members;
    }
  }
  return members;
}

raft::Result<json::object> parse_object(std::string_view body) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 4;
  json::value value = json::parse({body.data(), body.size()}, error, {}, options);
  if (error || !value.is_object()) return invalid("the body is not a JSON object");
  if (count_members(body) != value.get_object().size()) {
    return invalid("a field occurs twice in the JSON object");
  }
  return std::move(value.get_object());
}

std::optional<std::uint64_t> positive(const json::value* value) {
  // An id is written in digits: what prints another number than it reads, 1e3, is a mistake.
  if (value == nullptr || value->is_double()) return std::nullopt;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  if (error) return std::nullopt;
  return number;
}

std::optional<std::string> address(const json::value* value) {
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto& text = value->get_string();
  const auto parsed = parse_address({text.data(), text.size()});
  if (!parsed) return std::nullopt;
  return to_string(*parsed);
}

// A misspelt field must not be taken for an absent one.
raft::Result<void> only(const json::object& object, std::initializer_list<std::string_view> names) {
  for (const auto& field : object) {
    const std::string_view key(field.key().data(), field.key().size());
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      return invalid("unknown field " + printable(key));
    }
  }
  return {};
}

}  // namespace

raft::Result<raft::Member> parse_member(std::string_view body) {
  auto object = parse_object(body);
  if (!object) return object.error();
  if (auto known = only(*object, {"id", "raft", "http", "role"}); !known) return known.error();
  const auto id = positive(object->if_contains("id"));
  const auto raft_address = address(object->if_contains("raft"));
  const auto http_address = address(object->if_contains("http"));
  if (!id || *id == 0 || !raft_address || !http_address) {
    return invalid("id, raft and http are needed, " + std::string(member_example));
  }
  raft::Member member;
  member.id = {*id};
  member.address = *raft_address;
  member.attributes = *http_address;
  member.role = raft::Role::learner;
  member.promote = true;
  if (const json::value* role = object->if_contains("role")) {
    if (*role == "learner") {
      member.promote = false;
    } else if (*role != "voter") {
      return invalid(R"(role is "voter" or "learner")");
    }
  }
  return member;
}

raft::Result<raft::NodeId> parse_transfer(std::string_view body) {
  if (body.empty()) return raft::NodeId{};
  auto object = parse_object(body);
  if (!object) return object.error();
  if (auto known = only(*object, {"to"}); !known) return known.error();
  const auto to = positive(object->if_contains("to"));
  if (!to) return invalid(R"(to is the id of a voter, for example {"to":2})");
  return raft::NodeId{*to};
}

}  // namespace kv
