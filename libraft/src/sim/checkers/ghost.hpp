// All that the checkers know and no node ever sees: plain state, changed by the checks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <libraft/status.hpp>
#include "core/core.hpp"
#include "protocol/message.hpp"
#include "replica/ports.hpp"
#include "sim/checkers/committed_log.hpp"
#include "sim/checkers/disk_view.hpp"
#include "sim/checkers/followed_log.hpp"
#include "sim/checkers/report.hpp"

namespace raft::sim {

/// What one look at a core shows. The checks compare it with the look before.
struct Sight {
  Term term;
  NodeId vote;
  RoleNow role = RoleNow::follower;
  NodeId leader;
  bool leader_lost = false;
  Index commit;
  Index applied;
  Index handed_out;
  Instant clock{};      ///< The latest that it was told.
  Instant deadline{};   ///< For its next election.
  Index term_start;     ///< Of a leader: its no-op.
  ReadRound begun;      ///< Of a leader: the newest read round,
  ReadRound confirmed;  ///< and the newest of those that ended well.

  bool leads() const { return role == RoleNow::leader; }
};

Sight look_at(const core::Core& core);

/// One node, through all of its lives.
struct WatchedNode {
  NodeId id;
  InstanceId instance;
  const core::Core* core = nullptr;  ///< Null while it is down, as is the storage.
  const replica::Storage* storage = nullptr;
  const DiskView* disk = nullptr;  ///< Null before the first life, and once forgotten.
  std::uint64_t disk_version = 0;
  EntryId disk_last;

  // As of the last look.
  FollowedLog log;  ///< Stays while the node is down.
  Sight seen;
  MembershipPtr in_force;

  /// What it said to others, and must stand by in all later lives.
  struct Promises {
    Term term;
    std::map<Term, NodeId> votes;
    EntryId acknowledged;  ///< The term of the newest acknowledgement, and its match.
  } promises;
  bool disk_failed = false;  ///< And the node knows; until the end of this life.

  /// Its promises of these lives are void: the directory was lost or rolled back.
  std::optional<InstanceId> forgotten;
  Index forgotten_upto;  ///< Nothing above was in any log then.

  /// As a follower, by its own clock.
  std::optional<Instant> leader_heard;
  Duration timeout_drawn{0};  ///< For its election timer,
  int timeout_repeats = 0;    ///< and how often before just the same.
  Instant lease_promised_until{};
  struct LeaseAnswer {
    Term term;
    PeerSession session;
    ReadRound round;
    Duration asked;
  };
  std::map<NodeId, LeaseAnswer> lease_asked;
  /// By who asked, and for which term: whether the pre-vote could be granted when it was asked for.
  std::map<std::pair<NodeId, Term>, bool> pre_votes;

  /// As a leader of the present term.
  std::map<NodeId, Instant> heard;     ///< When each peer last answered within its session.
  std::map<NodeId, ReadRound> rounds;  ///< The newest that each peer has confirmed.
  ReadRound round_sent;
  std::optional<Instant> unheard_since;  ///< No majority has answered for an election timeout.

  struct Traffic {
    std::uint64_t owed = 0;      ///< Requests that are not answered yet.
    std::uint64_t sent = 0;      ///< In this step.
    std::uint64_t answered = 0;  ///< Of these, answers.
    std::uint64_t received = 0;
    std::uint64_t news = 0;  ///< In all: what was more than a heartbeat or its answer.
  };
  std::map<NodeId, Traffic> traffic;
  bool has_traffic = false;             ///< In this step.
  std::set<std::uint64_t> reads_asked;  ///< Sequences of its read requests in this life.

  Index machine;                    ///< Up to where its machine is.
  std::optional<Index> restorable;  ///< What a power cut leaves of the machine, if it was told.

  bool is_forgotten() const { return forgotten == instance; }
};

struct Ghost {
  Report report;
  std::map<NodeId, WatchedNode> nodes;
  CommittedLog committed;
  std::map<Term, NodeId> leaders;

  struct Known {
    std::uint64_t entry;
    std::uint64_t chain;
  };
  std::map<EntryId, Known> entries;  ///< Every entry that ever was in any log.
  Index longest;                     ///< The highest index among them.

  // Machines.
  struct Effect {
    std::uint64_t command;
    std::uint64_t reply;
  };
  std::map<Index, Effect> effects;
  std::map<std::uint64_t, Index> executed;  ///< Where each session's request took effect.
  std::map<Index, std::uint64_t> states;
  std::map<Index, std::uint64_t> metas;  ///< Sessions and memberships.
  /// Length and checksum: with everything that is replicated in them.
  std::map<EntryId, std::pair<std::uint64_t, std::uint32_t>> snapshots;

  // Clients.
  std::map<std::uint64_t, std::uint64_t> requests;  ///< The command of each.
  std::set<std::uint64_t> refused;                  ///< Commands that are never to be seen.
  /// How many requests have the same command: which of them took effect cannot be told.
  std::map<std::uint64_t, std::uint64_t> requests_of;
  std::uint64_t last_read = 0;
  std::map<std::uint64_t, Index> reads;  ///< Under way, with what was committed when they began.

  /// Snapshots offered: sender, term, session, last index; and how long they are.
  std::map<std::tuple<NodeId, Term, PeerSession, Index>, std::uint64_t> offers;
};

/// Whether the node's disk holds the entry, or held it in a life that does not count any more.
bool is_held(const Ghost& ghost, NodeId node, EntryId id);

std::string node_name(NodeId node);

}  // namespace raft::sim
