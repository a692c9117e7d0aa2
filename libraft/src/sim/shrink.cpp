#include "sim/shrink.hpp"

#include <algorithm>
#include <utility>

#include "sim/profile.hpp"
#include "sim/simulation.hpp"

namespace raft::sim {
namespace {

class Shrinker {
 public:
  Shrinker(Script script, const Subject& subject) : subject_(subject), best_(std::move(script)) {}

  /// The invariant violated, or nothing.
  std::string run(const Script& script) const {
    Options options;
    options.nodes = script.nodes;
    options.operations = script.operations;
    options.faults = script.faults;
    const Profile profile = draw_profile(script.seed, options);
    const Summary summary = Simulation(profile, options, subject_).run(script.schedule);
    return summary.violations.empty() ? std::string() : summary.violations.front().invariant;
  }

  std::string shrink() {
    invariant_ = run(best_);
    if (invariant_.empty()) return {};
    drop_actions();
    drop_operations();
    drop_actions();
    return to_string(best_) + "violates " + invariant_ + "\n";
  }

 private:
  bool still_fails(Script script) {
    if (run(script) != invariant_) return false;
    best_ = std::move(script);
    return true;
  }

  void drop_actions() {
    std::size_t size = std::max<std::size_t>(best_.schedule.size() / 2, 1);
    while (!best_.schedule.empty()) {
      bool dropped = false;
      for (std::size_t from = 0; from < best_.schedule.size();) {
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
    const auto begin = smaller.schedule.begin() + static_cast<std::ptrdiff_t>(from);
    const auto left = static_cast<std::size_t>(smaller.schedule.end() - begin);
    smaller.schedule.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(size, left)));
    return still_fails(std::move(smaller));
  }

  void drop_operations() {
    std::uint64_t step = best_.operations / 2;
    while (step > 0) {
      Script smaller = best_;
      smaller.operations -= step;
      if (!still_fails(std::move(smaller))) step /= 2;
      step = std::min(step, best_.operations);
    }
  }

  const Subject& subject_;
  Script best_;
  std::string invariant_;
};

}  // namespace

std::string shrink(Script script, const Subject& subject) {
  return Shrinker(std::move(script), subject).shrink();
}

}  // namespace raft::sim
