#include "kvserver/http_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <utility>

#include "kvserver/units.hpp"

namespace kv {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t read_bytes = 8192;
constexpr std::size_t body_read_bytes = std::size_t{64} << 10;
constexpr std::size_t stream_part_bytes = std::size_t{64} << 10;
// What a connection at rest may keep: thousands of them do.
constexpr std::size_t rest_bytes_max = std::size_t{16} << 10;

std::string_view view(const boost::beast::flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

}  // namespace

// Here, so that only this file includes Beast.
struct HttpConnection::Received : boost::beast::flat_buffer {};

HttpConnection::HttpConnection(Socket socket, std::shared_ptr<HttpShared> shared)
    : socket_(std::move(socket)),
      shared_(std::move(shared)),
      in_(std::make_unique<Received>()),
      since_(shared_->now) {
  ++shared_->counters.connections_open;
}

HttpConnection::~HttpConnection() { close(); }

void HttpConnection::start() {
  error_code ignored;
  // Replies are small and whole: waiting for more to send would only add delay.
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  receive();
}

void HttpConnection::refuse() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  fail({ProblemCode::overloaded, "too many connections"});
  flush();
}

void HttpConnection::drain() {
  if (is_idle()) linger();
}

// All that can be done with what was received, with one write for the replies that it gave.
void HttpConnection::advance() {
  advancing_ = true;
  bool progress = true;
  do {
    while (progress && has_room()) progress = step();
    flush();
  } while (progress && has_room());
  advancing_ = false;
  if (phase_ == Phase::streaming && has_more_ && !sending_) read_on();
  // Without room the requests at hand must be answered first: sent() comes back here.
  if (has_room() && listens()) receive();
}

// Whoever waits for long is listened to only to notice that it is gone: what it asks for next
// waits.
bool HttpConnection::listens() const {
  switch (phase_) {
    case Phase::head:
    case Phase::body:
      return true;
    case Phase::waiting:
      return pending_ != nullptr && in_->size() < read_bytes;
    case Phase::streaming:
      return in_->size() < read_bytes;
    default:
      return false;
  }
}

// False: bytes or a reply are needed.
bool HttpConnection::step() {
  switch (phase_) {
    case Phase::head:
      return read_head();
    case Phase::body:
      return read_body();
    case Phase::streaming:
      return read_stream();
    default:
      return false;
  }
}

bool HttpConnection::read_head() {
  if (in_->size() == 0) return false;
  HeadResult result = parse_head(view(*in_), scanned_, shared_->limits.head);
  if (const auto* incomplete = std::get_if<Incomplete>(&result)) {
    scanned_ = incomplete->scanned;
    return false;
  }
  scanned_ = 0;
  if (const auto* problem = std::get_if<Problem>(&result)) return fail(*problem);
  return begin(std::get<RequestHead>(result));
}

bool HttpConnection::begin(const RequestHead& head) {
  const HttpLimits& limits = shared_->limits;
  head_ = head;
  // Before the body is read, and before "100 Continue" asks for it.
  if (head.content_length > limits.body_bytes_max) {
    return fail(too_large(413, "a body has at most " + format_size(limits.body_bytes_max)));
  }
  const auto length = static_cast<std::size_t>(head.content_length);
  if (!head.chunked && length <= in_->size() - head.size) {
    if (!charge(length)) return false;
    return handle(view(*in_).substr(head.size, length), head.size + length);
  }
  keep_head();
  phase_ = Phase::body;
  since_ = shared_->now;
  body_pace_ = {shared_->now};
  body_.clear();
  chunks_.reset();
  if (head.chunked) chunks_.emplace(limits.body_bytes_max);
  if (head.expect_continue && !head.http_1_0) out_.append("HTTP/1.1 100 Continue\r\n\r\n");
  return true;
}

// The buffer will be needed for the body, and may move when it grows.
void HttpConnection::keep_head() {
  const std::size_t size = head_.size;
  head_bytes_.assign(view(*in_).substr(0, size));
  in_->consume(size);
  head_ = std::get<RequestHead>(parse_head(head_bytes_, 0, shared_->limits.head));
}

bool HttpConnection::read_body() {
  const std::size_t before = body_.size();
  std::size_t used = 0;
  if (chunks_) {
    used = chunks_->consume(view(*in_), body_);
  } else {
    const auto missing = static_cast<std::size_t>(head_.content_length) - before;
    used = std::min(missing, in_->size());
    body_.append(view(*in_).substr(0, used));
  }
  in_->consume(used);
  if (!charge(body_.size() - before)) return false;
  if (!chunks_) return body_.size() == head_.content_length && handle(body_, 0);
  switch (chunks_->state()) {
    case ChunkedBody::State::more:
      return false;
    case ChunkedBody::State::done:
      return handle(body_, 0);
    case ChunkedBody::State::malformed:
      return fail(bad_request("the chunked body is malformed"));
    case ChunkedBody::State::too_large:
      break;
  }
  return fail(too_large(413, "a body has at most " + format_size(shared_->limits.body_bytes_max)));
}

