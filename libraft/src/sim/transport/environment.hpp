// What a simulated transport gives to its links.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <libraft/types.hpp>
#include "core/random.hpp"
#include "sim/events.hpp"
#include "sim/network.hpp"
#include "util/unique_function.hpp"
#include "wire/links/link_environment.hpp"
#include "wire/links/link_rules.hpp"
#include "wire/transport.hpp"

namespace raft::sim {

/// Nobody reads its log. The loop of a process that has ended runs nothing, so that after() keeps
/// its promise.
class TransportEnvironment final : public wire::LinkEnvironment {
 public:
  /// Network and loop must outlive it.
  TransportEnvironment(Network& network, Loop& loop, NodeId own, const wire::LinkRules& rules,
                       wire::TransportHandler& handler);

  /// Others can dial it from now on, and it can dial.
  void attach(const std::string& address, Acceptor& acceptor);
  /// The process has died.
  void detach() { network_.detach(*port_); }

  Duration now() const override { return network_.now(); }
  std::uint64_t random() override { return random_.next(); }
  void after(Duration delay, util::UniqueFunction<void()> function) override;
  std::shared_ptr<wire::Dial> dial(const std::string& address, Duration pause,
                                   Dialled done) override;

 private:
  Network& network_;
  Loop& loop_;
  std::shared_ptr<Port> port_;  ///< Of this life.
  core::Random random_;
};

}  // namespace raft::sim
