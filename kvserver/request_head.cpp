#include "kvserver/request_head.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <string>

#include "kvserver/units.hpp"

namespace kv {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::get;
    case http::verb::head:
      return Method::head;
    case http::verb::put:
      return Method::put;
    case http::verb::post:
      return Method::post;
    case http::verb::delete_:
      return Method::delete_;
    case http::verb::patch:
      return Method::patch;
    case http::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

// Keeps views of the fields that we use, and counts those that must occur once.
class HeadParser final : public http::basic_parser<true> {
 public:
  explicit HeadParser(const HeadLimits& limits) : limits_(limits) {
    // The body is none of Beast's business; the head's size has been checked already.
    skip(true);
    header_limit(static_cast<std::uint32_t>(limits.head_bytes_max) + 1);
  }

  RequestHead head;
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  bool length_is_number = true;
  std::size_t encodings = 0;
  std::size_t fields = 0;
  bool repeated = false;          // A field that we use, and that takes one value, came twice.
  bool encoding_chunked = false;  // Transfer-Encoding is exactly "chunked".
  bool unknown_expectation = false;

 private:
  void on_request_impl(http::verb verb, beast::string_view, beast::string_view target, int version,
                       beast::error_code&) override {
    head.method = method_of(verb);
    head.target = view(target);
    head.http_1_0 = version == 10;
  }

  void on_field_impl(http::field name, beast::string_view name_text, beast::string_view value,
                     beast::error_code& error) override {
    if (++fields > limits_.fields_max) error = http::error::header_limit;
    switch (name) {
      case http::field::host:
        ++hosts;
        return;
      case http::field::content_length:
        ++lengths;
        // "3, 3" is one field with two lengths, of which Beast takes the one.
        length_is_number = parse_number(view(value)).has_value();
        return;
      case http::field::transfer_encoding:
        ++encodings;
        encoding_chunked = beast::iequals(value, "chunked");
        return;
      case http::field::expect:
        head.expect_continue = beast::iequals(value, "100-continue");
        unknown_expectation = !head.expect_continue;
        return;
      case http::field::if_match:
        keep(head.headers.if_match, value);
        return;
      case http::field::if_none_match:
        keep(head.headers.if_none_match, value);
        return;
      case http::field::prefer:
        keep(head.headers.prefer, value);
        return;
      case http::field::content_encoding:
        keep(head.headers.content_encoding, value);
        return;
      default:
        if (beast::iequals(name_text, "Idempotency-Key")) {
          keep(head.headers.idempotency_key, value);
        } else if (beast::iequals(name_text, "Last-Event-ID")) {
          keep(head.headers.last_event_id, value);
        }
    }
  }

  void keep(std::optional<std::string_view>& place, beast::string_view value) {
    repeated = repeated || place.has_value();
    place = view(value);
  }

  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
  void on_header_impl(beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, beast::error_code&) override {
    return 0;
  }
  void on_finish_impl(beast::error_code&) override {}

