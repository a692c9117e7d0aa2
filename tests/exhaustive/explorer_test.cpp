// Small scopes, explored to their end, and wrong disks, which must be found.
#include "exhaustive/explorer.hpp"

#include <catch2/catch.hpp>
#include <cstdio>

#include "exhaustive/command_line.hpp"

namespace raft::exhaustive {
namespace {

/// Every order of everything; raft-explore itself has the other defaults.
const std::string every_order =
    "--start fresh --order any --writes later --reduce off --pre-vote on --check-quorum on "
    "--ticks 1 --timeouts 2 --timeouts-of-all 3 ";

Bounds bounds_of(const std::string& options) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < options.size();) {
    const std::size_t end = std::min(options.find(' ', at), options.size());
    words.push_back(options.substr(at, end - at));
    at = end + 1;
  }
  const std::optional<Bounds> bounds = parse(words);
  REQUIRE(bounds);
  return *bounds;
}

/// Prints how much there was, so that a scope that has shrunk to nothing is noticed.
Report explore(const Bounds& bounds) {
  const Report report = Explorer(bounds).run();
  std::printf("%8zu states %9zu transitions, depth %2zu: %s\n", report.progress.states,
              report.progress.transitions, report.progress.depth, to_command(bounds).c_str());
  return report;
}

void explore_all(const std::string& options, std::size_t states_min) {
  const Bounds bounds = bounds_of(options);
  INFO(to_command(bounds));
  const Report report = explore(bounds);
  for (const std::string& line : report.path) UNSCOPED_INFO(line);
  CHECK(report.violation.value_or("nothing") == "nothing");
  CHECK(report.is_complete);
  CHECK(report.progress.states >= states_min);
  CHECK(report.progress.compared > report.progress.reactions / 4);
}

/// The id of the rule that is broken within these bounds.
std::string finds(const std::string& options) {
  const Report report = explore(bounds_of(options));
  if (!report.violation) return "nothing";
  CHECK_FALSE(report.path.empty());
  return report.violation->substr(0, report.violation->find(':'));
}

}  // namespace

