// What a running node does by itself now and then: says why there is no leader and how far a
// snapshot has come and when space is short, and corrects its own addresses in the membership.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <string>

#include <libraft/node.hpp>
#include "kvserver/backend.hpp"
#include "kvserver/logging.hpp"

namespace kv {

/// Why no leader can be seen: which nodes cannot be reached, and the reason for each. Pure.
std::string leaderless_line(const raft::TransportStatus& transport);

/// What to say about space on the disk: a line when it has become short, and one when it has not
/// been for a while. Around the limit it comes and goes, which nobody needs to read each time.
class SpaceWatch {
 public:
  enum class News { none, short_of_space, recovered };
  News look(bool is_full);

 private:
  bool told_short_ = false;
  unsigned looks_with_space_ = 0;  // In a row.
};

/// The change that puts `raft_address` and `http_address` of this node into the membership. Absent:
/// they are there, or this node is no member. Pure.
std::optional<raft::MembershipChange> correct_addresses(const raft::Status& status,
                                                        const std::string& raft_address,
                                                        const std::string& http_address);

/// Runs on the node's executor until destroyed or stopped, where stop() is called, too.
class Caretaker {
 public:
  /// All outlive it.
  Caretaker(raft::Node& node, raft::Group& group, const Backend& backend, std::string http_address,
            const Logger& log);

  void start() { wait(); }
  void stop() { timer_.cancel(); }

 private:
  void wait();
  void look();
  void tell_leaderless(const raft::Status& status);
  void tell_progress(const raft::Status& status);
  void tell_space(const raft::Status& status);
  void keep_addresses(const raft::Status& status);

  raft::Node& node_;
  raft::Group& group_;
  const Backend& backend_;
  const std::string http_address_;
  const Logger& log_;
  boost::asio::steady_timer timer_;
  SpaceWatch space_;
  unsigned leaderless_ = 0;    // Looks in a row without a leader.
  unsigned since_change_ = 0;  // Looks since a correction was last tried.
};

}  // namespace kv
