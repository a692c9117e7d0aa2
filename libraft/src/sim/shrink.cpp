#include "sim/shrink.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace raft::sim {
namespace {

/// Actions that come and go together: of one kind, and rates of one fault.
using Sort = std::pair<ActionKind, NodeId>;

Sort sort_of(const Action& action) {
  return {action.kind, action.kind == ActionKind::set_rate ? action.other : NodeId{}};
}

class Shrinker {
 public:
  /// The script has a schedule.
  Shrinker(Script script, const Trial& trial, std::uint64_t runs_max)
      : trial_(trial), runs_left_(runs_max), best_(std::move(script)) {}

  std::string shrink() {
    invariant_ = trial_(to_string(best_));
    if (invariant_.empty()) return {};
    drop_sorts();
    drop_actions();
    drop_nodes();
    drop_operations();
    drop_faults();
    drop_actions();
    return to_string(best_) + "violates " + invariant_ + "\n";
  }

 private:
  bool still_fails(Script script) {
    if (runs_left_ == 0) return false;
    --runs_left_;
    if (trial_(to_string(script)) != invariant_) return false;
    best_ = std::move(script);
    return true;
  }

  void drop_sorts() {
    std::set<Sort> sorts;
    for (const Action& action : *best_.schedule) sorts.insert(sort_of(action));
    for (const Sort& sort : sorts) {
      Script smaller = best_;
      std::erase_if(*smaller.schedule,
                    [&](const Action& action) { return sort_of(action) == sort; });
      still_fails(std::move(smaller));
    }
  }

  void drop_actions() {
    std::size_t size = std::max<std::size_t>(best_.schedule->size() / 2, 1);
    while (!best_.schedule->empty()) {
      bool dropped = false;
      for (std::size_t from = 0; from < best_.schedule->size();) {
        if (without(from, size)) {
          dropped = true;
        } else {
          from += size;
        }
      }
      if (size == 1 && !dropped) return;
      size = std::max<std::size_t>(size / 2, 1);
    }
  }

  bool without(std::size_t from, std::size_t size) {
    Script smaller = best_;
    const auto begin = smaller.schedule->begin() + static_cast<std::ptrdiff_t>(from);
    const auto left = static_cast<std::size_t>(smaller.schedule->end() - begin);
    smaller.schedule->erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(size, left)));
    return still_fails(std::move(smaller));
  }

  void drop_nodes() {
    bool dropped = true;
    while (dropped && best_.nodes > 1) {
      Script smaller = best_;
      --smaller.nodes;
      dropped = still_fails(std::move(smaller));
    }
  }

  void drop_operations() {
    std::uint64_t step = best_.operations;
    while (step > 0) {
      Script smaller = best_;
      smaller.operations -= step;
      if (!still_fails(std::move(smaller))) step /= 2;
      step = std::min(step, best_.operations);
    }
  }

  /// Without a fault the seed draws what is usual: clocks that run right, limits of a common size.
  void drop_faults() {
    Script without_any = best_;
    without_any.faults.clear();
    if (still_fails(std::move(without_any))) return;
    for (const Fault fault : Options::every_fault()) {
      Script smaller = best_;
      if (smaller.faults.erase(fault) > 0) still_fails(std::move(smaller));
    }
  }

  const Trial& trial_;
  std::uint64_t runs_left_;
  Script best_;
  std::string invariant_;
};

}  // namespace

std::string shrink(Script script, const Trial& trial, std::uint64_t runs_max) {
  return Shrinker(std::move(script), trial, runs_max).shrink();
}

}  // namespace raft::sim
