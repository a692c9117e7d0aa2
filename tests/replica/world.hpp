// A cluster of replicas in one thread with virtual time: the real replica, core, codec, log schema,
// snapshot files and gatekeeper on simulated networks, disks, workers and clocks.
//
// Everything that happens is an event. After each one the node that it concerns takes its turn and
// is judged by Truth. All randomness comes from one seed, split per subsystem.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <libraft/options.hpp>
#include "core/random.hpp"
#include "replica/gatekeeper.hpp"
#include "replica/register_machine.hpp"
#include "replica/replica.hpp"
#include "replica/truth.hpp"
#include "sim/disk.hpp"
#include "util/unique_function.hpp"

namespace raft::test {

/// What may go wrong now, in percent of the chances there are.
struct Weather {
  std::uint64_t drop = 0;
  std::uint64_t duplicate = 0;     ///< Raft's messages only, some of them very late.
  std::uint64_t reorder = 0;       ///< Raft's messages only.
  std::uint64_t slow_disk = 0;     ///< A write takes up to a second.
  std::uint64_t slow_message = 0;  ///< A message takes up to two election timeouts.
  std::uint64_t slow_job = 0;      ///< A worker takes up to a quarter of a second.
  std::uint64_t late_turn = 0;     ///< A turn takes in several events.
};

struct WorldOptions {
  std::uint64_t seed = 1;
  GroupOptions group;
  bool is_durable = false;
  MachineTraits machine;
  bool writes_inline = true;  ///< A write may be done before its call returns.
  bool has_drift = false;     ///< Clocks run up to 4 % fast or slow.
  bool traces = false;        ///< To the standard output.
};

/// How often things happened, so that a campaign can show that its faults had an effect.
using Tally = std::map<std::string, std::uint64_t>;

/// One node. What is here survives its process.
struct SimulatedNode {
  class Life;

  SimulatedNode(NodeId node, InstanceId own);
  ~SimulatedNode();

  const NodeId id;
  InstanceId instance;
  BootNumber boot;
  std::unique_ptr<sim::Disk> disk = std::make_unique<sim::Disk>();
  RegisterStore store;
  OnDisk on_disk;
  Duration clock_offset{0};
  std::int64_t clock_permille = 1000;
  Duration paused_until{0};  ///< Takes no event before.
  bool is_full = false;
  std::optional<Error> failure;  ///< Of the present life.
  std::unique_ptr<Life> life;    ///< Null: down.
  std::uint64_t lives = 0;
};

class World {
 public:
  using Function = util::UniqueFunction<void()>;

  World(const WorldOptions& options, Truth& truth, Tally& tally);
  ~World();

  // --- time ---
  Duration now() const { return now_; }
  /// Runs at a later moment in a node's life, and no more once that has ended. The node takes its
  /// turn behind it.
  void on_node(NodeId node, Duration delay, Function function);
  /// Runs at a later moment, whatever happens to the nodes.
  void later(Duration delay, Function function);
  /// Stops at the first violation.
  void run_for(Duration duration);
  bool run_until(const std::function<bool()>& is_so, Duration at_most);

  // --- nodes ---
  void add(NodeId id, InstanceId instance);
  /// Starts it with what its disk has; with nothing, it waits to be taken in.
  void start(NodeId id);
  /// Writes the founding entry to an empty disk.
  void found(NodeId id);
  /// A power cut.
  void crash(NodeId id);
  /// The process ends, as told; the disk keeps what was written.
  void stop(NodeId id);
  void pause(NodeId id, Duration duration);
  /// An empty disk under the same id.
  void wipe(NodeId id, InstanceId instance);
  /// One of its next syncs fails.
  void break_disk(NodeId id, std::uint64_t after_syncs);
  /// A durable machine flushes what it committed.
  void flush_machine(NodeId id);

  SimulatedNode& node(NodeId id) { return *nodes_.at(id); }
  bool exists(NodeId id) const { return nodes_.contains(id); }
  bool is_up(NodeId id) const;
  /// Null while down.
  replica::Replica* replica(NodeId id);
  const RegisterState& state(NodeId id) const;
  std::vector<NodeId> ids() const;
  std::vector<NodeId> up() const;
  /// The one with the newest term that says it leads; 0: nobody.
  NodeId leader();
  /// Called after a life has ended: what was asked of it gets no answer.
  std::function<void(NodeId)> life_ended;

  // --- network ---
  void set_weather(const Weather& weather) { weather_ = weather; }
  /// Both sides are told that their connection broke; it does not come back before healed.
  void cut(NodeId a, NodeId b);
  /// The same, and they connect again at once.
  void reset(NodeId a, NodeId b);
  /// Nothing from one reaches the other, and nobody is told.
  void silence(NodeId from, NodeId to);
  void heal_all();
  /// Joining runs on a connection of its own, which needs no membership. Null: nobody is there.
  void ask_to_join(const JoinRequest& request, NodeId of,
                   std::function<void(const ServiceReply*)> answered);

  // --- for the ports ---
  const WorldOptions& options() const { return options_; }
  const Weather& weather() const { return weather_; }
  Truth& truth() { return truth_; }
  Tally& tally() { return tally_; }
  core::Random& disk_random() { return disk_random_; }
  core::Random& job_random() { return job_random_; }
  bool happens(core::Random& random, std::uint64_t percent);
  enum class Kind : std::uint8_t { raft, service, bulk };
  void send(NodeId from, NodeId to, Bytes payload, Kind kind);
  void trace(NodeId node, const std::string& line) const;

 private:
  /// Smaller id first.
  using Pair = std::pair<NodeId, NodeId>;
  struct Link {
    bool connected = false;
    bool is_cut = false;
    std::uint64_t connection = 0;  ///< Counts them; messages of an old one are lost.
  };
  struct Event {
    NodeId node;             ///< 0: none.
    std::uint64_t life = 0;  ///< 0: any.
    Function function;
  };

  static Pair pair_of(NodeId a, NodeId b);
  void add_event(Duration delay, Event event);
  void run_next();
  void take_turn(NodeId id);
  void end_life(NodeId id);
  void schedule_tick(NodeId id);

  void connect_later(NodeId a, NodeId b, Duration delay);
  void connect(NodeId a, NodeId b);
  bool judge(NodeId host, NodeId guest);
  void tell_lost(NodeId node, NodeId peer, Duration delay);
  void deliver(NodeId to, BytesView payload, Kind kind);

  const WorldOptions options_;
  Truth& truth_;
  Tally& tally_;
  core::Random network_random_;
  core::Random disk_random_;
  core::Random job_random_;
  core::Random node_random_;

  Duration now_{0};
  std::uint64_t last_event_ = 0;
  std::map<std::pair<Duration, std::uint64_t>, Event> events_;

  Weather weather_;
  std::map<NodeId, std::unique_ptr<SimulatedNode>> nodes_;
  std::map<Pair, Link> links_;
  std::set<std::pair<NodeId, NodeId>> silent_;                      ///< From, to.
  std::map<std::pair<NodeId, NodeId>, Duration> last_arrival_;      ///< Keeps order on a link.
};

}  // namespace raft::test
