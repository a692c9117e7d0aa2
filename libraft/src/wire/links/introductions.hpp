// Asking a node at an address who it is, and one question more.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include "protocol/service.hpp"
#include "util/unique_function.hpp"
#include "wire/links/connection.hpp"
#include "wire/links/link_environment.hpp"

namespace raft::wire {

/// The asking side; Reception is the other.
class Introductions final : public Connection::Owner {
 public:
  using Done = util::UniqueFunction<void(Result<Introduction>)>;

  explicit Introductions(LinkEnvironment& environment) : environment_(environment) {}

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
    std::shared_ptr<Dial> dial{};
    std::shared_ptr<Connection> connection{};
  };
  using Attempts = std::map<std::uint64_t, Attempt>;

  void hello_received(Connection& connection, const Hello& hello) override;
  void established(Connection& connection) override;
  void received(Connection& connection, GroupId group, Message&& message) override;
  void received(Connection& connection, GroupId group, ServiceMessage&& message) override;
  void closed(Connection& connection, const Ending& ending) override;

  void deadline_came(std::uint64_t number);
  void dialled(std::uint64_t number, Result<Opened> opened);
  void fail(Attempts::iterator attempt, Errc code, const std::string& why);
  void finish(Attempts::iterator attempt, Result<Introduction> result);
  Attempts::iterator attempt_of(const Connection& connection);

  LinkEnvironment& environment_;
  Attempts attempts_;
  std::uint64_t last_number_ = 0;
};

}  // namespace raft::wire
