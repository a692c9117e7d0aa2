// The network of all simulated nodes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "sim/network/context.hpp"
#include "sim/network/dial.hpp"
#include "sim/network/path.hpp"
#include "sim/network/port.hpp"
#include "sim/network/stream.hpp"
#include "sim/network/weather.hpp"

namespace raft::sim {

/// Moves the frames of connections between processes, and does to them what networks do. The
/// weather strikes packets by chance; the topology is set by calls and stays until it is healed.
///
/// Deterministic: all chance comes from the seed, one draw per packet. Every arrival, loss and
/// break is traced, and every fault is counted when it takes effect.
class Network {
 public:
  /// All three must outlive the network; it must outlive the processes on it. Events that it has
  /// left behind must not be run without it.
  Network(Events& events, Trace& trace, Effects& effects, std::uint64_t seed);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // What goes wrong.

  void set_weather(const NetworkWeather& weather) { context_.weather = weather; }
  const NetworkWeather& weather() const { return context_.weather; }

  /// Packets of one direction are held where they are; at the end some connections get them late
  /// and others lose them. No process is told, but whose connection is silent for too long gives it
  /// up. Who dials gets no answer, whichever direction is blocked.
  /// `is_bridged`: there is a way around through another node.
  void block(NodeId from, NodeId to, bool is_bridged = false) {
    path(from, to).is_bridged = is_bridged;
    set_blocked(from, to, true);
  }
  void unblock(NodeId from, NodeId to) { set_blocked(from, to, false); }
  /// Breaks all connections of the two and refuses new ones until healed.
  void cut(NodeId a, NodeId b);
  /// Breaks all connections of the two, perhaps in the middle of a frame. They may dial at once.
  void reset(NodeId a, NodeId b);
  /// All present connections of the two stand still: nothing arrives any more, not even that an end
  /// was closed. New ones are not concerned.
  void silence(NodeId a, NodeId b);
  /// All that one node sends to another shares so many bytes a second, first come, first served; 0:
  /// no limit.
  void limit(NodeId from, NodeId to, std::uint64_t bytes_per_second);
  /// Ends all blocks, cuts and limits of the two, or of everybody. The weather stays.
  void heal(NodeId a, NodeId b);
  void heal_all();

  /// Connections of which at least one end does not know that they are gone, of every purpose.
  std::size_t connections_between(NodeId a, NodeId b) const;

  // For the transports.

  /// A process begins to listen. No other one listens at that address.
  std::shared_ptr<Port> attach(NodeId node, const std::string& address, Loop& loop,
                               Acceptor& acceptor);
  /// It has died. Its connections break, and the other ends learn of it soon, late, or by silence.
  void detach(Port& port);
  /// Opens a connection to whoever listens there. Errors: timed_out, with the reason.
  std::shared_ptr<Dial> dial(const std::shared_ptr<Port>& from, const std::string& address,
                             DialTimes times, Dial::Done done);

  Duration now() const { return context_.now(); }
  /// For the chance that a process needs for itself.
  std::uint64_t new_seed() { return context_.random.next(); }

 private:
  using NodePair = std::pair<NodeId, NodeId>;

  /// Who listens at an address, or did when it was last heard of.
  struct Place {
    NodeId node;
    std::shared_ptr<Port> port;  ///< Null: nobody now.
  };

  static NodePair unordered(NodeId a, NodeId b) { return {std::min(a, b), std::max(a, b)}; }
  Path& path(NodeId from, NodeId to) { return paths_[{from, to}]; }
  void set_blocked(NodeId from, NodeId to, bool is_blocked);
  template <class Function>
  void for_each_between(NodeId a, NodeId b, Function function);

  void knock(const std::shared_ptr<Port>& from, const std::string& address,
             const std::shared_ptr<Dial>& dial);
  bool is_unreachable(NodeId from, NodeId to);
  void connect(const std::shared_ptr<Port>& from, const std::shared_ptr<Port>& to,
               const std::shared_ptr<Dial>& dial);
  void refuse(Port& from, const std::string& address, const std::shared_ptr<Dial>& dial);

  NetworkContext context_;
  std::map<std::string, Place> places_;             ///< By address.
  std::map<NodePair, Path> paths_;                  ///< From the first to the second.
  std::set<NodePair> cuts_;                         ///< Unordered.
  std::vector<std::shared_ptr<Stream>> streams_{};  ///< And some that are over.
  std::uint64_t last_stream_ = 0;
};

}  // namespace raft::sim
