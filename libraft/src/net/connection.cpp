#include "net/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <utility>

#include "net/address.hpp"
#include "net/socket_options.hpp"

namespace raft::net {

using Tcp = boost::asio::ip::tcp;
using boost::system::error_code;
using wire::Closed;
using wire::Ending;

namespace {

// Who has not said hello gets no more memory than this, however many of them there are.
constexpr std::size_t input_bytes_before_hello = 64;
constexpr std::size_t input_bytes = std::size_t{64} << 10;

std::string remote_address(const Tcp::socket& socket) {
  error_code error;
  const Tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? "unknown" : to_string(Address{endpoint.address().to_string(), endpoint.port()});
}

std::string describe(const error_code& error) {
  return error == boost::asio::error::eof ? "closed by the other side" : error.message();
}

}  // namespace

wire::Opened Connection::opened(Environment& environment, Tcp::socket socket, Side side) {
  return [&environment, socket = std::move(socket), side](const Hello& own, Owner& owner) mutable {
    const auto connection =
        std::make_shared<Connection>(environment, std::move(socket), side, own, owner);
    connection->begin();
    return connection;
  };
}

Connection::Connection(Environment& environment, Tcp::socket socket, Side side, const Hello& own,
                       Owner& owner)
    : wire::Connection(side, own, environment.rules().limits, remote_address(socket), owner),
      environment_(environment),
      socket_(std::move(socket)),
      input_(input_bytes_before_hello),
      limit_(environment.executor()),
      watch_(environment.executor()) {
  prepare_stream(socket_, environment.rules().idle_timeout);
}

void Connection::begin() {
  limit_life(environment_.rules().handshake_timeout, "no handshake in time");
  flush();
  read();
}

std::shared_ptr<Connection> Connection::shared() {
  return std::static_pointer_cast<Connection>(shared_from_this());
}

void Connection::read() {
  socket_.async_read_some(boost::asio::buffer(input_),
                          [self = shared()](const error_code& error, std::size_t count) {
                            if (self->owner_ == nullptr) {
                              return;
                            }
                            if (error) {
                              return self->end(Ending{{}, describe(error)});
                            }
                            self->bytes_came(count);
                          });
}

void Connection::bytes_came(std::size_t count) {
  environment_.traffic().bytes_received += count;
  was_active_ = true;
  // After the farewell nobody cares what the other side had yet to say.
  if (!farewell_) {
    machine_.received(BytesView(input_.data(), count));
    pass_events_on();
  }
  if (owner_ != nullptr) {
    read();
  }
}

void Connection::handshake_ended() {
  was_established_ = true;
  input_.resize(input_bytes);
  lift_limit();
  watch_frames();
}

template <class AnyMessage>
void Connection::queue(GroupId group, const AnyMessage& message) {
  if (owner_ == nullptr || !is_established()) {
    return;
  }
  was_active_ = true;
  if (!machine_.send(group, message)) {
    // The sender is in the middle of its turn: the end is told in another one.
    boost::asio::post(environment_.executor(), [self = shared()] {
      if (self->owner_ != nullptr) {
        self->pass_events_on();
      }
    });
  }
}

template void Connection::queue(GroupId, const Message&);
template void Connection::queue(GroupId, const ServiceMessage&);

void Connection::flush() {
  if (owner_ != nullptr && !is_writing_) {
    write();
  }
}

void Connection::write() {
  output_ = machine_.take_output();
  sent_ = 0;
  if (output_.empty()) {
    return;
  }
  // An error is met again by the send in the background, which may tell the owner of it.
  error_code ignored;
  bytes_went(socket_.write_some(boost::asio::buffer(output_), ignored));
  if (sent_ < output_.size()) {
    write_rest();
  }
}

void Connection::write_rest() {
  is_writing_ = true;
  machine_.set_unsent(output_.size() - sent_);
  const auto rest = boost::asio::buffer(output_) + sent_;
  socket_.async_write_some(rest, [self = shared()](const error_code& error, std::size_t count) {
    if (self->owner_ == nullptr) {
      return;
    }
    if (error) {
      return self->end(Ending{{}, describe(error)});
    }
    self->bytes_went(count);
    if (self->sent_ < self->output_.size()) {
      return self->write_rest();
    }
    self->is_writing_ = false;
    self->machine_.set_unsent(0);
    self->write();
    if (self->farewell_) {
      self->say_farewell();
    }
  });
}

void Connection::bytes_went(std::size_t count) {
  sent_ += count;
  environment_.traffic().bytes_sent += count;
  was_active_ = was_active_ || count > 0;
}

void Connection::machine_closed(Closed verdict) {
  switch (verdict.cause) {
    case Closed::Cause::refused_by_peer:
    case Closed::Cause::refused_by_us:
      ++environment_.traffic().connections_refused;
      break;
    case Closed::Cause::bad_frame:
    case Closed::Cause::wrong_sender:
      ++environment_.traffic().frames_rejected;
      break;
    case Closed::Cause::overflow:
      break;
  }
  Ending ending = Ending::by(std::move(verdict));
  // Of an established connection the loss is told at once; a refusal has time to arrive.
  if (was_established_ || ending.verdict->cause != Closed::Cause::refused_by_us) {
    return end(ending);
  }
  farewell_ = std::move(ending);
  limit_life(environment_.farewell_timeout(), "");
  flush();
  say_farewell();
}

void Connection::say_farewell() {
  if (!is_writing_) {
    error_code ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }
}

void Connection::close() {
  owner_ = nullptr;
  limit_.cancel();
  watch_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

void Connection::end(const Ending& ending) {
  const auto self = shared_from_this();
  Owner* const owner = owner_;
  close();
  // What ended it first is the reason, not that the other side then closed as well.
  owner->closed(*this, farewell_ ? *farewell_ : ending);
}

void Connection::limit_life(Duration limit, std::string why) {
  idleness_max_ = Duration{0};
  limit_reason_ = std::move(why);
  limit_.expires_after(limit);
  wait_for_limit();
}

void Connection::limit_idleness(Duration limit, std::string why) {
  limit_life(limit, std::move(why));
  idleness_max_ = limit;
  was_active_ = false;
}

void Connection::lift_limit() { limit_.expires_at(boost::asio::steady_timer::time_point::max()); }

void Connection::wait_for_limit() {
  limit_.async_wait([self = shared()](const error_code& error) {
    // A wait that had just ended when another limit was set comes here without an error.
    const bool is_current = self->limit_.expiry() <= boost::asio::steady_timer::clock_type::now();
    if (!error && is_current && self->owner_ != nullptr) {
      self->limit_reached();
    }
  });
}

// Idleness is looked at once per period: this costs nothing when messages come.
void Connection::limit_reached() {
  if (idleness_max_ > Duration{0} && was_active_) {
    return limit_idleness(idleness_max_, std::move(limit_reason_));
  }
  end(Ending{{}, limit_reason_});
}

// The checksum is behind a whole frame only. Bytes go on coming meanwhile, so that to the system
// the connection is well; yet nothing that they say is ever heard.
void Connection::watch_frames() {
  watched_ = machine_.reading();
  watch_.expires_after(environment_.rules().idle_timeout);
  watch_.async_wait([self = shared()](const error_code& error) {
    if (error || self->owner_ == nullptr) {
      return;
    }
    if (self->is_deaf()) {
      ++self->environment_.traffic().frames_rejected;
      return self->end(Ending{{}, "a frame was not completed in time"});
    }
    self->watch_frames();
  });
}

bool Connection::is_deaf() const {
  const wire::ConnectionMachine::Reading now = machine_.reading();
  return watched_.unfinished > 0 && now.frames == watched_.frames &&
         now.unfinished < watched_.unfinished + environment_.rules().frame_bytes_min;
}

}  // namespace raft::net
