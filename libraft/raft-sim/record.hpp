// What a campaign has come to, as a file.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <libraft/sim.hpp>

namespace raft_sim {

struct Record {
  std::uint64_t next = 1;                       ///< The first seed that is not done.
  std::map<std::string, std::uint64_t> labels;  ///< How many seeds ran under each.
  raft::sim::Summary summary;
};

/// Absent fields are zero; no file is an empty record. Throws std::runtime_error.
Record load(const std::string& path);
/// The old file or the new one is there, whole.
void save(const std::string& path, const Record& record);

}  // namespace raft_sim
