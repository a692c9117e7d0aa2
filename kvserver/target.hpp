// The request target taken apart: path, query, and their percent-encoding, undone exactly once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libraft/error.hpp>

namespace kv {

/// What "+" means: itself in a path, a space in a query (as HTML forms and most clients write it).
enum class Plus { plus, space };

/// Undoes percent-encoding once: "%2F" becomes a slash like any other byte and is not looked at
/// again. Absent: "%" is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

/// Keeps what is safe in any place of a path or query, encodes the rest.
std::string percent_encode(std::string_view bytes);

/// The query's parameters in their order, decoded. The few there are make a search by walking
/// the fastest.
class Query {
 public:
  /// Errors: invalid_argument, saying which rule is broken: a bad escape, a name that occurs twice,
  /// more than 32 parameters.
  static raft::Result<Query> parse(std::string_view text);

  const std::string* find(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& parameters() const { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

/// Views into the request target; still encoded.
struct Target {
  std::string_view path;
  std::string_view query;
};

/// Accepts the origin form ("/path?query") and the absolute form ("http://host/path?query"). The
/// path is never normalised: dots and double slashes are bytes of a key. Absent: neither form.
std::optional<Target> split_target(std::string_view target);

/// For logs and error texts: control and non-ASCII bytes as \xNN, cut at `length_max` bytes.
std::string printable(std::string_view bytes, std::size_t length_max = 64);

}  // namespace kv
