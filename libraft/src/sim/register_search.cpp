// Depth-first over what may come next (Wing and Gong 1993), with a memory of the places from which
// there is no way on: the set of operations done and the value (Lowe 2017). Two rules keep it from
// most of the places, and lose no order:
//
// 1. A read that may come next and sees the present value comes next. It changes nothing, and what
//    waited for it to return can only gain.
// 2. A value that a required operation has yet to see is not overwritten while nothing is left that
//    writes it once more.
#include "sim/register_search.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace raft::sim {
namespace {

using Number = std::uint32_t;

class Search {
 public:
  Search(const std::vector<RegisterOperation>& operations, std::size_t steps_max)
      : operations_(operations),
        end_(static_cast<Number>(operations.size())),
        steps_left_(steps_max),
        next_(operations.size() + 1),
        previous_(operations.size() + 1),
        done_(operations.size() / bits + 1) {
    for (Number i = 0; i <= end_; ++i) {
      next_[i] = i == end_ ? 0 : i + 1;
      previous_[i] = i == 0 ? end_ : i - 1;
    }
    for (const RegisterOperation& operation : operations) count(operation, 1);
  }

  OrderFound run() {
    std::optional<Number> behind;  // Where to look for the next write.
    take_reads();
    while (required_left_ > 0) {
      if (const std::optional<Number> write = write_behind(behind)) {
        if (steps_left_ == 0) return OrderFound::unknown;
        --steps_left_;
        take(*write, false);
        take_reads();
        behind = is_new() ? std::nullopt : std::optional(take_back());
      } else if (choices_ == 0) {
        return OrderFound::no;
      } else {
        behind = take_back();
      }
    }
    return OrderFound::yes;
  }

 private:
  static constexpr std::size_t bits = 64;

  struct Taken {
    Number operation;
    std::uint32_t value_before;
    bool is_forced;
  };

  struct Demand {
    std::size_t waiting = 0;  ///< Required operations that have yet to see the value.
    std::size_t makers = 0;   ///< Operations that may yet write it.
  };

  // Calls `visit` for whatever may take effect next, until it returns true: all that was called
  // before the first return of what is left. The list is in the order of the calls, so nobody
  // further back can have returned before somebody in front was called.
  template <class Visit>
  void for_next(Visit visit) const {
    std::uint64_t first_return = ~std::uint64_t{0};
    for (Number i = next_[end_]; i != end_; i = next_[i]) {
      if (operations_[i].called > first_return) return;
      if (visit(i)) return;
      if (operations_[i].is_required)
        first_return = std::min(first_return, operations_[i].returned);
    }
  }

  void take_reads() {
    for (bool found = true; found;) {
      found = false;
      for_next([&](Number i) {
        const RegisterOperation& operation = operations_[i];
        found = operation.writes == RegisterOperation::none && operation.sees == value_;
        if (found) take(i, true);
        return found;
      });
    }
  }

  std::optional<Number> write_behind(std::optional<Number> behind) {
    std::optional<Number> write;
    for_next([&](Number i) {
      if ((!behind || i > *behind) && may_write(operations_[i])) write = i;
      return write.has_value();
    });
    return write;
  }

  bool may_write(const RegisterOperation& operation) {
    if (operation.writes == RegisterOperation::none) return false;
    const bool sees = operation.sees == value_;
    if (operation.sees != RegisterOperation::none && !sees) return false;
    const Demand& demand = demand_for(value_);
    const std::size_t others = demand.waiting - (sees && operation.is_required ? 1 : 0);
    const std::size_t makers = demand.makers - (operation.writes == value_ ? 1 : 0);
    return others == 0 || makers > 0 || operation.writes == value_;
  }

  void take(Number i, bool is_forced) {
    next_[previous_[i]] = next_[i];
    previous_[next_[i]] = previous_[i];
    done_[i / bits] |= std::uint64_t{1} << (i % bits);
    taken_.push_back({i, value_, is_forced});
    choices_ += is_forced ? 0 : 1;
    count(operations_[i], -1);
    if (operations_[i].writes != RegisterOperation::none) value_ = operations_[i].writes;
  }

  // Back to before the last choice, which is returned.
  Number take_back() {
    for (;;) {
      const Taken last = taken_.back();
      taken_.pop_back();
      // In the reverse order of taking, so that the neighbours are those of then.
      next_[previous_[last.operation]] = last.operation;
      previous_[next_[last.operation]] = last.operation;
      done_[last.operation / bits] &= ~(std::uint64_t{1} << (last.operation % bits));
      value_ = last.value_before;
      count(operations_[last.operation], 1);
      if (last.is_forced) continue;
      --choices_;
      return last.operation;
    }
  }

  void count(const RegisterOperation& operation, int change) {
    const auto add = [change](std::size_t& number) { change > 0 ? ++number : --number; };
    if (operation.is_required) {
      add(required_left_);
      if (operation.sees != RegisterOperation::none) add(demand_for(operation.sees).waiting);
    }
    if (operation.writes != RegisterOperation::none) add(demand_for(operation.writes).makers);
  }

  Demand& demand_for(std::uint32_t value) {
    if (value >= demand_.size()) demand_.resize(value + std::size_t{1});
    return demand_[value];
  }

  // Whether this place was not reached before.
  bool is_new() {
    // Most of the history is done in front and open behind: only what lies between tells places
    // apart.
    std::size_t first = 0;
    while (first < done_.size() && done_[first] == ~std::uint64_t{0}) ++first;
    std::size_t last = done_.size();
    while (last > first && done_[last - 1] == 0) --last;
    std::vector<std::uint64_t> place{value_, first};
    place.insert(place.end(), done_.begin() + static_cast<std::ptrdiff_t>(first),
                 done_.begin() + static_cast<std::ptrdiff_t>(last));
    return places_.insert(std::move(place)).second;
  }

  const std::vector<RegisterOperation>& operations_;
  const Number end_;  ///< Head of the list.
  std::size_t steps_left_;

  // What is left, as a list in the order of the calls.
  std::vector<Number> next_;
  std::vector<Number> previous_;
  std::size_t required_left_ = 0;
  std::vector<Demand> demand_;  ///< By value.

  // What is done.
  std::vector<Taken> taken_;
  std::size_t choices_ = 0;  ///< How many of them were not forced.
  std::vector<std::uint64_t> done_;
  std::uint32_t value_ = 0;

  std::set<std::vector<std::uint64_t>> places_;
};

}  // namespace

OrderFound find_order(const std::vector<RegisterOperation>& operations, std::size_t steps_max) {
  return Search(operations, steps_max).run();
}

}  // namespace raft::sim
