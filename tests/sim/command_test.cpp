// The command raft-sim: a simulated cluster may take its process down, and the campaign must say
// on which seed, go on, and remember what ran on what code.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>

#include "raft-sim/apart.hpp"
#include "raft-sim/attempt.hpp"
#include "raft-sim/record.hpp"
#include "util/assert.hpp"

namespace raft_sim {
namespace {

using raft::sim::Fault;
using raft::sim::Summary;

std::string all_of(Apart& process) {
  std::string all;
  for (std::string text = process.read(); !text.empty(); text = process.read()) all += text;
  return all;
}

Summary summary_of(std::uint64_t seeds, std::uint64_t drops) {
  Summary summary;
  summary.seeds = seeds;
  summary.simulated = std::chrono::hours(seeds);
  summary.hits[Fault::drop] = drops;
  return summary;
}

/// A file that is not there yet, and no more when the test is over.
struct TemporaryFile {
  TemporaryFile() { std::filesystem::remove(path); }
  ~TemporaryFile() { std::filesystem::remove(path); }
  const std::string path = "command_test.record";
};

}  // namespace

// Without it the lines just before an assertion, the ones to look at, would be those that are lost.
TEST_CASE("what a process wrote before it died is heard", "[sim][command]") {
  Apart process([](std::ostream& out) {
    out << "the last line\n";
    RAFT_ASSERT(out.fail(), "of all");
  });
  const std::string said = all_of(process);
  CHECK(said.starts_with("the last line\n"));
  CHECK(said.find("assertion failed: out.fail()") != std::string::npos);
  const int status = process.status();
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
}

TEST_CASE("a process that is no longer wanted is ended", "[sim][command]") {
  const Apart process([](std::ostream& out) {
    for (;;) out << "still there\n";
  });
  SUCCEED("the destructor comes back");
}

// The numbers of a run go through a pipe: one that gets lost there would be missing in every table.
TEST_CASE("a run in a process of its own gives what it gives here", "[sim][command]") {
  raft::sim::Options options;
  options.nodes = 3;
  options.operations = 40;
  const Summary here = raft::sim::run(4, options, raft::sim::register_subject());
  const Summary there = attempt(raft::sim::script_of(4, options));
  CHECK(there.trace_hash == here.trace_hash);
  CHECK(there.steps == here.steps);
  CHECK(there.operations_done == here.operations_done);
  CHECK(there.reads_done == here.reads_done);
  CHECK(there.elections == here.elections);
  CHECK(there.hits == here.hits);
  CHECK(there.violations.empty());
}

TEST_CASE("a script that is none is no violation", "[sim][command]") {
  CHECK_THROWS_WITH(attempt("seed 1\nnonsense\n"), Catch::Matchers::Contains("nonsense"));
}

// Ten thousand seeds of earlier code would else be taken for seeds of the present one.
TEST_CASE("a record keeps what ran under each label apart", "[sim][command]") {
  const TemporaryFile file;
  Record record;
  record.configuration = "5 nodes, 500 operations, all faults";
  record.next = 31;
  record.of("old") = summary_of(10, 7);
  record.of("old").violations.push_back({4, "C2", "two\nlines"});
  record.of("new").add(summary_of(20, 8));
  save(file.path, record);

  Record kept = load(file.path);
  CHECK(kept.configuration == record.configuration);
  CHECK(kept.next == 31);
  REQUIRE(kept.parts.size() == 2);
  CHECK(kept.parts.front().label == "old");
  REQUIRE(kept.of("old").violations.size() == 1);
  CHECK(kept.of("old").violations.front().seed == 4);
  CHECK(kept.of("old").violations.front().invariant == "C2");
  CHECK(kept.of("old").violations.front().what == "two lines");
  CHECK(kept.of("new").seeds == 20);
  CHECK(kept.of("new").hits[Fault::drop] == 8);
  CHECK(kept.of("new").violations.empty());
  CHECK(kept.total().seeds == 30);
  CHECK(kept.total().simulated == std::chrono::hours(30));
  CHECK(kept.total().hits[Fault::drop] == 15);
}

TEST_CASE("a record without labels is read as one of no label", "[sim][command]") {
  const TemporaryFile file;
  std::ofstream(file.path) << "next 101\nseeds 100\nfault 3 drop\nlabel 100 abcdef\n";
  Record kept = load(file.path);
  CHECK(kept.next == 101);
  REQUIRE(kept.parts.size() == 1);
  CHECK(kept.of("").seeds == 100);
  CHECK(kept.of("").hits[Fault::drop] == 3);
}

TEST_CASE("no file is an empty record", "[sim][command]") {
  const Record kept = load("there is no such file");
  CHECK(kept.next == 1);
  CHECK(kept.parts.empty());
}

}  // namespace raft_sim