// Gives the request to the service, which often replies before it returns.
bool HttpConnection::handle(std::string_view body, std::size_t used) {
  phase_ = Phase::waiting;
  const Request request{head_.method, head_.target, head_.headers, body};
  shared_->service.serve(request, {shared_from_this(), ++ticket_, RouteClass::other});
  in_->consume(used);
  return true;
}

// The request cannot be answered by the service, and where the next one begins is not known.
bool HttpConnection::fail(const Problem& problem) {
  const Response response = to_response(problem, Style::json);
  shared_->counters.count(RouteClass::other, response.status);
  append(response, false);
  release();
  phase_ = Phase::ending;
  return false;
}

void HttpConnection::reply(std::uint64_t ticket, RouteClass route, Response response) {
  if (ticket != ticket_ || phase_ != Phase::waiting) return;
  const auto pending = std::move(pending_);  // It may be what is calling.
  const bool ends_with_connection = response.stream != nullptr && head_.http_1_0;
  keeps_alive_ =
      head_.keep_alive && !response.close && !ends_with_connection && !shared_->service.draining();
  shared_->counters.count(route, response.status);
  append(response, keeps_alive_);
  release();
  since_ = shared_->now;
  if (response.stream != nullptr) {
    phase_ = Phase::streaming;
    stream_ = std::move(response.stream);
    stream_->start([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->advance();
    });
  } else {
    head_ = {};
    phase_ = keeps_alive_ ? Phase::head : Phase::ending;
  }
  if (!advancing_) advance();
}

void HttpConnection::keep_until_reply(std::uint64_t ticket, std::shared_ptr<void> pending) {
  if (ticket != ticket_ || phase_ != Phase::waiting) return;
  pending_ = std::move(pending);
  if (!advancing_ && listens()) receive();
}

// One part a turn, and only what the client has room for: whoever catches up must not keep the node
// from its peers. True: the stream has ended.
bool HttpConnection::read_stream() {
  HttpCounters& counters = shared_->counters;
  if (sending_ || reads_on_) return false;
  is_starved_ = counters.stream_bytes_unsent >= shared_->limits.stream_bytes_max;
  if (is_starved_) return false;
  std::string part;
  const BodyStream::More more = stream_->read(part, stream_part_bytes);
  has_more_ = more == BodyStream::More::now;
  if (!part.empty()) append_to_stream(part);
  if (more == BodyStream::More::never) end_stream();
  return more == BodyStream::More::never;
}

void HttpConnection::append_to_stream(std::string_view part) {
  append_part(out_, part, head_.http_1_0);
  stream_bytes_ += part.size();
  shared_->counters.stream_bytes_unsent += part.size();
  since_ = shared_->now;
}

void HttpConnection::end_stream() {
  append_end(out_, head_.http_1_0);
  stream_.reset();
  has_more_ = false;
  head_ = {};
  phase_ = keeps_alive_ && !shared_->service.draining() ? Phase::head : Phase::ending;
  since_ = shared_->now;
}

// Others on the executor have their turn before.
void HttpConnection::read_on() {
  if (std::exchange(reads_on_, true)) return;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->reads_on_ = false;
    self->advance();
  });
}

void HttpConnection::append(const Response& response, bool keep_alive) {
  Envelope envelope;
  envelope.position = shared_->service.position();
  envelope.request_id = shared_->next_request_id++;
  envelope.date = shared_->date;
  envelope.head_only = head_.method == Method::head;
  envelope.keep_alive = keep_alive;
  envelope.http_1_0 = head_.http_1_0;
  append_response(out_, response, envelope);
}

void HttpConnection::receive() {
  if (receiving_ || phase_ == Phase::closed) return;
  receiving_ = true;
  const std::size_t size = phase_ == Phase::body ? body_read_bytes : read_bytes;
  socket_.async_read_some(in_->prepare(size),
                          [self = shared_from_this()](error_code error, std::size_t bytes) {
                            self->received(error, bytes);
                          });
}

void HttpConnection::received(error_code error, std::size_t bytes) {
  receiving_ = false;
  if (phase_ == Phase::closed) return;
  // A client that closes its sending side has asked for nothing more: what it asked for earlier was
  // answered before this read began. Part of a request is no request (H12), and who waits for what
  // may never come is taken to be gone.
  if (error == asio::error::eof && sending_) return abandon();
  if (error) return close();
  shared_->counters.bytes_received += bytes;
  if (phase_ == Phase::lingering) return receive();
  if (is_idle()) since_ = shared_->now;
  in_->commit(bytes);
  advance();
}

// Of all that the client asked for, only what is on its way to it still comes.
void HttpConnection::abandon() {
  pending_.reset();
  if (stream_) end_stream();
  phase_ = Phase::ending;
}

