#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/linearizability.hpp"

namespace raft::sim {
namespace {

// A read sees the entry of its own index.
auto place_of(const Operation& operation) {
  return std::tuple(operation.index, operation.kind == OperationKind::read, operation.called);
}

// Walks over the operations in the order of their indexes.
class Witness {
 public:
  HistoryVerdict check(const History& history) {
    HistoryVerdict verdict = sort(history);
    for (const Operation* operation : by_index_) {
      if (verdict.kind != HistoryVerdict::linearizable) return verdict;
      verdict = perform(*operation);
    }
    return verdict.kind == HistoryVerdict::linearizable ? check_real_time() : verdict;
  }

 private:
  HistoryVerdict sort(const History& history) {
    for (const Operation& operation : history.operations()) {
      const bool is_located = operation.index != Index{};
      switch (operation.outcome) {
        case Outcome::failed:
          if (is_located) {
            return {HistoryVerdict::violated, "took effect: " + describe(operation)};
          }
          break;
        case Outcome::ok:
          if (!is_located) return {HistoryVerdict::unknown, "no index: " + describe(operation)};
          by_index_.push_back(&operation);
          break;
        case Outcome::unknown:
          if (operation.kind == OperationKind::read) break;
          if (is_located) {
            by_index_.push_back(&operation);
          } else {
            lost_[{operation.key, operation.written}].push_back(&operation);
          }
          break;
      }
    }
    std::sort(by_index_.begin(), by_index_.end(),
              [](const Operation* a, const Operation* b) { return place_of(*a) < place_of(*b); });
    return {};
  }

  HistoryVerdict perform(const Operation& operation) {
    if (operation.kind != OperationKind::read) {
      if (operation.index == last_write_) {
        return {HistoryVerdict::violated, "the index of another write: " + describe(operation)};
      }
      last_write_ = operation.index;
    }
    const bool looks = operation.kind != OperationKind::write;
    if (looks && !reach(operation.key, operation.seen)) {
      return {HistoryVerdict::violated, "in the order of the indexes, " + operation.key + " is " +
                                            describe(registers_[operation.key]) + " at " +
                                            describe(operation)};
    }
    enter(operation);
    return {};
  }

  // Whether the register holds the value, perhaps by operations of unknown place. Just before they
  // are seen is the best place for them: any earlier one is also open to them, but agrees with the
  // returns of fewer operations.
  bool reach(const Bytes& key, const Value& value) {
    if (registers_[key] == value) return true;
    const auto found = lost_.find({key, value});
    if (found == lost_.end() || found->second.empty()) return false;
    // Of several that fit, the first called may stand first.
    const auto fits = [&](const Operation* operation) {
      return operation->kind == OperationKind::write || operation->seen == registers_[key];
    };
    std::vector<const Operation*>& candidates = found->second;
    auto chosen = std::find_if(candidates.begin(), candidates.end(), fits);
    if (chosen == candidates.end()) chosen = candidates.begin();
    const Operation& lost = **chosen;
    candidates.erase(chosen);
    if (lost.kind == OperationKind::update && !reach(key, lost.seen)) return false;
    enter(lost);
    return true;
  }

  void enter(const Operation& operation) {
    if (operation.kind != OperationKind::read) registers_[operation.key] = operation.written;
    order_.push_back(&operation);
  }

  // From the back: nothing may stand before what had returned when it was called.
  HistoryVerdict check_real_time() const {
    const Operation* first_to_return = nullptr;
    for (auto at = order_.rbegin(); at != order_.rend(); ++at) {
      const Operation& operation = **at;
      if (first_to_return && first_to_return->returned < operation.called) {
        return {HistoryVerdict::violated, "the order of the indexes is not that of time:\n  " +
                                              describe(operation) + "\n  stands before\n  " +
                                              describe(*first_to_return)};
      }
      if (!first_to_return || operation.returned < first_to_return->returned) {
        first_to_return = &operation;
      }
    }
    return {};
  }

  std::vector<const Operation*> by_index_;
  /// Writes of unknown outcome and place, by what they may have written where.
  std::map<std::pair<Bytes, Value>, std::vector<const Operation*>> lost_;

  std::map<Bytes, Value> registers_;
  Index last_write_;
  std::vector<const Operation*> order_;
};

}  // namespace

HistoryVerdict check_by_witness(const History& history) { return Witness().check(history); }

}  // namespace raft::sim
