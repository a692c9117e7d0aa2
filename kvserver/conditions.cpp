#include "kvserver/conditions.hpp"

#include <algorithm>

#include "kvserver/units.hpp"

namespace kv {
namespace {

using raft::Errc;
using raft::Error;

Error invalid(std::string detail) { return {Errc::invalid_argument, std::move(detail)}; }

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Absent: not of the form "N". Weak tags are never given here, so none is taken (K08).
std::optional<Index> parse_tag(std::string_view text) {
  if (text.size() < 3 || text.front() != '"' || text.back() != '"') return std::nullopt;
  const auto index = parse_number(text.substr(1, text.size() - 2));
  if (!index || *index == 0) return std::nullopt;
  return Index{*index};
}

raft::Result<Condition> if_match(std::string_view text) {
  text = trim(text);
  if (text == "*") return Condition{Exists{}};
  const auto index = parse_tag(text);
  if (!index)
    return invalid("If-Match takes one ETag as it was given, for example If-Match: \"17\"");
  return Condition{Unchanged{*index}};
}

raft::Result<Condition> compare_and_set(const std::string& text) {
  const auto index = parse_number(text);
  if (!index)
    return invalid("cas takes the index of the last change, for example cas=17; 0: absent");
  return Condition{Unchanged{Index{*index}}};
}

}  // namespace

raft::Result<Condition> write_condition(const RequestHeaders& headers, const Query& query) {
  const std::string* cas = query.find("cas");
  const int given = int{headers.if_match.has_value()} + int{headers.if_none_match.has_value()} +
                    int{cas != nullptr};
  if (given > 1) return invalid("give only one of If-Match, If-None-Match and cas");
  if (headers.if_match) return if_match(*headers.if_match);
  if (cas != nullptr) return compare_and_set(*cas);
  if (!headers.if_none_match) return Condition{Always{}};
  if (trim(*headers.if_none_match) == "*") return Condition{Unchanged{Index{0}}};
  return invalid("a write takes If-None-Match: * only, which asks for an absent key");
}

raft::Result<KnownTags> known_tags(const RequestHeaders& headers) {
  KnownTags known;
  if (!headers.if_none_match) return known;
  std::string_view list = trim(*headers.if_none_match);
  if (list == "*") {
    known.any = true;
    return known;
  }
  if (list.empty()) return invalid("If-None-Match takes ETags, for example If-None-Match: \"17\"");
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view tag = trim(list.substr(0, comma));
    list.remove_prefix(std::min(list.size(), comma + 1));
    // Reads compare weakly (RFC 9110 13.1.2).
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (const auto index = parse_tag(tag)) known.indexes.push_back(*index);
  }
  return known;
}

std::string etag(Index change_index) { return '"' + std::to_string(change_index.value) + '"'; }

}  // namespace kv
