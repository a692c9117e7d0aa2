// What must hold across all nodes after every step, kept by an observer that no node ever sees.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/core.hpp"
#include "core/model_disk.hpp"

namespace raft::test {

/// An invariant is broken; the text begins with its id.
struct Violation : std::logic_error {
  using std::logic_error::logic_error;
};

/// What the observer sees of one node.
struct NodeView {
  NodeId id;
  InstanceId instance;
  const ModelDisk* disk;
  const core::Core* core;  ///< Null while it is down.
};

/// Throws Violation at the first step that breaks an invariant. The ids are those of the list in
/// docs/testing.md: E election, L log, C commit, T messages, D durability, R reads.
class Safety {
 public:
  /// A message leaves: everything it claims must be on its sender's disk (D2, E2, E3, E4, T2, T7).
  void leaves(const NodeView& sender, const NodeView* receiver, const Message& message);
  /// A batch is about to become durable (L1, L4, L6).
  void writes(const NodeView& node, const PersistWork& work);
  /// An entry reaches a state machine (C5, C6).
  void applies(NodeId node, const Entry& entry);
  /// A read is asked for; it may join others under one ticket.
  void asks_read(NodeId node, std::uint64_t ticket);
  /// Its answer (R1).
  void answers_read(NodeId node, std::uint64_t ticket, Index index) const;
  /// A node came back: its promises must have (D3, E5).
  void restarts(const NodeView& node) const;
  /// Its disk was wiped: it owes nothing under its next instance.
  void forgets(NodeId node);
  /// After every step, over all nodes (E1, E7, E8, L7, C1, C2, M2 and what the disk must equal).
  void check(const std::vector<NodeView>& nodes);

  Index committed() const { return committed_; }

 private:
  struct Seen {
    EntryId prev;
    EntryPtr entry;
  };

  void sees(EntryId prev, const EntryPtr& entry);
  void check_vote(const NodeView& voter, Term term, NodeId candidate);
  void check_append(const NodeView& sender, const AppendRequest& request) const;
  void check_accepted(const NodeView& sender, const NodeView* leader, const Message& message) const;
  void check_new_leader(const NodeView& node);
  void check_commit(const NodeView& node, const std::vector<NodeView>& nodes);
  void check_electable(const NodeView& node, const std::vector<NodeView>& nodes) const;
  void check_disk(const NodeView& node) const;

  std::map<Term, NodeId> leaders_;
  std::map<std::pair<Term, NodeId>, NodeId> votes_;
  std::map<EntryId, Seen> entries_;  ///< Every entry that ever existed.
  std::map<Index, EntryId> chosen_;  ///< The committed sequence, as far as it was witnessed.
  Index committed_;
  std::map<NodeId, Index> commits_;  ///< What each node's commit index was.
  std::map<NodeId, Term> promised_;
  std::map<std::pair<NodeId, std::uint64_t>, Index> reads_;  ///< committed_ when asked.
};

}  // namespace raft::test
