#include "kvserver/http_server.hpp"

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <random>
#include <utility>
#include <vector>

namespace kv {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Connections above the cap that may wait for their client to read why; further ones are closed.
constexpr std::size_t refused_max = 64;
constexpr auto accept_backoff = std::chrono::milliseconds(100);

raft::Error listen_error(const Address& address, const std::string& why) {
  return {raft::Errc::invalid_argument, "cannot listen on " + to_string(address) + ": " + why};
}

// "Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110 5.6.7. The names are English in every locale.
std::string http_date(std::time_t now) {
  static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> rest;
  const std::size_t length = std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &utc);
  std::array<char, 4> day;
  day = {static_cast<char>('0' + utc.tm_mday / 10), static_cast<char>('0' + utc.tm_mday % 10), ' ',
         '\0'};
  return std::string(days[static_cast<std::size_t>(utc.tm_wday)]) + ", " + day.data() +
         months[static_cast<std::size_t>(utc.tm_mon)] + std::string(rest.data(), length);
}

// Descriptors or memory are short; they come back when other connections end.
bool is_shortage(error_code error) {
  return error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
         error == asio::error::no_memory ||
         error == error_code(ENFILE, boost::system::system_category());
}

}  // namespace

raft::Result<std::unique_ptr<HttpListener>> HttpListener::open(const Address& address) {
  std::unique_ptr<HttpListener> listener(new HttpListener);
  error_code error;
  tcp::resolver resolver(listener->context_);
  const auto found = resolver.resolve(
      address.host, address.port, tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) return listen_error(address, error.message());
  const tcp::endpoint endpoint = found.begin()->endpoint();
  tcp::acceptor& acceptor = listener->acceptor_;
  acceptor.open(endpoint.protocol(), error);
  if (error) return listen_error(address, error.message());
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor.bind(endpoint, error);
  if (error) return listen_error(address, error.message());
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(address, error.message());
  return listener;
}

std::string HttpListener::address() const {
  error_code error;
  const tcp::endpoint endpoint = acceptor_.local_endpoint(error);
  return to_string(Address{endpoint.address().to_string(), std::to_string(endpoint.port())});
}

tcp::acceptor HttpListener::take(const asio::any_io_executor& executor) {
  const auto protocol = acceptor_.local_endpoint().protocol();
  return tcp::acceptor(executor, protocol, acceptor_.release());
}

class HttpServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(tcp::acceptor acceptor, Service& service, HttpCounters& counters, const HttpLimits& limits,
       Warn warn)
      : acceptor_(std::move(acceptor)),
        accept_timer_(acceptor_.get_executor()),
        sweep_timer_(acceptor_.get_executor()),
        shared_(std::make_shared<HttpShared>(service, counters, limits)),
        warn_(std::move(warn)) {
    // Unique enough to find a request in the logs of several nodes and lives.
    shared_->next_request_id = std::uint64_t{std::random_device{}()} << 32;
    tell_time();
  }

  void start() {
    accept();
    sweep();
  }

  void drain(std::function<void()> done) {
    error_code ignored;
    acceptor_.close(ignored);
    accept_timer_.cancel();
    drained_ = std::move(done);
    for (const auto& connection : connections_) connection->drain();
  }

  void close() {
    error_code ignored;
    acceptor_.close(ignored);
    accept_timer_.cancel();
    sweep_timer_.cancel();
    for (const auto& connection : connections_) connection->close();
    connections_.clear();
    drained_ = nullptr;
  }

 private:
  void accept() {
    if (!acceptor_.is_open()) return;
    acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
      self->accepted(error, std::move(socket));
    });
  }

  void accepted(error_code error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (error) {
      warn("cannot accept a connection: " + error.message());
      if (is_shortage(error)) return accept_later();
      return accept();
    }
    HttpCounters& counters = shared_->counters;
    ++counters.connections_accepted;
    const std::uint64_t open = counters.connections_open;
    if (open >= shared_->limits.connections_max) {
      ++counters.connections_refused;
      warn("refusing connections: " + std::to_string(open) + " are open");
      if (open >= shared_->limits.connections_max + refused_max) return accept();
      connections_.push_back(std::make_shared<HttpConnection>(std::move(socket), shared_));
      connections_.back()->refuse();
    } else {
      connections_.push_back(std::make_shared<HttpConnection>(std::move(socket), shared_));
      connections_.back()->start();
    }
    accept();
  }

  // Trying again at once would spin, since the connection that cannot be taken stays in the queue.
  void accept_later() {
    accept_timer_.expires_after(accept_backoff);
    accept_timer_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled) self->accept();
    });
  }

  // One timer for all connections: setting one per request costs more than answering a read.
  void sweep() {
    tell_time();
    std::size_t at = 0;
    while (at < connections_.size()) {
      connections_[at]->check_deadline();
      if (connections_[at]->is_closed()) {
        connections_[at] = std::move(connections_.back());
        connections_.pop_back();
      } else {
        ++at;
      }
    }
    if (drained_ && connections_.empty()) std::exchange(drained_, nullptr)();
    sweep_timer_.expires_after(shared_->limits.sweep);
    sweep_timer_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled) self->sweep();
    });
  }

  void tell_time() {
    shared_->now = HttpShared::Clock::now();
    const std::time_t second = std::time(nullptr);
    if (second == date_second_) return;
    date_second_ = second;
    shared_->date = http_date(second);
  }

  void warn(const std::string& line) {
    if (!warn_ || shared_->now - warned_ < std::chrono::seconds(1)) return;
    warned_ = shared_->now;
    warn_(line);
  }

  tcp::acceptor acceptor_;
  asio::steady_timer accept_timer_;
  asio::steady_timer sweep_timer_;
  const std::shared_ptr<HttpShared> shared_;
  const Warn warn_;
  std::function<void()> drained_;
  HttpShared::Clock::time_point warned_{};
  std::time_t date_second_ = 0;
  /// Open ones, those that are being refused, and closed ones until the next sweep.
  std::vector<std::shared_ptr<HttpConnection>> connections_;
};

HttpServer::HttpServer(tcp::acceptor acceptor, Service& service, HttpCounters& counters,
                       const HttpLimits& limits, Warn warn)
    : impl_(std::make_shared<Impl>(std::move(acceptor), service, counters, limits,
                                   std::move(warn))) {}

HttpServer::~HttpServer() { close(); }

void HttpServer::start() { impl_->start(); }
void HttpServer::drain(std::function<void()> done) { impl_->drain(std::move(done)); }
void HttpServer::close() { impl_->close(); }

}  // namespace kv
