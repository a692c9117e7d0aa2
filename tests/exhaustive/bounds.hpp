// How much may happen in the runs that are explored, and in what kind of world.
#pragma once

#include <cstddef>
#include <cstdint>

namespace raft::exhaustive {

inline constexpr std::size_t nodes_max = 4;

/// What the change of membership does: to the voter with the highest id, or with the next one.
enum class ChangeKind : std::uint8_t { remove, add, replace, demote };

/// Honest, or wrong in one way, to show that the exploration finds it.
enum class DiskKind : std::uint8_t {
  honest,
  forgets_votes,    ///< A power cut takes the vote of the current term, synced or not.
  forgets_entries,  ///< A power cut takes the last entry, synced or not.
  confirms_early,   ///< Batches are confirmed when handed over, and written some time later.
};

struct Bounds {
  std::uint8_t nodes = 3;  ///< Voters at the start.
  std::uint8_t proposals = 2;
  std::uint8_t crashes = 1;
  std::uint8_t changes = 1;
  std::uint8_t transfers = 0;
  std::uint8_t ticks = 0;            ///< Of leaders, all together.
  std::uint8_t timeouts = 2;         ///< Of each node.
  std::uint8_t timeouts_of_all = 2;  ///< Of all nodes together.
  ChangeKind change = ChangeKind::remove;
  bool starts_led = true;      ///< By node 1, in term 1, with its first entry known to all.
  bool in_order = true;        ///< Of what one node sends another, the oldest arrives first.
  bool writes_at_once = true;  ///< A batch is on disk, and that confirmed, in its own turn.
  bool is_reduced = true;      ///< One order of steps of different nodes stands for all.
  bool pre_vote = false;
  bool check_quorum = false;
  DiskKind disk = DiskKind::honest;
  std::size_t states_max = 1'000'000'000;
  std::uint32_t minutes_max = 20;   ///< Of CPU; asked by the command only, as is the next.
  std::uint32_t memory_max = 4096;  ///< In MiB.
};

}  // namespace raft::exhaustive
