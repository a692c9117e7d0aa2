// What all parts of one transport share.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <libraft/types.hpp>
#include "util/log.hpp"
#include "util/unique_function.hpp"
#include "wire/links/link_environment.hpp"
#include "wire/links/link_rules.hpp"
#include "wire/transport.hpp"

namespace raft::net {

/// The rules of all transports, and what only TCP needs.
struct TcpOptions : wire::LinkRules {
  /// How long a refused node may take to read why.
  Duration farewell_timeout = std::chrono::seconds(1);
};

struct Traffic {
  std::uint64_t connections_refused = 0;
  std::uint64_t frames_rejected = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

/// Dials by TCP, and waits on the executor's clock. What may run later than the transport lives
/// does not touch it.
class Environment final : public wire::LinkEnvironment {
 public:
  /// `strand`: everything runs on it.
  Environment(boost::asio::any_io_executor strand, NodeId own, const TcpOptions& options,
              wire::TransportHandler& handler, util::Log log);

  /// What was given to after() never runs from here on.
  void close() { timers_.clear(); }

  Duration now() const override;
  std::uint64_t random() override { return random_(); }
  void after(Duration delay, util::UniqueFunction<void()> function) override;
  std::shared_ptr<wire::Dial> dial(const std::string& address, Duration pause,
                                   Dialled done) override;

  const boost::asio::any_io_executor& executor() const { return executor_; }
  Duration farewell_timeout() const { return farewell_timeout_; }
  Traffic& traffic() { return traffic_; }
  const Traffic& traffic() const { return traffic_; }

 private:
  const boost::asio::any_io_executor executor_;
  const Duration farewell_timeout_;
  Traffic traffic_{};
  std::mt19937_64 random_{std::random_device{}()};
  std::vector<std::shared_ptr<boost::asio::steady_timer>> timers_;  ///< One for each call to come.
};

}  // namespace raft::net
