// What scenario tests share besides the harness: variants of one scenario, and short words.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "core/cluster.hpp"

namespace raft::test {

using core::NoteKind;
using namespace std::chrono_literals;

/// How often a scenario is played with messages getting lost, others each time.
inline constexpr std::uint64_t lossy_runs = 20;

/// The circumstances under which one scenario is played.
struct Variant {
  std::string name;
  bool drops = false;  ///< One message in ten is lost and one in ten delivered twice.
  bool pre_vote = true;
  std::uint64_t seed = 1;

  /// The same beginning under these circumstances.
  Setup apply(Setup setup = {}) const {
    setup.pre_vote = pre_vote;
    setup.drop_percent = drops ? 10 : 0;
    setup.seed = seed;
    return setup;
  }
};

/// Plays a scenario in four variants; those in which messages get lost, with several seeds. Nothing
/// is prompt there: a scenario waits for what it promises with settle_until() or run_until().
/// Retries are the library's business, not the scenario's.
template <class Scenario>
void for_each_variant(Scenario scenario) {
  for (const bool pre_vote : {true, false}) {
    for (std::uint64_t seed = 0; seed <= lossy_runs; ++seed) {
      const bool drops = seed > 0;
      const std::string name = drops ? "with drops" : "plain";
      const Variant variant{pre_vote ? name : name + ", without pre-vote", drops, pre_vote,
                            std::max(seed, std::uint64_t{1})};
      INFO("variant: " << variant.name << ", seed " << variant.seed);
      scenario(variant);
    }
  }
}

/// Whether the node leads, and knows that all others but one hold what it holds.
inline bool has_replicated(const Cluster& cluster, NodeId id, NodeId but = {}) {
  const core::Leader* leader = cluster.core(id).leader_state();
  if (leader == nullptr || cluster.core(id).commit() < leader->term_start) return false;
  const Index last = cluster.core(id).log().last_index();
  return std::all_of(leader->peers.begin(), leader->peers.end(), [&](const auto& peer) {
    return peer.first == but ||
           (peer.second.match == last && peer.second.state == core::Progress::State::replicate);
  });
}

/// The node leads, and all others hold what it holds: scenarios begin here.
inline void lead(Cluster& cluster, NodeId id) {
  cluster.elect(id);
  REQUIRE(cluster.settle_until([&] { return has_replicated(cluster, id); }));
}

/// All messages from one to each of the others, and all their answers. None of them gets lost.
inline void exchange(Cluster& cluster, NodeId from, const std::vector<NodeId>& others) {
  for (const NodeId id : others) cluster.deliver(from, id);
  for (const NodeId id : others) cluster.deliver(id, from);
}

/// The node campaigns, and these elect it. Nothing that it sends as leader was delivered yet.
inline void win(Cluster& cluster, NodeId id, const std::vector<NodeId>& voters) {
  cluster.campaign(id);
  for (int round = 0; round < 2 && !cluster.core(id).is_leader(); ++round) {
    exchange(cluster, id, voters);
  }
  REQUIRE(cluster.core(id).is_leader());
}

inline Term term(std::uint64_t value) { return {value}; }
inline Index index(std::uint64_t value) { return {value}; }

/// The code with which an input was refused.
template <class T>
Errc refusal(const Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.code();
}

}  // namespace raft::test
