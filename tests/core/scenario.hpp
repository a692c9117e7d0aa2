// What scenario tests share besides the harness: variants of one scenario, and short words.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "core/cluster.hpp"

namespace raft::test {

using core::NoteKind;
using namespace std::chrono_literals;

/// The circumstances under which one scenario is played.
struct Variant {
  std::string name;
  bool drops = false;  ///< One message in ten is lost and one in ten delivered twice.
  bool pre_vote = true;

  /// The same beginning under these circumstances.
  Setup apply(Setup setup = {}) const {
    setup.pre_vote = pre_vote;
    setup.drop_percent = drops ? 10 : 0;
    return setup;
  }
};

/// Plays a scenario in four variants. Where messages get lost nothing is prompt: a scenario waits
/// with run_until() for what it promises. Retries are the library's business, not the scenario's.
template <class Scenario>
void for_each_variant(Scenario scenario) {
  const std::vector<Variant> variants{{"plain", false, true},
                                      {"with drops", true, true},
                                      {"without pre-vote", false, false},
                                      {"with drops, without pre-vote", true, false}};
  for (const Variant& variant : variants) {
    INFO("variant: " << variant.name);
    scenario(variant);
  }
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
