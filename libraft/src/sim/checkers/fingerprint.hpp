// Entries and whole logs as single numbers, so that comparing them costs nothing.
#pragma once

#include <cstdint>

#include <libraft/state_machine.hpp>
#include <libraft/types.hpp>
#include "protocol/entry.hpp"

namespace raft::sim {

/// Not against an adversary: against a bug.
class Fingerprint {
 public:
  Fingerprint& mix(std::uint64_t number) {
    value_ = (value_ ^ number) * 0x9e3779b97f4a7c15u;
    value_ ^= value_ >> 29;
    return *this;
  }
  Fingerprint& mix(BytesView bytes);
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

/// Of everything in the entry.
std::uint64_t fingerprint(const Entry& entry);
/// Of what the client sent: the same for each retry.
std::uint64_t fingerprint(const Command& command);

/// A log up to some index. Equal chains mean equal logs, back to the very first entry.
struct Place {
  Term term;
  std::uint64_t chain = 0;

  bool operator==(const Place&) const = default;
};

inline std::uint64_t chained(std::uint64_t before, std::uint64_t entry) {
  return Fingerprint().mix(before).mix(entry).value();
}

}  // namespace raft::sim
