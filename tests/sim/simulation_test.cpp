// The simulator itself: it must find what is planted, repeat what it found, and say how.
#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include <libraft/sim.hpp>

namespace raft::sim {
namespace {

Options small() {
  Options options;
  options.nodes = 3;
  options.operations = 60;
  return options;
}

/// Counts commands, and adds the address of something: another number in every process.
class Forgetful final : public StateMachine {
 public:
  Bytes apply(const AppliedEntry&) override {
    ++count_;
    return std::to_string(count_ + (reinterpret_cast<std::uintptr_t>(this) >> 4));
  }
  std::unique_ptr<SnapshotReader> capture() override {
    struct View final : SnapshotReader {
      Bytes rest;
      Result<Bytes> read(std::size_t) override { return std::exchange(rest, {}); }
    };
    auto view = std::make_unique<View>();
    view->rest = std::to_string(count_);
    return view;
  }
  Result<void> restore(SnapshotReader& snapshot) override {
    const Result<Bytes> all = snapshot.read(100);
    if (!all) return all.error();
    count_ = std::stoull(*all);
    return {};
  }

 protected:
  std::uint64_t count_ = 0;
};

/// Answers alike everywhere, but its state holds what it was told when: lost with its process.
class Drifting final : public StateMachine {
 public:
  Bytes apply(const AppliedEntry& entry) override {
    state_ += entry.command.substr(0, 1);
    since_start_ += 1;
    return {};
  }
  std::unique_ptr<SnapshotReader> capture() override {
    struct View final : SnapshotReader {
      Bytes rest;
      Result<Bytes> read(std::size_t) override { return std::exchange(rest, {}); }
    };
    auto view = std::make_unique<View>();
    view->rest = state_ + std::to_string(since_start_);
    return view;
  }
  Result<void> restore(SnapshotReader& snapshot) override {
    Result<Bytes> all = snapshot.read(100'000);
    if (!all) return all.error();
    state_ = *std::move(all);
    since_start_ = 0;
    return {};
  }

 private:
  Bytes state_;
  std::uint64_t since_start_ = 0;
};

template <class Machine>
Subject subject_of() {
  Subject subject;
  subject.machine = [] { return std::make_unique<Machine>(); };
  subject.command = [](const Draw&, std::uint64_t number) { return std::to_string(number); };
  return subject;
}

/// The first violation among some seeds.
template <class Machine>
std::string first_violation(const Options& options) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Summary summary = run(seed, options, subject_of<Machine>());
    if (!summary.violations.empty()) return summary.violations.front().invariant;
  }
  return {};
}

}  // namespace

// A run that cannot be repeated cannot be debugged.
TEST_CASE("the same seed gives the same trace", "[sim]") {
  const Subject subject = register_subject();
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Summary once = run(seed, small(), subject);
    const Summary again = run(seed, small(), subject);
    CHECK(once.trace_hash == again.trace_hash);
    CHECK(once.steps == again.steps);
    const Summary other = run(seed + 100, small(), subject);
    CHECK(once.trace_hash != other.trace_hash);
  }
}

TEST_CASE("printing does not change what happens", "[sim]") {
  std::ostringstream text;
  Options options = small();
  const Summary silent = run(5, options, register_subject());
  options.trace = &text;
  const Summary printed = run(5, options, register_subject());
  CHECK(silent.trace_hash == printed.trace_hash);
  CHECK(text.str().find(" starts ") != std::string::npos);
}

// Users' machines are wrong in ways that no test of theirs shows: this is what the simulator is
// for.
TEST_CASE("a machine that answers otherwise on each node is found out", "[sim]") {
  CHECK(first_violation<Forgetful>(small()) == "D8");
}

TEST_CASE("a machine whose state is another one after a restart is found out", "[sim]") {
  const std::string invariant = first_violation<Drifting>(small());
  CHECK((invariant == "D8" || invariant == "P3"));
}

TEST_CASE("a user's own check is asked", "[sim]") {
  Subject subject = register_subject();
  subject.check = [](const StateMachine&) { return std::optional<std::string>("never right"); };
  const Summary summary = run(1, small(), subject);
  REQUIRE(summary.violations.size() == 1);
  CHECK(summary.violations.front().what == "never right");
}

// What a client sees is the last word: a machine that answers reads with what it held before is
// wrong although all nodes agree.
TEST_CASE("reads that nothing explains are D9, and found in a long run as it goes", "[sim]") {
  Subject subject = register_subject();
  subject.registers->value_of = [](const StateMachine&, const Bytes&) {
    return std::optional<Bytes>{};
  };
  Options options = small();
  options.faults = {};
  const Summary summary = run(1, options, subject);
  REQUIRE(summary.violations.size() == 1);
  CHECK(summary.violations.front().invariant == "D9");

  options.operations = 4000;
  const Summary long_run = run(1, options, subject);
  REQUIRE(long_run.violations.size() == 1);
  CHECK(long_run.operations_done + long_run.reads_done < 2000);
}

// Whoever loses more than it can bear may stop, and must not be wrong.
TEST_CASE("some runs lose too many directories, and nothing wrong is ever answered", "[sim]") {
  Options options = small();
  options.faults = {Fault::rot, Fault::wipe, Fault::crash, Fault::over_limit};
  Summary all;
  for (std::uint64_t seed = 120; seed <= 160; ++seed)
    all.add(run(seed, options, register_subject()));
  for (const auto& violation : all.violations) {
    INFO("seed " << violation.seed << " " << violation.invariant << ": " << violation.what);
    CHECK(false);
  }
  CHECK(all.hits[Fault::over_limit] > 0);
}

// A core that only works again once everybody is back would wait for a dead machine for ever.
TEST_CASE("in some runs only a core comes back, and it works alone", "[sim]") {
  Options options = small();
  options.nodes = 5;
  Summary all;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) all.add(run(seed, options, register_subject()));
  CHECK(all.violations.empty());
  CHECK(all.cores_alone > 0);
  CHECK(all.cores_alone < all.seeds);
}

TEST_CASE("a failing run shrinks to a script that fails in the same way", "[sim]") {
  Options options = small();
  options.operations = 30;
  const Subject subject = subject_of<Drifting>();
  std::uint64_t seed = 1;
  while (run(seed, options, subject).violations.empty()) ++seed;
  const std::string invariant = run(seed, options, subject).violations.front().invariant;
  const std::string script = shrink(seed, options, subject);
  REQUIRE_FALSE(script.empty());
  CHECK(script.find("violates " + invariant) != std::string::npos);
  const auto again = replay(script, options, subject);
  REQUIRE(again);
  REQUIRE(again->violations.size() == 1);
  CHECK(again->violations.front().invariant == invariant);
}

TEST_CASE("a script that is none is refused by its line", "[sim]") {
  const auto refused = replay("seed 1\n1.000000 cras 2 0 0\n", small(), register_subject());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail.find("cras") != std::string::npos);
}

}  // namespace raft::sim
