#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "sim/linearizability.hpp"
#include "sim/register_search.hpp"

namespace raft::sim {
namespace {

/// What is asked of an order.
struct Claim {
  const Operation* operation;
  bool looks;  ///< It takes effect on what it saw only.
};
/// Of one key, in the order of their calls.
using Claims = std::vector<Claim>;

bool writes(const Operation& operation) { return operation.kind != OperationKind::read; }

// Whether it says anything about the register. A failed one never took effect, an unanswered read
// saw nothing that is known, and a write of unknown outcome whose value nobody saw can as well be
// left out: whoever came after it saw something newer.
bool matters(const Operation& operation, const std::set<Value>& seen) {
  switch (operation.outcome) {
    case Outcome::ok:
      return true;
    case Outcome::failed:
      return false;
    case Outcome::unknown:
      return writes(operation) && seen.count(operation.written) > 0;
  }
  return true;
}

class Numbers {
 public:
  std::uint32_t of(const Value& value) {
    return numbers_.emplace(value, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }

 private:
  std::map<Value, std::uint32_t> numbers_{{std::nullopt, 0}};
};

OrderFound find_order(const Claims& claims, std::size_t steps_max) {
  std::set<Value> seen;
  for (const Claim& claim : claims) {
    if (claim.looks) seen.insert(claim.operation->seen);
  }
  Numbers numbers;
  std::vector<RegisterOperation> searched;
  for (const auto& [operation, looks] : claims) {
    if (!matters(*operation, seen)) continue;
    RegisterOperation& next = searched.emplace_back();
    if (looks) next.sees = numbers.of(operation->seen);
    if (writes(*operation)) next.writes = numbers.of(operation->written);
    next.is_required = operation->outcome == Outcome::ok;
    next.called = operation->called;
    next.returned = operation->returned;
  }
  return find_order(searched, steps_max);
}

// Without claims [first, last) and whatever saw what they wrote: if all the others have no order,
// then neither have all together.
Claims without(const Claims& claims, std::size_t first, std::size_t last) {
  std::set<Value> gone;
  std::vector<bool> keeps(claims.size(), true);
  for (bool again = true; again;) {
    again = false;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      const auto& [operation, looks] = claims[i];
      const bool is_chosen = first <= i && i < last;
      const bool sees_gone = looks && gone.count(operation->seen) > 0;
      if (!keeps[i] || (!is_chosen && !sees_gone)) continue;
      keeps[i] = false;
      if (writes(*operation)) again = gone.insert(operation->written).second || again;
    }
  }
  Claims rest;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    if (keeps[i]) rest.push_back(claims[i]);
  }
  return rest;
}

// The same, but what the updates among [first, last) saw does not count.
Claims with_blind(Claims claims, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    if (writes(*claims[i].operation)) claims[i].looks = false;
  }
  return claims;
}

// Takes away whatever is not needed for the violation: large parts first, single claims last.
Claims smallest_violation(Claims claims, std::size_t steps_max) {
  const auto is_violation = [steps_max](const Claims& fewer) {
    return find_order(fewer, steps_max) == OrderFound::no;
  };
  for (std::size_t part = claims.size() / 2; part > 0; part /= 2) {
    for (std::size_t first = 0; first < claims.size();) {
      const std::size_t last = std::min(first + part, claims.size());
      if (Claims rest = without(claims, first, last); is_violation(rest)) {
        claims = std::move(rest);
        continue;
      }
      if (Claims blind = with_blind(claims, first, last); is_violation(blind)) {
        claims = std::move(blind);
      }
      first = last;
    }
  }
  return claims;
}

// A value may come from an operation that was said to have failed.
bool is_seen_failure(const Operation& operation, const Claims& violation) {
  return operation.outcome == Outcome::failed && writes(operation) &&
         std::any_of(violation.begin(), violation.end(), [&](const Claim& claim) {
           return claim.looks && claim.operation->seen == operation.written;
         });
}

std::string explain(const Bytes& key, const Claims& claims, std::size_t steps_max) {
  std::string why = "no order of these operations on " + key + " explains what they saw:";
  const Claims violation = smallest_violation(claims, steps_max);
  for (const Claim& claim : claims) {
    const bool is_part = std::any_of(violation.begin(), violation.end(), [&](const Claim& part) {
      return part.operation == claim.operation;
    });
    if (is_part || is_seen_failure(*claim.operation, violation)) {
      why += "\n  " + describe(*claim.operation);
    }
  }
  return why;
}

}  // namespace

HistoryVerdict check_by_search(const History& history, std::size_t steps_max) {
  std::map<Bytes, Claims> keys;
  for (const Operation& operation : history.operations()) {
    keys[operation.key].push_back({&operation, operation.kind != OperationKind::write});
  }
  HistoryVerdict verdict;
  for (const auto& [key, claims] : keys) {
    switch (find_order(claims, steps_max)) {
      case OrderFound::yes:
        break;
      case OrderFound::no:
        return {HistoryVerdict::violated, explain(key, claims, steps_max)};
      case OrderFound::unknown:
        // A violation of another key is worth more.
        if (!verdict.why.empty()) verdict.why += "\n";
        verdict.kind = HistoryVerdict::unknown;
        verdict.why += "no order of the " + std::to_string(claims.size()) + " operations on " +
                       key + " found in " + std::to_string(steps_max) + " steps";
        break;
    }
  }
  return verdict;
}

}  // namespace raft::sim