// Any order of messages in an election that is broken: a vote counted twice, for another term, or
// from a leader that holds on to its own.
TEST_CASE("elections elect one leader in any interleaving", "[exhaustive][election]") {
  explore_all(
      every_order +
          "--proposals 1 --crashes 0 --changes 0 --ticks 0 --timeouts 1 --timeouts-of-all 1",
      15'000);
  explore_all(
      every_order +
          "--proposals 0 --crashes 0 --changes 0 --ticks 0 --timeouts 1 --timeouts-of-all 2 "
          "--pre-vote off --check-quorum off",
      30'000);
}

// An entry that is committed and lost: by an election between a write and its sync, by an answer of
// an earlier life, by a vote that a crash took back.
TEST_CASE("what is committed survives a crash and an election", "[exhaustive][commit][crash]") {
  explore_all(
      every_order +
          "--start led --order sent --proposals 1 --crashes 1 --changes 0 --ticks 0 --timeouts 1 "
          "--timeouts-of-all 1 --pre-vote off --check-quorum off",
      200'000);
  explore_all(
      every_order +
          "--start led --order sent --proposals 1 --crashes 0 --changes 0 --ticks 1 --timeouts 1 "
          "--timeouts-of-all 1",
      30'000);
}

// Two majorities that do not meet: while a membership is joint, rolled back or seen by some only.
TEST_CASE("a change of membership meets a crash and an election", "[exhaustive][membership]") {
  explore_all(
      every_order +
          "--start led --order sent --proposals 0 --crashes 1 --changes 1 --ticks 0 --timeouts 1 "
          "--timeouts-of-all 1 --pre-vote off --check-quorum off",
      150'000);
  explore_all(
      every_order +
          "--start led --order any --proposals 0 --crashes 0 --changes 1 --change demote --ticks 0 "
          "--timeouts 1 --timeouts-of-all 1",
      15'000);
}

// A transfer that elects a node without all entries, or two leaders.
TEST_CASE("a transfer of leadership meets a proposal", "[exhaustive][transfer]") {
  explore_all(
      every_order +
          "--start led --order any --proposals 1 --crashes 0 --changes 0 --transfers 1 --ticks 0 "
          "--timeouts 0 --timeouts-of-all 0",
      4'000);
}

// What raft-explore does with more timeouts and a longer log: everything at once.
TEST_CASE("proposals, a crash, a change and an election meet", "[exhaustive][reduced]") {
  explore_all("--proposals 1 --crashes 1 --changes 1 --timeouts-of-all 1", 100'000);
}

// An order of steps that is taken for another one although it leads elsewhere: then some node would
// never get into a state that it can get into.
TEST_CASE("one order of independent steps leads every node as far as all do",
          "[exhaustive][reduced]") {
  for (const std::string scope :
       {"--proposals 0 --crashes 0 --changes 0 --timeouts-of-all 3",
        "--proposals 1 --crashes 1 --changes 0 --timeouts-of-all 1",
        "--proposals 0 --crashes 1 --changes 1 --timeouts-of-all 1",
        "--proposals 0 --crashes 0 --changes 1 --ticks 1 --timeouts-of-all 1",
        "--proposals 0 --crashes 0 --changes 0 --transfers 1 --timeouts-of-all 1",
        "--proposals 0 --crashes 0 --changes 1 --change add --timeouts-of-all 1",
        "--proposals 1 --crashes 0 --changes 0 --timeouts-of-all 1 --writes later",
        "--proposals 1 --crashes 0 --changes 0 --timeouts-of-all 1 --pre-vote on --check-quorum on",
        "--proposals 0 --crashes 0 --changes 0 --timeouts-of-all 2 --start fresh --pre-vote on"}) {
    const Report one = explore(bounds_of(scope));
    const Report all = explore(bounds_of(scope + " --reduce off"));
    CHECK(one.is_complete);
    CHECK(all.is_complete);
    CHECK(one.progress.states < all.progress.states);
    CHECK(one.progress.node_states == all.progress.node_states);
    CHECK(one.progress.node_states_sum == all.progress.node_states_sum);
  }
}

// Would the exploration find a bug? Each of these disks breaks a promise on which Raft rests, and
// does it in few of many runs.
TEST_CASE("a disk that breaks its promise is found", "[exhaustive][broken]") {
  SECTION("it confirms a write before it is made") {
    CHECK(finds(every_order +
                "--disk confirms-early --proposals 0 --crashes 0 --changes 0 --timeouts 1") ==
          "E4");
  }
  SECTION("a power cut takes a vote that it had synced") {
    CHECK(finds(every_order +
                "--disk forgets-votes --proposals 0 --crashes 1 --changes 0 --timeouts 1 "
                "--timeouts-of-all 2 --pre-vote off --check-quorum off") == "E2");
  }
  SECTION("a power cut takes an entry that it had synced") {
    CHECK(finds(every_order +
                "--disk forgets-entries --start led --proposals 1 --crashes 1 --changes 0 "
                "--timeouts 0 --ticks 0") == "C2");
  }
  SECTION("of the orders of steps only one is tried") {
    CHECK(finds("--disk confirms-early --writes later --start fresh --proposals 0 --crashes 0 "
                "--changes 0") == "E4");
    CHECK(finds("--disk forgets-votes --proposals 0 --crashes 1 --changes 0 "
                "--timeouts-of-all 2") == "E2");
    CHECK(finds("--disk forgets-entries --proposals 1 --crashes 1 "
                "--changes 0 --timeouts-of-all 1") != "nothing");
  }
}

// A path that cannot be walked again, or is longer than needed, helps nobody.
TEST_CASE("a violation comes with the shortest way there", "[exhaustive][broken]") {
  const Report report =
      explore(bounds_of(every_order +
                        "--disk forgets-votes --proposals 0 --crashes 1 --changes 0 --timeouts 1 "
                        "--timeouts-of-all 2 --pre-vote off --check-quorum off"));
  for (const std::string& line : report.path) UNSCOPED_INFO(line);
  // Node 1 campaigns and crashes, node 2 campaigns, and its request arrives: a step and a batch
  // each, and the crash.
  CHECK(report.path.size() == 7);
  CHECK(report.path.back() == "node 1: 1 of 1 batches reach the disk");
}

// A state that is taken for another one is never explored.
TEST_CASE("fingerprints that differ in one bit are kept apart", "[exhaustive]") {
  FingerprintSet seen;
  const auto fingerprint = [](std::uint64_t i) {
    Fingerprinter fingerprinter;
    fingerprinter.add(i);
    return fingerprinter.finish().low;
  };
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const std::uint64_t one = fingerprint(i);
    REQUIRE(seen.insert(one));
    REQUIRE(seen.insert(one ^ 1));
    REQUIRE(seen.insert(one ^ std::uint64_t{1} << 63));
  }
  for (std::uint64_t i = 0; i < 100'000; ++i) REQUIRE_FALSE(seen.insert(fingerprint(i)));
  REQUIRE(seen.size() == 300'000);
}

// An option that is misread explores something else than the command says.
TEST_CASE("a printed command explores the same again", "[exhaustive]") {
  const Bounds bounds = bounds_of("--nodes 2 --order sent --change replace --disk forgets-votes");
  const std::string command = to_command(bounds);
  CHECK(to_command(bounds_of(command.substr(command.find(' ') + 1))) == command);
  CHECK_FALSE(parse({"--proposals"}));
  CHECK_FALSE(parse({"--proposals", "9"}));
  CHECK_FALSE(parse({"--order", "random"}));
  CHECK_FALSE(parse({"--surprise", "1"}));
  CHECK_FALSE(parse({"--nodes", "4", "--change", "add"}));
  CHECK_FALSE(parse({"--reduce", "on", "--order", "any"}));
  CHECK_FALSE(parse({"--reduce", "on", "--crashes", "2"}));
}

// A search that was cut off and passes for one that found nothing.
TEST_CASE("an exploration that is stopped is not complete", "[exhaustive]") {
  const Report report = Explorer(Bounds{}).run(100, [](const Progress&) { return false; });
  CHECK_FALSE(report.is_complete);
  CHECK_FALSE(report.violation);
  CHECK(report.progress.waiting > 0);
}

}  // namespace raft::exhaustive