void HttpConnection::flush() {
  if (sending_ || phase_ == Phase::closed) return;
  std::swap(sending_bytes_, out_);
  sent_ = 0;
  // Nearly always the kernel takes it all at once, without a turn through the event loop.
  while (sent_ < sending_bytes_.size()) {
    error_code error;
    const std::size_t bytes = socket_.write_some(asio::buffer(sending_bytes_) + sent_, error);
    if (error == asio::error::would_block || error == asio::error::try_again) break;
    if (error) return close();
    shared_->counters.bytes_sent += bytes;
    sent_ += bytes;
  }
  if (sent_ == sending_bytes_.size()) return all_sent();
  sending_ = true;
  sending_pace_ = {shared_->now, sent_};
  send_rest();
}

void HttpConnection::send_rest() {
  socket_.async_write_some(asio::buffer(sending_bytes_) + sent_,
                           [self = shared_from_this()](error_code error, std::size_t bytes) {
                             self->sent(error, bytes);
                           });
}

void HttpConnection::sent(error_code error, std::size_t bytes) {
  if (phase_ == Phase::closed) return;
  if (error) return close();
  shared_->counters.bytes_sent += bytes;
  sent_ += bytes;
  if (sent_ < sending_bytes_.size()) return send_rest();
  sending_ = false;
  sending_bytes_.clear();
  // The time that the client took to read is not held against its next request.
  since_ = shared_->now;
  advance();
}

void HttpConnection::all_sent() {
  sending_bytes_.clear();
  shared_->counters.stream_bytes_unsent -= std::exchange(stream_bytes_, 0);
  sent_ = 0;
  if (sending_bytes_.capacity() > rest_bytes_max) sending_bytes_.shrink_to_fit();
  if (phase_ == Phase::ending) linger();
}

// Closing with unread bytes in the kernel resets the connection, and the client may lose the reply
// that it was just sent. So: say that nothing more comes, and wait for the other side to close.
void HttpConnection::linger() {
  phase_ = Phase::lingering;
  since_ = shared_->now;
  in_->consume(in_->size());
  error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  if (error) return close();
  receive();
}

void HttpConnection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  pending_.reset();
  stream_.reset();
  shared_->counters.stream_bytes_unsent -= std::exchange(stream_bytes_, 0);
  release();
  --shared_->counters.connections_open;
  error_code ignored;
  socket_.close(ignored);
}

void HttpConnection::check_deadline() {
  const HttpLimits& limits = shared_->limits;
  HttpCounters& counters = shared_->counters;
  if (sending_ && is_slow(sending_pace_, limits.write_grace, sent_)) {
    ++counters.connections_slow;
    return close();
  }
  const auto age = shared_->now - since_;
  switch (phase_) {
    case Phase::head:
      if (is_idle()) {
        if (age > limits.idle) {
          ++counters.connections_idle;
          close();
        }
      } else if (!sending_ && age > limits.head_deadline) {
        time_out();
      }
      return;
    case Phase::body:
      if (is_slow(body_pace_, limits.body_grace, body_.size())) time_out();
      return;
    case Phase::streaming:
      if (is_starved_) return advance();
      if (!sending_ && age > limits.heartbeat) beat();
      return;
    case Phase::lingering:
      if (age > limits.linger) close();
      return;
    case Phase::waiting:  // The service answers every request by its own deadline.
    case Phase::ending:
    case Phase::closed:
      return;
  }
}

void HttpConnection::beat() {
  std::string part;
  stream_->beat(part);
  append_to_stream(part);
  flush();
}

void HttpConnection::time_out() {
  ++shared_->counters.connections_slow;
  fail({ProblemCode::request_timeout, "the request arrives too slowly"});
  flush();
}

bool HttpConnection::has_room() const {
  return out_.size() + sending_bytes_.size() - sent_ <= shared_->limits.reply_bytes_max;
}

// Nothing asked, nothing owed.
bool HttpConnection::is_idle() const {
  return phase_ == Phase::head && in_->size() == 0 && out_.empty() && !sending_;
}

// Whoever has moved what one grace demands begins the next one. Time is never saved up: a body but
// for its last bytes, sent at once, would earn a quarter of an hour of silence.
bool HttpConnection::is_slow(Pace& pace, raft::Duration grace, std::uint64_t bytes) const {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(grace).count();
  const std::uint64_t demanded =
      shared_->limits.bytes_per_second_min * static_cast<std::uint64_t>(milliseconds) / 1000;
  if (bytes - pace.bytes >= std::max<std::uint64_t>(demanded, 1)) {
    pace = {shared_->now, bytes};
    return false;
  }
  return shared_->now - pace.since > grace;
}

// Counts bytes of bodies in memory, up to the bound for all connections.
bool HttpConnection::charge(std::size_t bytes) {
  HttpCounters& counters = shared_->counters;
  charged_ += bytes;
  counters.body_bytes_inflight += bytes;
  if (counters.body_bytes_inflight <= shared_->limits.inflight_body_bytes_max) return true;
  return fail({ProblemCode::overloaded, "too many request bodies are in flight"});
}

void HttpConnection::release() {
  shared_->counters.body_bytes_inflight -= charged_;
  charged_ = 0;
  chunks_.reset();
  if (body_.capacity() > rest_bytes_max) std::string().swap(body_);
  if (in_->size() == 0 && in_->capacity() > rest_bytes_max && !receiving_) in_->shrink_to_fit();
}

}  // namespace kv