  const HeadLimits& limits_;
};

Problem line_too_long(const HeadLimits& limits) {
  return too_large(414, "a request line has at most " + format_size(limits.request_line_bytes_max) +
                            "; send larger values with PUT /v1/kv/KEY");
}

Problem head_too_large(const HeadLimits& limits) {
  return too_large(431, "the header fields have at most " + format_size(limits.head_bytes_max) +
                            " in " + std::to_string(limits.fields_max) + " fields");
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Looks at a complete first line, before the rest of the head is there: what speaks HTTP/0.9 or
// another protocol will not send a rest.
std::optional<Problem> unfit_request_line(std::string_view line) {
  const std::string_view version = line.substr(std::min(line.rfind(' '), line.size() - 1) + 1);
  const bool is_http = version.size() == 8 && version.starts_with("HTTP/") &&
                       is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  if (!is_http) return bad_request("the request line is malformed");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Problem{ProblemCode::version_not_supported, "this server speaks HTTP/1.1 and HTTP/1.0"};
  }
  return std::nullopt;
}

// A method is a token; anything else in front is TLS, or no HTTP at all (H11).
bool may_begin_request(char c) { return c >= 'A' && c <= 'Z'; }

// Beast joins folded lines; RFC 9112 5.2 lets a server refuse them, and nobody sends them.
bool has_folded_line(std::string_view head) {
  return head.find("\n ") != head.npos || head.find("\n\t") != head.npos;
}

std::optional<Problem> unfit_fields(const HeadParser& parser) {
  const RequestHead& head = parser.head;
  if (parser.hosts > 1 || (parser.hosts == 0 && !head.http_1_0)) {
    return bad_request("exactly one Host field is needed");
  }
  if (parser.repeated) return bad_request("a field that takes one value occurs twice");
  // Beast accepts equal lengths and, worse, takes an unknown coding for no body at all, so that the
  // body would be read as the next request.
  if (parser.lengths > 1) return bad_request("more than one Content-Length");
  if (!parser.length_is_number) {
    return bad_request("Content-Length is one number, for example Content-Length: 3");
  }
  if (parser.encodings != 0) {
    if (parser.encodings > 1 || !parser.encoding_chunked) {
      return bad_request("the only Transfer-Encoding understood is chunked");
    }
    if (parser.lengths != 0) return bad_request("both Content-Length and Transfer-Encoding");
    if (head.http_1_0) return bad_request("HTTP/1.0 has no Transfer-Encoding");
  }
  if (parser.unknown_expectation) {
    return Problem{ProblemCode::expectation_failed, "the only Expect understood is 100-continue"};
  }
  return std::nullopt;
}

HeadResult parse_complete(std::string_view bytes, const HeadLimits& limits) {
  if (has_folded_line(bytes)) return bad_request("folded header lines are not accepted");
  HeadParser parser(limits);
  beast::error_code error;
  const std::size_t used = parser.put({bytes.data(), bytes.size()}, error);
  if (error == http::error::header_limit) return head_too_large(limits);
  if (error || used != bytes.size() || !parser.is_header_done()) {
    return bad_request("the request head is malformed");
  }
  if (auto problem = unfit_fields(parser)) return *std::move(problem);
  parser.head.chunked = parser.encodings != 0;
  parser.head.content_length = parser.content_length().value_or(0);
  parser.head.keep_alive = parser.keep_alive();
  return parser.head;
}

}  // namespace

HeadResult parse_head(std::string_view bytes, std::size_t scanned, const HeadLimits& limits) {
  // RFC 9112 2.2: empty lines before a request are skipped; some clients end a body with one.
  std::size_t begin = 0;
  while (begin + 1 < bytes.size() && bytes[begin] == '\r' && bytes[begin + 1] == '\n') begin += 2;
  if (begin > 8) return bad_request("too many empty lines before a request");
  const std::string_view text = bytes.substr(begin);
  if (text.empty() || text == "\r") return Incomplete{};
  if (!may_begin_request(text.front())) return bad_request("this is not an HTTP request");

  const std::size_t line = text.find("\r\n");
  if (std::min(line, text.size()) > limits.request_line_bytes_max) return line_too_long(limits);
  if (line == text.npos) {
    // A line feed alone may not end a line, so this one will never become a good one.
    if (text.find('\n') != text.npos) return bad_request("lines end with CR LF");
    return Incomplete{};
  }
  if (auto problem = unfit_request_line(text.substr(0, line))) return *std::move(problem);

  const std::size_t end = text.find("\r\n\r\n", std::max(scanned, begin) - begin);
  const std::size_t size = end == text.npos ? text.size() : end + 4;
  if (size > limits.head_bytes_max) return head_too_large(limits);
  if (end == text.npos) {
    const std::size_t resume = std::max(line, text.size() - std::min<std::size_t>(3, text.size()));
    return Incomplete{begin + resume};
  }
  HeadResult result = parse_complete(text.substr(0, size), limits);
  if (auto* head = std::get_if<RequestHead>(&result)) head->size = begin + size;
  return result;
}

}  // namespace kv
