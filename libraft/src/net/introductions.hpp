// Asking a node at an address who it is, and one question more.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include "net/connection.hpp"
#include "net/dial.hpp"
#include "net/environment.hpp"
#include "wire/transport.hpp"

namespace raft::net {

/// The asking side; Reception is the other.
class Introductions final : public Connection::Owner,
                            public std::enable_shared_from_this<Introductions> {
 public:
  using Done = util::UniqueFunction<void(Result<Introduction>)>;

  explicit Introductions(Environment& environment) : environment_(environment) {}

  void start(const std::string& address, GroupId group, std::optional<ServiceBody> request,
             Done done);
  /// Drops what is under way without a call.
  void close();

 private:
  struct Attempt {
    std::string address;
    GroupId group;
    std::optional<ServiceBody> request;
    Done done;
    boost::asio::steady_timer deadline;
    std::shared_ptr<Dial> dial{};
    std::shared_ptr<Connection> connection{};
  };
  using Attempts = std::map<std::uint64_t, Attempt>;

  void hello_received(Connection& connection, const Hello& hello) override;
  void established(Connection& connection) override;
  void received(Connection& connection, GroupId group, Message&& message) override;
  void received(Connection& connection, GroupId group, ServiceMessage&& message) override;
  void closed(Connection& connection, const Ending& ending) override;

  void dialled(std::uint64_t number, Result<boost::asio::ip::tcp::socket> socket);
  void fail(Attempts::iterator attempt, Errc code, const std::string& why);
  void finish(Attempts::iterator attempt, Result<Introduction> result);
  Attempts::iterator attempt_of(const Connection& connection);

  Environment& environment_;
  Attempts attempts_;
  std::uint64_t last_number_ = 0;
};

}  // namespace raft::net
