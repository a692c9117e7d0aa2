// How a replica comes to be: from what the disk holds, else by founding, joining or gathering.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/options.hpp>
#include "core/core.hpp"
#include "protocol/durable.hpp"
#include "replica/founding.hpp"
#include "replica/ports.hpp"
#include "storage/kv_engine.hpp"
#include "storage/log_store.hpp"
#include "util/log.hpp"

namespace raft::replica {

/// Lives as long as its group. What is begun is written to the identity first, so that a restart
/// goes on with it whatever the options say then. Touched by the replica's thread only.
class Beginning {
 public:
  struct Ports {
    IdentityKeeper& identity;
    Introducer& introducer;
    Driver& driver;
    storage::LogStore& store;
    storage::KvEngine& engine;  ///< Of the store.
    util::Log log;
  };

  /// `address`: what others dial to reach this node.
  Beginning(const GroupOptions& options, std::string address, const Ports& ports);

  /// The log to open the replica with. Absent: this node founds once all others have answered; see
  /// take_founded(). Errors: invalid_argument if there is nothing and nothing was asked for; those
  /// of recovery.
  Result<std::optional<RecoveredLog>> open();
  /// The replica is there: a node that was joining goes on.
  void opened();
  /// To be called on each tick, with the core once there is one.
  void tick(const core::Core* core);
  /// The founder's log, once: the replica is to be opened with it.
  std::optional<RecoveredLog> take_founded() { return std::exchange(founded_, std::nullopt); }

  /// This node as a member.
  Member self() const;

 private:
  Result<std::optional<RecoveredLog>> begin(RecoveredLog nothing);
  Result<RecoveredLog> found();
  Result<void> name_founded_cluster(const RecoveredLog& founded);
  Result<void> join(std::vector<std::string> seeds);
  void finish_joining_if_decided(const core::Core& core);
  void go_on_joining();
  void answered_joiner(const Result<Introduction>& introduction);
  void go_on_gathering();
  void answered_gathering(const Result<Introduction>& introduction);
  void adopt_cluster(ClusterId cluster);
  void fail(const Error& error);

  const GroupOptions options_;
  const std::string address_;
  Ports ports_;
  std::shared_ptr<const void> life_ = std::make_shared<int>();
  std::optional<Joiner> joiner_;
  std::optional<Gathering> gathering_;
  std::optional<RecoveredLog> founded_;
  bool has_failed_ = false;  ///< It was told, and nothing goes on from here.
};

}  // namespace raft::replica
