// Chunked bodies, whole and byte by byte. Catches lengths that two parsers could read differently,
// and limits that only count whole chunks.
#include "kvserver/chunked_body.hpp"

#include <catch2/catch.hpp>

namespace kv {
namespace {

struct Decoded {
  ChunkedBody::State state;
  std::string body;
  std::string rest;
};

// Shows the decoder `step` bytes more at a time, as a slow connection does.
Decoded decode(const std::string& bytes, std::size_t step, std::size_t limit = 100) {
  ChunkedBody decoder(limit);
  Decoded decoded{ChunkedBody::State::more, {}, {}};
  for (std::size_t at = 0; at < bytes.size() && decoder.state() == ChunkedBody::State::more;) {
    const std::size_t take = std::min(step, bytes.size() - at);
    decoded.rest += bytes.substr(at, take);
    at += take;
    decoded.rest.erase(0, decoder.consume(decoded.rest, decoded.body));
    if (decoder.state() == ChunkedBody::State::done) decoded.rest += bytes.substr(at);
  }
  decoded.state = decoder.state();
  return decoded;
}

}  // namespace

TEST_CASE("chunks are joined and what follows is left alone", "[http][chunked]") {
  const std::size_t step = GENERATE(1, 2, 3, 7, 1000);
  const Decoded decoded =
      decode("3\r\nabc\r\n00A;ext=\"v\";x\r\n0123456789\r\n0\r\nT: 1\r\n\r\nGET /", step);
  CHECK(decoded.state == ChunkedBody::State::done);
  CHECK(decoded.body == "abc0123456789");
  CHECK(decoded.rest == "GET /");
}

TEST_CASE("an empty chunked body is one", "[http][chunked]") {
  CHECK(decode("0\r\n\r\n", 1).state == ChunkedBody::State::done);
  CHECK(decode("0\r\n\r", 1).state == ChunkedBody::State::more);
}

TEST_CASE("malformed chunks are refused", "[http][chunked][H06]") {
  for (const char* bytes :
       {"\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\na\r\n", " 1\r\na\r\n", "1\na\r\n",
        "1 x\r\na\r\n", "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "10000000000000000\r\n", "\n"}) {
    INFO(bytes);
    CHECK(decode(bytes, 1).state == ChunkedBody::State::malformed);
    CHECK(decode(bytes, 1000).state == ChunkedBody::State::malformed);
  }
  CHECK(decode("1;" + std::string(2000, 'x'), 100).state == ChunkedBody::State::malformed);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 10; ++i) trailers += "T: " + std::string(900, 'x') + "\r\n";
  CHECK(decode(trailers, 100).state == ChunkedBody::State::malformed);
}

TEST_CASE("a body is refused at its limit, however it is cut", "[http][chunked][H06]") {
  CHECK(decode("64\r\n" + std::string(100, 'x') + "\r\n0\r\n\r\n", 9).state ==
        ChunkedBody::State::done);
  CHECK(decode("65\r\n", 1).state == ChunkedBody::State::too_large);
  CHECK(decode("ffffffffffffffff\r\n", 1).state == ChunkedBody::State::too_large);
  std::string small;
  for (int i = 0; i < 101; ++i) small += "1\r\nx\r\n";
  CHECK(decode(small, 6).state == ChunkedBody::State::too_large);
}

}  // namespace kv
