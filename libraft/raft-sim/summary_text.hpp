// A summary as lines of text: "seeds 12".
#pragma once

#include <iosfwd>
#include <string>

#include <libraft/sim.hpp>

namespace raft_sim {

void write(std::ostream& out, const raft::sim::Summary& summary);
/// Takes in one such line; one of another kind changes nothing.
void read_line(const std::string& line, raft::sim::Summary& summary);

}  // namespace raft_sim
