// Changes of the membership that were asked for, and what may still become of them.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/membership.hpp>

namespace raft::sim {

class OutstandingChanges {
 public:
  void asked(std::uint64_t call, MembershipChange change, Duration now);
  /// Who does not know the outcome must reckon with both.
  void answered(std::uint64_t call, const Result<void>& result);

  /// Everything that the membership may become from these on, these among it: a change on its way
  /// may reach a leader at any time, and a leader promotes learners without being asked. What was
  /// asked for long ago is no longer on its way.
  std::vector<Membership> futures_of(const std::vector<Membership>& present, Duration now);

 private:
  struct Asked {
    MembershipChange change;
    Duration at;
  };

  std::map<std::uint64_t, Asked> asked_;
};

}  // namespace raft::sim
