// What a cluster owes its users once the faults have stopped (V1 to V9), each within its bound.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "sim/calls.hpp"
#include "sim/clients.hpp"
#include "sim/nemesis.hpp"
#include "sim/operator.hpp"
#include "sim/world.hpp"

namespace raft::sim {

/// Either everybody comes back, or only a core does: nodes with their data that are a majority of
/// each half of every membership that may be in force. The others then stay dead, cut off or
/// misbehave for good, and the core is judged alone.
class Liveness {
 public:
  struct Parts {
    World& world;
    Operator& its_operator;
    Clients& clients;
    Calls& calls;
    Nemesis& nemesis;
  };

  explicit Liveness(const Parts& parts);

  /// Lets the faults stop and asks for everything in its order. Ends at the first violation.
  void judge();
  bool was_core_alone() const { return was_core_alone_; }

  // --- one by one; everybody who is judged has converged before those of the second part ---
  void elects();        ///< V1: somebody leads.
  void commits_soon();  ///< V2, with whoever is near enough.
  void converges();     ///< V4, V5: all have the same, nothing is half done.
  void commits();       ///< V2: what is proposed is soon everywhere.
  void stays_calm();    ///< V1: no further term.
  void has_answered();  ///< V3: nobody waits.

  void hands_over();       ///< V6: a transfer ends, and does not stand in the way.
  void isolates_one();     ///< V7: who is cut off, in whole or in part, unseats nobody.
  void cuts_leader();      ///< V8: a leader without a majority steps down and accepts nothing.
  void idles();            ///< V9: nothing to do, and nothing done.
  void takes_snapshots();  ///< D8: all make the same one.

 private:
  bool choose_core();
  bool is_fit(NodeId id) const;
  std::vector<Membership> memberships() const;
  bool is_quorum(const std::set<NodeId>& nodes) const;
  void strike(NodeId id);
  void cut_off(NodeId id);
  void settle();
  void bring_up();
  void bring_back_all();
  bool has_leader() const;
  bool has_converged() const;
  std::string what_is_open() const;
  /// Everybody, or those of the core who still are members.
  std::vector<NodeId> judged() const;
  /// Somebody of them who does not lead, and whom the others can spare; 0: nobody.
  NodeId follower();
  std::uint64_t news() const;
  void require(bool is_so, const char* invariant, const std::string& what);
  bool has_failed() const { return world_.checkers().violation().has_value(); }
  bool chance(std::uint64_t percent) { return random_.between(0, 100) < percent; }

  World& world_;
  Operator& operator_;
  Clients& clients_;
  Calls& calls_;
  Nemesis& nemesis_;
  core::Random random_;
  const Duration timeout_;  ///< T.
  std::set<NodeId> core_;   ///< Empty: everybody comes back.
  std::set<NodeId> rest_;
  bool was_core_alone_ = false;
};

}  // namespace raft::sim
