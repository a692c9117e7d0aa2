// One HTTP reply as plain data, and its bytes.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <libraft/types.hpp>
#include "kvserver/body_stream.hpp"

namespace kv {

/// Values are made here from numbers, addresses and constants, never from a client's bytes: so no
/// line break can get into a header.
struct Header {
  std::string_view name;  ///< A constant.
  std::string value;
};

struct Response {
  unsigned status = 200;
  std::string_view content_type;  ///< A constant; empty: no body.
  std::string body;
  std::shared_ptr<BodyStream> stream;  ///< The body in place of `body`, as long as it lasts.
  boost::container::small_vector<Header, 4> headers;
  /// The entry that a write became; else the reply speaks of what this node has applied.
  std::optional<raft::EntryId> entry;
  bool close = false;  ///< The connection ends with this reply.
};

inline constexpr std::string_view text_plain = "text/plain; charset=utf-8";
inline constexpr std::string_view octet_stream = "application/octet-stream";
inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view problem_json = "application/problem+json";

/// A reply of text. A newline is not added.
Response text_response(unsigned status, std::string body);
Response json_response(unsigned status, std::string body);

/// Where this node stands. Cheap enough to be told with every reply.
struct Position {
  raft::NodeId self;
  raft::NodeId leader;  ///< 0 while unknown.
  raft::Term term;
  raft::Index applied;
};

/// What a reply's head says beyond the response itself.
struct Envelope {
  Position position;
  std::uint64_t request_id = 0;
  std::string_view date;   ///< As RFC 9110 5.6.7 has it.
  bool head_only = false;  ///< Answers HEAD: the head as for GET, no body.
  bool keep_alive = true;
  bool http_1_0 = false;
};

/// Appends the reply as it goes over the wire; of one with a stream, the head.
void append_response(std::string& out, const Response& response, const Envelope& envelope);

/// Appends a part of a stream's body, which is not empty, and its end. Without chunks (HTTP/1.0)
/// the end of the connection is the end of the body.
void append_part(std::string& out, std::string_view part, bool http_1_0);
void append_end(std::string& out, bool http_1_0);

}  // namespace kv
