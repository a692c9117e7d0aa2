// What must be true of a whole cluster, checked from outside after every single event. The letters
// are those of the invariants in docs/testing.md: E election, L log, C commit, D durability.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <libraft/request.hpp>
#include "core/core.hpp"
#include "protocol/durable.hpp"
#include "protocol/message.hpp"
#include "replica/register_machine.hpp"

namespace raft::test {

/// What a node has synced: all that it may claim.
struct OnDisk {
  Term term;
  NodeId vote;
  Index last;

  void took(const PersistWork& work);
};

/// Sees every node, and remembers what nodes forget. The first violation stays.
class Truth final : public MachineWitness {
 public:
  void violated(std::string what);
  const std::optional<std::string>& violation() const { return violation_; }

  // --- replicas ---
  /// `entries`: all of the log above its base, as the disk gave them back.
  void life_begins(NodeId node, const core::Core& core, const std::vector<EntryPtr>& entries);
  void observe(NodeId node, const core::Core& core);
  void sends(NodeId node, const Message& message, const OnDisk& disk);
  /// The node's disk is gone for good, and its id may come back with an empty one.
  void forget(NodeId node);

  // --- machines ---
  void executed(const Operation& operation, const RegisterState& state, bool again) override;
  void restored(const RegisterState& state) override;
  void unreadable(const char* what) override { violated(std::string("unreadable ") + what); }

  // --- clients ---
  void acknowledged(std::uint64_t operation, const Applied& applied);
  /// The proposal was refused or dropped: its operation is never to be seen.
  void never(std::uint64_t operation);
  /// What a read that begins now has to see at least (D9): everything that any client was told.
  Index witness() const { return witness_; }
  /// A read that began with this witness has returned; `seen` is the last command it saw.
  void has_read(Index witness, Index seen);

  // --- at the end ---
  /// Everything acknowledged is in `state`, and nothing that was refused (D1, D7).
  void check_final(const RegisterState& state);

  Index committed() const { return committed_.empty() ? Index{} : committed_.rbegin()->first; }
  Term newest_term() const { return leaders_.empty() ? Term{} : leaders_.rbegin()->first; }
  /// The newest membership known to be committed.
  const LoggedMembership& membership() const { return membership_; }

 private:
  /// An entry, and the hash of the whole log up to it.
  struct Link {
    EntryPtr entry;
    std::uint64_t chain = 0;
  };
  struct Place {
    Term term;
    std::uint64_t chain = 0;

    bool operator==(const Place&) const = default;
  };
  /// A node's log as last seen; that of a node that is down stays.
  struct View {
    EntryId base;
    std::uint64_t base_chain = 0;
    std::vector<Link> links;  ///< From base.index + 1 on.
    Index commit;
    Index stable;
    Term term;

    Index last() const { return {base.index.value + links.size()}; }
    std::optional<Place> at(Index index) const;
  };

  void move_base(NodeId node, View& view, EntryId base);
  void follow_log(NodeId node, View& view, const core::Log& log);
  void append(NodeId node, View& view, EntryPtr entry);
  void follow_commit(NodeId node, View& view, const core::Core& core);
  void check_holders(const View& leader, const Membership& membership);
  bool holds(NodeId node, Index index) const;

  std::optional<std::string> violation_;
  std::map<NodeId, View> views_;
  std::map<Term, NodeId> leaders_;
  std::map<std::pair<NodeId, Term>, NodeId> votes_;
  std::map<NodeId, Term> promised_;  ///< The highest term that a node ever spoke in.
  std::map<EntryId, std::uint64_t> chains_;  ///< Of every entry that ever was in any log.
  std::map<Index, Place> committed_;
  LoggedMembership membership_;

  std::map<Index, std::uint64_t> hashes_;  ///< Of machines behind each command.
  std::map<std::uint64_t, OperationReply> replies_;
  std::set<std::uint64_t> acknowledged_;
  std::set<std::uint64_t> never_;
  Index witness_;
};

}  // namespace raft::test
