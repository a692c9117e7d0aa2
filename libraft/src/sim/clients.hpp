// The clients: each asks one thing at a time, of any node, and remembers what it was told.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/calls.hpp"
#include "sim/history.hpp"
#include "sim/world.hpp"

namespace raft::sim {

class Clients {
 public:
  Clients(World& world, Calls& calls);

  /// They begin, and go on until so many operations have been asked.
  void start(std::uint64_t operations);
  bool are_done() const { return asked_ >= operations_ && busy_ == 0; }
  /// The open ones are left as they are: nothing more is asked.
  void stop() { has_stopped_ = true; }
  /// Many proposals in one turn, by nobody who counts on them.
  void flood(NodeId id, std::uint64_t proposals);

  const History& history() const { return history_; }
  struct Counts {
    std::uint64_t done = 0;
    std::uint64_t refused = 0;
    std::uint64_t unknown = 0;
    std::uint64_t reads = 0;
  };
  const Counts& counts() const { return counts_; }

  /// Whether some write succeeds within that time.
  bool writes_something(Duration at_most);
  /// A write that nobody repeats; `done`, if any, is set once it has succeeded.
  void write_on(NodeId id, const std::shared_ptr<bool>& done);
  /// A read on every node.
  void read_everywhere();

 private:
  struct Client {
    std::uint64_t number = 0;  ///< In the history: a new one after an answer that says nothing.
    Bytes session;             ///< Empty: it numbers nothing.
    std::uint64_t sequence = 0;
    Duration pause_max{0};  ///< Between two operations.
  };
  struct Write {
    std::size_t client = 0;
    Command command;
    std::optional<History::Number> number;
    std::uint64_t request = 0;  ///< Unique, for the checkers.
    int attempts = 0;
  };

  void go_on_later(std::size_t client);
  void go_on(std::size_t client);
  void begin_write(std::size_t client);
  void attempt(const Write& write);
  void attempt_later(const Write& write);
  void may_cancel(NodeId node, std::uint64_t ticket);
  void written(const Write& write, const Result<Applied>& result);
  std::optional<History::Number> noted_write(std::uint64_t client, const Command& command);
  void begin_read(std::size_t client);
  void read(NodeId node, std::optional<std::size_t> client);
  void ended(std::size_t client);
  void end_session(Client& client);
  Command fresh_command();
  NodeId anyone();
  Instant deadline(NodeId node);
  bool chance(std::uint64_t percent) { return random_.between(0, 100) < percent; }

  World& world_;
  Calls& calls_;
  core::Random random_;
  History history_;
  Counts counts_;
  std::vector<Client> clients_;
  std::uint64_t operations_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t busy_ = 0;
  std::uint64_t last_client_ = 0;
  std::uint64_t last_command_ = 0;
  std::uint64_t last_request_ = 0;
  bool has_stopped_ = false;
};

}  // namespace raft::sim
