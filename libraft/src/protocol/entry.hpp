// An entry of the replicated log.
#pragma once

#include <cstddef>
#include <memory>
#include <variant>

#include <libraft/membership.hpp>
#include <libraft/types.hpp>

namespace raft {

/// What a new leader appends first, so that it can commit everything before it (thesis 6.4).
struct Noop {
  bool operator==(const Noop&) const = default;
};

/// A command for the state machine. With a client it is executed once per (client, sequence).
struct Command {
  Bytes client;
  std::uint64_t sequence = 0;
  Bytes bytes;

  bool operator==(const Command&) const = default;
};

using EntryBody = std::variant<Noop, Command, MembershipPtr>;

struct Entry {
  Term term;
  Index index;
  LogTime time;
  EntryBody body;

  EntryId id() const { return {term, index}; }
  const Command* command() const { return std::get_if<Command>(&body); }
  const MembershipPtr* membership() const { return std::get_if<MembershipPtr>(&body); }
};

/// Entries never change once made; the log, messages and the apply queue share them.
using EntryPtr = std::shared_ptr<const Entry>;

/// What an entry counts against byte limits: its payload and a flat share for its header.
std::size_t size_of(const Entry&);

/// Equal in all fields; memberships by value.
bool operator==(const Entry&, const Entry&);

}  // namespace raft
