#include "net/dial.hpp"

#include <boost/asio/ip/address.hpp>
#include <utility>

namespace raft::net {

using Tcp = boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

std::string to_string(const Tcp::endpoint& endpoint) {
  return to_string(Address{endpoint.address().to_string(), endpoint.port()});
}

}  // namespace

std::shared_ptr<Dial> Dial::start(const boost::asio::any_io_executor& executor,
                                  const std::string& address, Times times, Done done) {
  auto dial = std::make_shared<Dial>(executor, times, std::move(done));
  // Also without a pause this goes through the timer, so that no result comes at once.
  dial->after(times.pause, dial->next_step(), [dial, address] { dial->begin(address); });
  return dial;
}

Dial::Dial(const boost::asio::any_io_executor& executor, Times times, Done done)
    : times_(times),
      done_(std::move(done)),
      resolver_(executor),
      socket_(executor),
      timer_(executor) {}

void Dial::cancel() { finish(Errc::stopped); }

void Dial::begin(const std::string& text) {
  const Result<Address> address = parse_address(text);
  if (!address) {
    return finish(address.error());
  }
  // Numeric hosts need no resolver, whose thread may be busy with a name server that is silent.
  error_code not_numeric;
  const auto numeric = boost::asio::ip::make_address(address->host, not_numeric);
  if (not_numeric) {
    return resolve(*address);
  }
  endpoints_ = {Tcp::endpoint(numeric, address->port)};
  connect_next();
}

void Dial::resolve(const Address& address) {
  const std::uint64_t step = next_step();
  const std::string question = "cannot resolve '" + address.host + "'";
  // A lookup under way cannot be stopped: at the deadline it is left to itself.
  after(times_.timeout, step, [self = shared_from_this(), question] {
    self->finish(Error{Errc::timed_out, question + ": no answer in time"});
  });
  const auto resolved = [self = shared_from_this(), step, question](
                            const error_code& error, const Tcp::resolver::results_type& results) {
    if (step != self->step_) {
      return;
    }
    if (error) {
      return self->finish(Error{Errc::timed_out, question + ": " + error.message()});
    }
    for (const auto& result : results) {
      self->endpoints_.push_back(result.endpoint());
    }
    self->was_resolved_ = true;
    self->connect_next();
  };
  resolver_.async_resolve(address.host, std::to_string(address.port), resolved);
}

void Dial::connect_next() {
  if (tried_ == endpoints_.size()) {
    return finish(Error{Errc::timed_out, failure_});
  }
  const Tcp::endpoint endpoint = endpoints_[tried_++];
  const std::uint64_t step = next_step();
  socket_ = Tcp::socket(socket_.get_executor());
  // Each address has its share of the time: a silent first one must not hide a good second one.
  const Duration share = times_.timeout / static_cast<Duration::rep>(endpoints_.size());
  after(share, step, [self = shared_from_this(), endpoint] {
    self->failure_ = "no answer from " + to_string(endpoint) + " in time";
    self->connect_next();
  });
  const auto done = [self = shared_from_this(), step, endpoint](const error_code& error) {
    if (step != self->step_) {
      return;
    }
    if (error) {
      // Whoever dialled a number knows it, and says so.
      self->failure_ = (self->was_resolved_ ? to_string(endpoint) + ": " : "") + error.message();
      return self->connect_next();
    }
    self->connected(endpoint);
  };
  socket_.async_connect(endpoint, done);
}

void Dial::connected(const Tcp::endpoint& endpoint) {
  // A port of the ephemeral range on which nobody listens can be given to the dialling socket
  // itself. TCP then connects it to itself, and the port's owner cannot listen when it comes back.
  error_code unknown;
  if (socket_.local_endpoint(unknown) == endpoint && !unknown) {
    failure_ = to_string(endpoint) + ": nobody listens";
    return connect_next();
  }
  finish(std::move(socket_));
}

void Dial::finish(Result<Tcp::socket> result) {
  next_step();
  timer_.cancel();
  resolver_.cancel();
  error_code ignored;
  socket_.close(ignored);
  Done done = std::move(done_);
  const bool is_cancelled = !result && result.code() == Errc::stopped;
  if (done && !is_cancelled) {
    done(std::move(result));
  }
}

template <class Function>
void Dial::after(Duration wait, std::uint64_t step, Function function) {
  timer_.expires_after(wait);
  timer_.async_wait([self = shared_from_this(), step,
                     function = std::move(function)](const error_code& error) mutable {
    if (!error && step == self->step_) {
      function();
    }
  });
}

}  // namespace raft::net
