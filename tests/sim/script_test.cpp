// Runs as text: a script must mean the same run everywhere, or a failure that somebody sends
// cannot be seen by anyone else.
#include <catch2/catch.hpp>
#include <ostream>
#include <string>

#include <libraft/sim.hpp>
#include "sim/last_lines.hpp"
#include "sim/profile.hpp"
#include "sim/script.hpp"

namespace raft::sim {
namespace {

Options small() {
  Options options;
  options.nodes = 3;
  options.operations = 40;
  return options;
}

std::uint64_t hash_of(const std::string& script) {
  const auto summary = replay(script, {}, register_subject());
  REQUIRE(summary);
  return summary->trace_hash;
}

/// Fails as long as the schedule has both of two crashes.
std::string needs_two_crashes(const std::string& script) {
  const bool fails = script.find("crash 2 0 50") != std::string::npos &&
                     script.find("crash 3 0 50") != std::string::npos;
  return fails ? "C2" : "";
}

const std::string eleven_actions =
    "seed 3\nnodes 5\noperations 90\n"
    "0.100000 pause 1 0 20\n0.200000 crash 2 0 50\n0.300000 pause 2 0 20\n0.400000 heal 0 0 0\n"
    "0.500000 transfer 1 0 0\n0.600000 crash 1 0 50\n0.700000 crash 3 0 50\n0.800000 join 0 0 0\n"
    "0.900000 pause 4 0 20\n1.000000 wipe 3 0 0\n1.100000 stop 1 0 20\n";

}  // namespace

TEST_CASE("the script of a seed is that seed", "[sim][script]") {
  Options options = small();
  CHECK(hash_of(script_of(5, options)) == run(5, options, register_subject()).trace_hash);
  options.faults = {Fault::drop, Fault::pause};
  CHECK(hash_of(script_of(5, options)) == run(5, options, register_subject()).trace_hash);
}

// A script that was shrunk to no action at all must not be taken for a seed whose faults are drawn.
TEST_CASE("a calm script is not one that says nothing", "[sim][script]") {
  const std::string head = "seed 5\nnodes 3\noperations 200\n";
  CHECK(hash_of(head) == hash_of("# a comment\n" + head + "violates C2\n"));
  CHECK(hash_of(head) != hash_of(head + "calm\n"));
  const auto calm = script_from(head + "calm\n");
  REQUIRE(calm);
  CHECK(to_string(*calm) == head + "calm\n");
}

// Shrinking one fault away must not hand the others another fate.
TEST_CASE("a fault less leaves what the seed draws of the others", "[sim][script]") {
  Options one;
  one.faults = {Fault::drift};
  Options two;
  two.faults = {Fault::delay, Fault::drift};
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CHECK(draw_profile(seed, one).has(Fault::drift) == draw_profile(seed, two).has(Fault::drift));
  }
}

TEST_CASE("shrinking leaves what the failure needs and nothing else", "[sim][script]") {
  const auto shrunk = shrink(eleven_actions, needs_two_crashes);
  REQUIRE(shrunk);
  CHECK(*shrunk ==
        "seed 3\nnodes 1\noperations 0\nfaults\n"
        "0.200000 crash 2 0 50\n0.700000 crash 3 0 50\nviolates C2\n");
}

TEST_CASE("shrinking ends after as many runs as it may have", "[sim][script]") {
  std::uint64_t runs = 0;
  const auto shrunk = shrink(
      eleven_actions,
      [&](const std::string& script) {
        ++runs;
        return needs_two_crashes(script);
      },
      3);
  REQUIRE(shrunk);
  CHECK(runs == 4);
  CHECK(needs_two_crashes(*shrunk) == "C2");
  CHECK(shrunk->size() < eleven_actions.size());
}

TEST_CASE("what does not fail is not shrunk", "[sim][script]") {
  const auto shrunk = shrink("seed 1\n", [](const std::string&) { return std::string(); });
  REQUIRE(shrunk);
  CHECK(shrunk->empty());
  CHECK_FALSE(shrink("nonsense\n", needs_two_crashes));
}

TEST_CASE("of a long text the last lines are kept", "[sim][script]") {
  LastLines lines(2);
  std::ostream out(&lines);
  CHECK(lines.text().empty());
  out << "one\ntwo\nthr";
  CHECK(lines.text() == "two\nthr");
  out << "ee" << '\n';
  CHECK(lines.text() == "two\nthree\n");
}

}  // namespace raft::sim
