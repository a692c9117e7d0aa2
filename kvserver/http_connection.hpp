// One client connection: reads requests, one after the other, and writes their replies in order.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kvserver/chunked_body.hpp"
#include "kvserver/http_counters.hpp"
#include "kvserver/request_head.hpp"
#include "kvserver/service.hpp"

namespace kv {

/// Bounds on what one client, and all together, may take. Times are checked every `sweep`.
struct HttpLimits {
  HeadLimits head;
  std::size_t body_bytes_max = std::size_t{1} << 20;
  std::size_t inflight_body_bytes_max = std::size_t{64} << 20;  ///< Over all connections.
  std::size_t reply_bytes_max = std::size_t{256} << 10;  ///< Unsent beyond: no further request is
                                                         ///< read until some are.
  /// Of replies without an end, over all connections. Beyond, whoever has read all that it was sent
  /// waits for those who have not.
  std::size_t stream_bytes_max = std::size_t{64} << 20;
  std::size_t connections_max = 4096;

  raft::Duration head_deadline = std::chrono::seconds(10);  ///< From its first byte to its last.
  /// Within so long a body, or a reply, has to move on by the minimum rate, again and again: what
  /// came fast earlier buys no rest.
  raft::Duration body_grace = std::chrono::seconds(5);
  raft::Duration write_grace = std::chrono::seconds(10);
  std::uint64_t bytes_per_second_min = 1024;
  raft::Duration idle = std::chrono::seconds(30);
  /// A stream in which nothing happens says so this often.
  raft::Duration heartbeat = std::chrono::seconds(15);
  raft::Duration linger = std::chrono::seconds(1);
  raft::Duration sweep = std::chrono::milliseconds(100);
};

/// What all connections of a server share. Outlives the last of them.
struct HttpShared {
  using Clock = std::chrono::steady_clock;

  HttpShared(Service& to, HttpCounters& count, const HttpLimits& with)
      : service(to), counters(count), limits(with) {}

  Service& service;
  HttpCounters& counters;
  const HttpLimits limits;
  Clock::time_point now{};  ///< Taken once per sweep: exact enough for deadlines, and free.
  std::string date;
  std::uint64_t next_request_id = 0;
};

/// A state machine without a timer of its own: the server looks at all deadlines now and then.
/// One request is handled at a time; further ones wait unread in the buffer or in the kernel,
/// which bounds how deep a pipeline gets and keeps replies in order.
///
/// Runs on the server's executor only. Lives as long as an operation or a request is under way.
class HttpConnection final : public ReplySink, public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Clock = HttpShared::Clock;

  HttpConnection(Socket socket, std::shared_ptr<HttpShared> shared);
  ~HttpConnection() override;

  void start();
  /// Says that there are too many connections, and closes.
  void refuse();
  /// Closes what waits for a request; the rest ends with its present reply.
  void drain();
  /// Closes at once.
  void close();

  bool is_closed() const { return phase_ == Phase::closed; }
  /// Acts on a deadline that has passed.
  void check_deadline();

  void reply(std::uint64_t ticket, RouteClass route, Response response) override;
  void keep_until_reply(std::uint64_t ticket, std::shared_ptr<void> pending) override;

 private:
  enum class Phase : std::uint8_t {
    head,       // Reading a head, or waiting for its first byte.
    body,       // Reading a body.
    waiting,    // The service has the request.
    streaming,  // A reply's body is sent as it comes to be.
    ending,     // The last reply is being written.
    lingering,  // All is said; what still comes is thrown away.
    closed,
  };

  // How a body or a reply moves: since when, and from which byte on, it is looked at.
  struct Pace {
    Clock::time_point since;
    std::uint64_t bytes = 0;
  };

  void advance();
  bool step();
  bool read_head();
  bool begin(const RequestHead& head);
  void keep_head();
  bool read_body();
  bool handle(std::string_view body, std::size_t used);
  bool fail(const Problem& problem);
  bool read_stream();
  void append_to_stream(std::string_view part);
  void end_stream();
  void read_on();
  void abandon();

  bool listens() const;
  void receive();
  void received(boost::system::error_code error, std::size_t bytes);
  void flush();
  void send_rest();
  void sent(boost::system::error_code error, std::size_t bytes);
  void all_sent();
  void linger();
  void beat();
  void time_out();

  bool charge(std::size_t bytes);
  void release();
  void append(const Response& response, bool keep_alive);
  bool has_room() const;
  bool is_idle() const;
  bool is_slow(Pace& pace, raft::Duration grace, std::uint64_t bytes) const;

  Socket socket_;
  const std::shared_ptr<HttpShared> shared_;
  Phase phase_ = Phase::head;
  bool advancing_ = false;  // advance() is on the stack: a reply need not call it.
  bool receiving_ = false;
  bool sending_ = false;

  // Received and not yet used. `scanned_` bytes of it contain no end of a head.
  struct Received;
  const std::unique_ptr<Received> in_;
  std::size_t scanned_ = 0;

  // Replies that wait for their turn, and those that are being written. These stay where they are
  // while a write is under way; their first `sent_` bytes are gone.
  std::string out_;
  std::string sending_bytes_;
  std::size_t sent_ = 0;

  // The request under way. Its views point into in_, or into head_bytes_ once a body is waited for.
  RequestHead head_;
  std::string head_bytes_;
  std::string body_;
  std::optional<ChunkedBody> chunks_;
  std::uint64_t ticket_ = 0;
  std::size_t charged_ = 0;  // Its part of HttpCounters::body_bytes_inflight.
  bool keeps_alive_ = true;  // After its reply.
  std::shared_ptr<void> pending_;
  std::shared_ptr<BodyStream> stream_;
  std::size_t stream_bytes_ = 0;  // Its part of HttpCounters::stream_bytes_unsent.
  bool has_more_ = false;         // So much is certain.
  bool reads_on_ = false;         // A handler that does so is queued.
  bool is_starved_ = false;       // Others have taken all that may be unsent.

  // When the present head, body, rest or lingering began, or a stream last had something.
  Clock::time_point since_;
  // Of the present body, and of the writing that the kernel did not take at once.
  Pace body_pace_;
  Pace sending_pace_;
};

}  // namespace kv
