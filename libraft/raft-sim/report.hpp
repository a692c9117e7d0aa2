// What people read in the end. The last line about a failure is the command that shows it again.
#pragma once

#include <string>

#include "campaign.hpp"
#include "plan.hpp"

namespace raft_sim {

constexpr int exit_violation = 1;

/// Of a campaign. Returns the exit code: it also fails if a fault that was allowed never took
/// effect, though there were seeds enough.
int report(const Plan& plan, const Outcome& outcome);

/// One run, and how it can be had again.
struct OneRun {
  std::string name;  ///< For the heading.
  std::string script;
  std::string command;      ///< Shows it, event by event.
  bool is_printed = false;  ///< Every event is on the screen already.
  raft::sim::Summary summary;
};
int report(const Plan& plan, const OneRun& run);

}  // namespace raft_sim
