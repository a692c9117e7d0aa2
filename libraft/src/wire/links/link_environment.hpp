// What a transport gives to its links: who the node is, time, chance, and a network to dial into.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "util/log.hpp"
#include "util/unique_function.hpp"
#include "wire/links/connection.hpp"
#include "wire/links/link_rules.hpp"
#include "wire/transport.hpp"

namespace raft::wire {

/// An open stream on which nothing has been said. The function makes a connection of it, once; the
/// stream is closed if it is dropped uncalled. `own.target` is whom a dialler dials.
using Opened =
    util::UniqueFunction<std::shared_ptr<Connection>(const Hello& own, Connection::Owner& owner)>;

/// One attempt to open a stream.
class Dial {
 public:
  virtual ~Dial() = default;
  /// Gives up: its function is not called any more.
  virtual void cancel() = 0;
};

/// Lives as long as the transport, and is used on its strand.
class LinkEnvironment {
 public:
  using Dialled = util::UniqueFunction<void(Result<Opened>)>;

  virtual ~LinkEnvironment() = default;
  LinkEnvironment(const LinkEnvironment&) = delete;
  LinkEnvironment& operator=(const LinkEnvironment&) = delete;

  NodeId own() const { return own_; }
  const LinkRules& rules() const { return rules_; }
  TransportHandler& handler() const { return handler_; }
  const util::Log& log() const { return log_; }

  /// Since any fixed instant. Never falls.
  virtual Duration now() const = 0;
  /// One of all 64-bit values. Only spreads waiting times.
  virtual std::uint64_t random() = 0;
  /// Calls the function in a later turn, when the delay is over; never once the transport is
  /// closed, so that what it refers to need not be kept alive for it.
  virtual void after(Duration delay, util::UniqueFunction<void()> function) = 0;
  /// Waits for `pause`, then for an answer as long as LinkRules::connect_timeout allows. `done` is
  /// called once, never from within this call. Errors: invalid_argument (it is no address),
  /// timed_out (nobody could be reached); both say why.
  virtual std::shared_ptr<Dial> dial(const std::string& address, Duration pause, Dialled done) = 0;

 protected:
  LinkEnvironment(NodeId own, const LinkRules& rules, TransportHandler& handler, util::Log log)
      : own_(own), rules_(rules), handler_(handler), log_(std::move(log)) {}

 private:
  const NodeId own_;
  const LinkRules rules_;
  TransportHandler& handler_;
  const util::Log log_;
};

}  // namespace raft::wire
