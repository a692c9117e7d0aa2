// All invariants of the protocol that can be seen from outside, checked after every step against
// what no node ever sees. Their ids are those of docs/testing.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <libraft/membership.hpp>
#include "core/core.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"
#include "replica/ports.hpp"
#include "sim/checkers/disk_view.hpp"
#include "sim/checkers/ghost.hpp"
#include "sim/checkers/receipts.hpp"
#include "sim/checkers/report.hpp"

namespace raft::sim {

/// Told of everything that happens, in the order in which it happens. The first violation stays,
/// and what is told after it means nothing. Each call costs time in proportion to what has changed.
class Checkers {
 public:
  const std::optional<Violation>& violation() const { return ghost_.report.first(); }
  void violated(std::string_view invariant, std::string what) {
    ghost_.report.violated(invariant, std::move(what));
  }

  // --- nodes ---
  /// A live node. Core and storage stay where they are until life_ended(), the disk longer: until
  /// forget() and a life on another one.
  struct View {
    NodeId node;
    const core::Core& core;
    const DiskView& disk;
    const replica::Storage& storage;  ///< Reads entries that have left the memory.
  };
  /// Behind recovery, and DiskView::recovered(), before anything else happens to the core. `now` is
  /// true time, for the report.
  void life_begins(const View& view, Duration now);
  /// Before the core is destroyed.
  void life_ended(NodeId node);
  /// Around each Core::receive().
  void before_receive(const View& view, const Message& message);
  void after_receive(const View& view, const Message& message);
  /// After each event of that node, behind its pump, before anyone is told of what came of it.
  void after_step(const View& view, Duration now);
  /// How many callers wait at that node.
  void waiting(const View& view, std::size_t proposals, std::size_t reads);
  /// As it leaves, before it can arrive anywhere.
  void sends(const View& view, const Message& message);
  void sends(const View& view, const ServiceMessage& message);
  /// Its directory is lost, or was replaced by an older one: what it promised is void, and under
  /// this instance it counts nowhere any more. Called while it is down.
  void forget(NodeId node);
  /// A sync failed and the node was told: it has nothing to say any more in this life.
  void disk_failed(NodeId node);

  // --- snapshots; optional, each makes more visible ---
  /// A power cut would leave the machine at this index at least: its newest complete and synced
  /// snapshot, or what a durable machine has flushed.
  void restorable(NodeId node, Index index);
  /// A power cut would leave this finished snapshot on its disk. Absent: it is not complete.
  void snapshot_file(NodeId node, const std::optional<SnapshotInfo>& found);
  /// A received snapshot is complete: so many bytes with this CRC32C lie in the file.
  void received(NodeId node, const SnapshotInfo& announced, std::uint64_t bytes, std::uint32_t crc);

  // --- machines ---
  /// The user's machine was given a command and has replied. Hashes are the caller's own.
  void applied(NodeId node, Index index, std::uint64_t command_hash, std::uint64_t reply_hash);
  /// A digest of its whole state, behind the command at the index.
  void state(NodeId node, Index index, std::uint64_t digest);
  /// A digest of what is replicated beside it, sessions and membership, behind the same entry.
  void meta(NodeId node, Index index, std::uint64_t digest);
  /// It was restored to the state that some machine had at the index.
  void restored(NodeId node, Index index, std::uint64_t digest);

  // --- clients ---
  /// Before its first try. A request is what a user wants once; its tries are the same command.
  void proposed(std::uint64_t request, const Command& command);
  /// `reply_hash` as in applied().
  void acknowledged(std::uint64_t request, EntryId id, std::uint64_t reply_hash);
  /// Every try was refused as certainly not applied, and there will be no more.
  void refused_for_good(std::uint64_t request);

  /// A client's linearizable read. Each ends once.
  struct ReadToken {
    std::uint64_t number = 0;
  };
  ReadToken read_invoked();
  /// The node's machine was looked at with all commands up to `applied` in it. `read_index` is what
  /// the core granted.
  void read_served(NodeId node, ReadToken read, Index applied, Index read_index);
  void read_failed(ReadToken read);

  // --- at the end, with nothing under way ---
  void check_final();

  // --- what is true ---
  const CommittedLog& log() const { return ghost_.committed; }
  Index committed() const { return ghost_.committed.last(); }
  /// The newest leader; 0 before the first.
  NodeId newest_leader() const;
  Term newest_term() const;
  /// How many messages other than heartbeats one has sent to the other, in all lives.
  std::uint64_t news(NodeId from, NodeId to) const;
  /// The newest committed membership; index 0 and null before the first.
  LoggedMembership membership() const { return ghost_.committed.membership(); }
  bool was_member(NodeId id, InstanceId instance) const {
    return ghost_.committed.was_member(id, instance);
  }
  bool was_removed(NodeId id, InstanceId instance) const {
    return ghost_.committed.was_removed(id, instance);
  }

 private:
  WatchedNode& watched(NodeId node) { return ghost_.nodes.at(node); }
  WatchedNode& watched(const View& view);
  void observe(WatchedNode& node);
  void observe_disk(WatchedNode& node);
  /// Also what has happened in the middle of a step.
  void catch_up_to(Index index);

  Ghost ghost_;
  std::optional<Receipt> receipt_;
};

}  // namespace raft::sim
