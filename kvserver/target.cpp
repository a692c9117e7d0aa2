#include "kvserver/target.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>

namespace kv {
namespace {

constexpr char hex_digits[] = "0123456789ABCDEF";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 2.3, and the slash, which separates parts of a key for people.
bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~' || c == '/';
}

raft::Error unfit(std::string detail) { return {raft::Errc::invalid_argument, std::move(detail)}; }

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      if (text.size() - at < 3) return std::nullopt;
      const int high = hex_value(text[at + 1]);
      const int low = hex_value(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded.push_back(static_cast<char>(high << 4 | low));
      at += 2;
    } else {
      decoded.push_back(text[at] == '+' && plus == Plus::space ? ' ' : text[at]);
    }
  }
  return decoded;
}

std::string percent_encode(std::string_view bytes) {
  std::string encoded;
  encoded.reserve(bytes.size());
  for (const char c : bytes) {
    if (is_plain(c)) {
      encoded.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.push_back('%');
      encoded.push_back(hex_digits[byte >> 4]);
      encoded.push_back(hex_digits[byte & 15]);
    }
  }
  return encoded;
}

raft::Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decode(pair.substr(0, equals), Plus::space);
    auto value = percent_decode(pair.substr(std::min(pair.size(), equals + 1)), Plus::space);
    if (!name || !value) {
      return unfit("a % is not followed by two hexadecimal digits in " + printable(pair) +
                   "; a percent sign itself is %25");
    }
    if (query.find(*name)) {
      return unfit("the parameter " + printable(*name) +
                   " occurs twice; an & inside a value is %26");
    }
    // A request line of 16 KiB could name thousands; walking them for each would be quadratic.
    if (query.all_.size() == 32) {
      return unfit("a query has at most 32 parameters; an & inside a value is %26");
    }
    query.all_.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& [candidate, value] : all_) {
    if (candidate == name) return &value;
  }
  return nullptr;
}

std::optional<Target> split_target(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!boost::beast::iequals(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t authority = std::min(target.find_first_of("/?"), target.size());
    if (authority == 0) return std::nullopt;
    target.remove_prefix(authority);
    if (target.empty()) target = "/";
    break;
  }
  // A fragment is never sent; whoever sends one means something else than we would do.
  if (target.empty() || target.front() != '/' || target.find('#') != target.npos) {
    return std::nullopt;
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  return Target{target.substr(0, question), target.substr(std::min(target.size(), question + 1))};
}

std::string printable(std::string_view bytes, std::size_t length_max) {
  std::string text;
  for (const char c : bytes.substr(0, length_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      text.push_back(c);
    } else {
      text += {'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
    }
  }
  if (bytes.size() > length_max) text += "...";
  return text;
}

}  // namespace kv
