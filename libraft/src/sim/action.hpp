// One thing that is done to a cluster at its instant, as a value: schedules of them are drawn,
// shrunk, printed and replayed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/sim.hpp>
#include <libraft/types.hpp>

namespace raft::sim {

enum class ActionKind : std::uint8_t {
  set_rate,    ///< Of the fault whose number is `other`, in permille: `amount`.
  partition,   ///< `amount` has a bit for each node on one side.
  one_way,     ///< Nothing from `node` reaches `other`; 0: anyone.
  bridge,      ///< The sides of `amount` meet at `node` only.
  reset,       ///< The connections of `node` and `other` break and come back.
  cut,         ///< They break and stay away.
  slow_link,   ///< From `node` to `other` go `amount` bytes a second.
  heal,        ///< The network is whole again.
  crash,       ///< `node`, back after `amount` ms.
  crash_at,    ///< `node`, when its disk has carried out `amount` further changes.
  power_cut,   ///< All nodes, back after up to `amount` ms.
  stop,        ///< `node`, back after `amount` ms.
  pause,       ///< `node`, for `amount` ms.
  slow_disk,   ///< `node`: so many permille of its writes take up to a second.
  stall_disk,  ///< `node`, for `amount` ms.
  fail_write,  ///< `node`, the write after `amount` ones.
  fail_sync,   ///< `node`, the sync after `amount` ones; with an even `other` later ones lie.
  fail_reads,  ///< `node`, for `amount` ms.
  fill_disk,   ///< `node`, for `amount` ms.
  rot,         ///< `node`, while it is down.
  wipe,        ///< `node`.
  back_up,     ///< `node`.
  roll_back,   ///< `node`, to its last copy.
  jump_clock,  ///< `node`, `amount` ms ahead.
  join,        ///< A new node.
  remove,      ///< `node`.
  replace,     ///< `node` by a new one in one step.
  regroup,     ///< Several at once, around `node`: `amount` is an Operator::Regroup.
  demote,      ///< `node`.
  promote,     ///< `node`.
  update,      ///< The attributes of `node`.
  transfer,    ///< To `node`; 0: to whoever is best.
  snapshot,    ///< `node` takes one.
  burst,       ///< `amount` proposals at once.
  count_       ///< Not an action.
};

struct Action {
  Duration at{0};  ///< Since the faults began.
  ActionKind kind = ActionKind::heal;
  NodeId node;  ///< 0: whoever leads then.
  NodeId other;
  std::uint64_t amount = 0;

  bool operator==(const Action&) const = default;
};

using Schedule = std::vector<Action>;

const char* to_string(ActionKind kind);
/// One line: 1.250000 crash 2 0 300
std::string to_string(const Action& action);
Result<Action> action_from(std::string_view line);

}  // namespace raft::sim
