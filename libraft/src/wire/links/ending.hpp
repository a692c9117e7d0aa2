// Why a connection is over.
#pragma once

#include <optional>
#include <string>

#include "protocol/hello.hpp"
#include "wire/connection_machine.hpp"

namespace raft::wire {

/// What the owner of a connection is told last.
struct Ending {
  std::optional<Closed> verdict;  ///< The machine's; absent: the network or a deadline did it.
  std::string text;               ///< One line for a person.

  static Ending by(Closed verdict);

  /// What counts as the same for the log: nothing in it is the other side's to choose.
  std::string kind() const;

  /// Whether one of the two nodes did not want the other.
  bool is_refusal() const;
  /// The other side's refusal, if that was it.
  const Refused* refused_by_peer() const;
};

}  // namespace raft::wire
