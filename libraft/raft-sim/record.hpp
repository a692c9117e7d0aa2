// What a campaign has come to, as a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <libraft/sim.hpp>

namespace raft_sim {

/// Each label has a summary of its own: what earlier code did says nothing about the present one.
struct Record {
  struct Part {
    std::string label;
    raft::sim::Summary summary;
  };

  std::string configuration;  ///< As describe() has it. Seeds of another one are others.
  std::uint64_t next = 1;     ///< The first seed that is not done.
  std::vector<Part> parts;    ///< In the order in which they began.

  /// Made if it is not there.
  raft::sim::Summary& of(const std::string& label);
  raft::sim::Summary total() const;
};

/// Absent fields are empty; no file is an empty record.
Record load(const std::string& path);
/// The old file or the new one is there, whole. Throws std::runtime_error.
void save(const std::string& path, const Record& record);

}  // namespace raft_sim
