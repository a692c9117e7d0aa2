// The simulator: your own state machine behind the real replica, codec and log schema, on a
// simulated network, disk and clock, while everything breaks that may break. One seed replays
// everything that happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/types.hpp>

namespace raft::sim {

/// What can go wrong. Each is counted when it takes effect, not when it is tried.
enum class Fault : std::uint8_t {
  // Network.
  delay,        ///< A packet takes many times as long as usual.
  drop,         ///< A packet vanishes from the middle of a connection.
  duplicate,    ///< A packet arrives twice.
  late_replay,  ///< A packet of an earlier connection, term or life arrives again.
  reorder,      ///< A packet overtakes others.
  reset,        ///< A connection breaks, perhaps in the middle of a frame.
  half_open,    ///< A connection is gone and one end is not told.
  bit_flip,     ///< A packet arrives with another bit in it.
  slow_link,    ///< So many bytes a second, and no more.
  partition,    ///< Nobody of one side reaches the other, in either direction.
  one_way,      ///< Packets arrive in one direction only.
  bridge,       ///< Two sides that reach each other through one common node only.
  // Processes.
  crash,       ///< The process dies, and the power with it: what was not synced may be lost.
  power_cut,   ///< The same for all nodes at one instant.
  crash_loop,  ///< A crash at a drawn boundary of the storage calls, also while recovering.
  stop,        ///< The process ends in order and starts again.
  pause,       ///< The process stands still, and then everything happens at once.
  // Disks.
  unsynced_loss,  ///< A power cut took something that was written and not synced.
  slow_disk,      ///< A write or sync takes up to a second.
  stalled_disk,   ///< A sync does not end for many election timeouts.
  write_error,
  sync_error,  ///< A sync fails; whoever tries again may be told that all is well.
  read_error,  ///< Nothing can be read for a while.
  no_space,
  rot,       ///< A bit on the disk turned that is needed; an intact copy is elsewhere.
  wipe,      ///< A node comes back under its id with an empty directory.
  rollback,  ///< A node comes back with an older state of its directory.
  // Clocks.
  drift,
  clock_jump,
  // Whoever uses the cluster.
  membership,    ///< A change of the members while all else goes on.
  transfer,      ///< Leadership is handed over.
  overload,      ///< More proposals than the limits allow.
  client_retry,  ///< A request is sent again, to any node.
  small_limits,  ///< A batch, queue or window that was drawn tiny is full.
  over_limit,    ///< More directories are lost than a cluster can bear: it may stop, not be wrong.
  count_         ///< Not a fault.
};

/// As in the command line and in reports: "late-replay".
const char* to_string(Fault fault);
std::optional<Fault> fault_from(std::string_view name);

/// A seeded choice: a number in [low, high).
using Draw = std::function<std::uint64_t(std::uint64_t low, std::uint64_t high)>;

/// For machines that hold named values: what clients saw is then also judged without believing any
/// index that the library gave.
struct Registers {
  struct Set {
    Bytes key;
    Bytes value;
  };
  /// What a command sets; absent: nothing. No two commands of a run may set the same value.
  std::function<std::optional<Set>(BytesView command)> set_by;
  std::function<std::optional<Bytes>(const StateMachine&, const Bytes& key)> value_of;
  std::vector<Bytes> keys;
};

/// What is simulated.
struct Subject {
  /// A machine as a process finds it at its start. It must be volatile; runs that draw a durable
  /// one wrap it in a store that forgets at a power cut what a store may forget.
  std::function<std::unique_ptr<StateMachine>()> machine;
  /// Some client's next command. `number` is unique within the run.
  std::function<Bytes(const Draw& draw, std::uint64_t number)> command;
  /// Optional: looks at a machine between two applies. What it returns is a violation.
  std::function<std::optional<std::string>(const StateMachine&)> check;
  /// Optional.
  std::optional<Registers> registers;
};

/// The machine of the command raft-sim: named values, each replaced as a whole.
Subject register_subject();

struct Options {
  std::uint64_t nodes = 5;
  std::uint64_t operations = 500;  ///< Of clients, before the faults stop.
  /// Which faults a seed may draw; each seed draws some of them, and how hard.
  std::set<Fault> faults = every_fault();
  /// Receives one line per event: time, node, role, term, commit/applied, what happened.
  std::ostream* trace = nullptr;

  static std::set<Fault> every_fault();
};

/// What one run, or many, came to.
struct Summary {
  std::uint64_t seeds = 0;
  std::uint64_t steps = 0;  ///< Events.
  Duration simulated{0};
  std::uint64_t operations_done = 0;
  std::uint64_t operations_refused = 0;  ///< Certainly without effect.
  std::uint64_t operations_unknown = 0;
  std::uint64_t reads_done = 0;
  std::uint64_t lease_reads = 0;        ///< Granted without asking anyone,
  std::uint64_t lease_reads_askew = 0;  ///< and these in runs whose clocks drift or nodes pause.
  std::uint64_t histories_unknown = 0;  ///< A search for an order that took too many steps.
  std::uint64_t cores_alone = 0;        ///< Runs in which no more than a chosen core came back.
  std::uint64_t elections = 0;
  std::uint64_t membership_changes = 0;
  std::uint64_t snapshots_installed = 0;
  std::uint64_t stores_set_back = 0;    ///< Durable machines that fell back to an earlier flush.
  std::map<Fault, std::uint64_t> hits;  ///< Faults that took effect.

  struct Violation {
    std::uint64_t seed = 0;
    std::string invariant;  ///< As in docs/testing.md: "C2".
    std::string what;
  };
  std::vector<Violation> violations;
  /// Of the whole trace of the last run: equal for equal seeds, on every machine and compiler.
  std::uint64_t trace_hash = 0;

  void add(const Summary& other);
};

/// A table for people.
std::ostream& operator<<(std::ostream& out, const Summary& summary);

/// One run: a cluster is founded, everything is tried, the faults stop, and the cluster must agree
/// and work again. Takes one thread, and gives the same result wherever it is called.
Summary run(std::uint64_t seed, const Options& options, const Subject& subject);

/// The same run as a script for replay() and shrink().
std::string script_of(std::uint64_t seed, const Options& options);

/// Runs a script. Of the options it takes the trace only. Errors: invalid_argument names the line.
Result<Summary> replay(std::string_view script, const Options& options, const Subject& subject);

/// Runs a script wherever it likes and returns the id of the invariant that is violated, if any.
using Trial = std::function<std::string(const std::string& script)>;

/// A script with fewer faults, nodes and operations that violates the same invariant. Empty: it
/// violates none. Tries at most so many smaller ones. Errors: invalid_argument names the line.
Result<std::string> shrink(std::string_view script, const Trial& trial,
                           std::uint64_t runs_max = 1000);
/// The same for a seed, in this process.
std::string shrink(std::uint64_t seed, const Options& options, const Subject& subject);

/// All that the main() of one's own simulation has to do: `PROGRAM` runs two hundred seeds,
/// `PROGRAM 1..5000` as many as it says, and `PROGRAM 42` one of them, event by event. Prints a
/// table; stops at a violation, prints the last events before it and, as the last line, the command
/// that shows them all. Returns the exit code.
int simulate(const Subject& subject, int argc, char** argv, Options options = {});

}  // namespace raft::sim
