#include "kvserver/caretaker.hpp"

#include <boost/asio/detached.hpp>
#include <chrono>
#include <utility>

#include "kvserver/units.hpp"

namespace kv {
namespace {

constexpr auto look_interval = std::chrono::seconds(1);
constexpr unsigned leaderless_interval = 5;  // Looks.
constexpr unsigned recovery_looks = 5;
constexpr unsigned correction_interval = 10;  // Looks: while it fails, trying more often is noise.

}  // namespace

std::string leaderless_line(const raft::TransportStatus& transport) {
  std::string line;
  std::size_t reached = 0;
  for (const auto& peer : transport.peers) {
    if (peer.connected) {
      ++reached;
      continue;
    }
    line += (line.empty() ? "; cannot reach " : ", ");
    line += "node " + raft::to_string(peer.id) + " at " + peer.address;
    if (!peer.last_error.empty()) line += " (" + peer.last_error + ")";
  }
  return "no leader: " + std::to_string(reached) + " of " + std::to_string(transport.peers.size()) +
         " other nodes are connected" + line;
}

SpaceWatch::News SpaceWatch::look(bool is_full) {
  looks_with_space_ = is_full ? 0 : looks_with_space_ + 1;
  if (is_full == told_short_ || (!is_full && looks_with_space_ < recovery_looks)) return News::none;
  told_short_ = is_full;
  return is_full ? News::short_of_space : News::recovered;
}

std::optional<raft::MembershipChange> correct_addresses(const raft::Status& status,
                                                        const std::string& raft_address,
                                                        const std::string& http_address) {
  if (!status.is_member) return std::nullopt;
  const raft::Member* self = status.membership.membership->find(status.id);
  if (self == nullptr) return std::nullopt;
  if (self->address == raft_address && self->attributes == http_address) return std::nullopt;
  raft::MembershipChange change;
  change.update.push_back({status.id, raft_address, http_address});
  return change;
}

Caretaker::Caretaker(raft::Node& node, raft::Group& group, const Backend& backend,
                     std::string http_address, const Logger& log)
    : node_(node),
      group_(group),
      backend_(backend),
      http_address_(std::move(http_address)),
      log_(log),
      timer_(node.executor()),
      since_change_(correction_interval) {}

void Caretaker::wait() {
  timer_.expires_after(look_interval);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) look();
  });
}

void Caretaker::look() {
  const raft::Status status = group_.status();
  tell_leaderless(status);
  tell_progress(status);
  tell_space(status);
  keep_addresses(status);
  wait();
}

void Caretaker::tell_leaderless(const raft::Status& status) {
  const bool is_leaderless = status.is_member && !status.leader;
  leaderless_ = is_leaderless ? leaderless_ + 1 : 0;
  if (!is_leaderless || leaderless_ % leaderless_interval != 0) return;
  log_.warning(leaderless_line(node_.transport_status()));
}

void Caretaker::tell_progress(const raft::Status& status) {
  if (status.receiving_bytes_total == 0) return;
  const std::uint64_t percent = status.receiving_bytes * 100 / status.receiving_bytes_total;
  log_.info("receiving a snapshot: " + std::to_string(percent) + " % of " +
            std::to_string(status.receiving_bytes_total) + " bytes");
}

void Caretaker::tell_space(const raft::Status& status) {
  const SpaceWatch::News news = space_.look(status.storage_full);
  if (news == SpaceWatch::News::none) return;
  const auto free = backend_.free_bytes();
  const std::string room =
      free ? " (" + std::to_string(*free >> 20) + " MiB are free for the log)" : std::string();
  if (news == SpaceWatch::News::recovered) {
    return log_.info("there is space on the disk again" + room + ": writes go on");
  }
  log_.warning("space on the disk is short" + room + ": writes are refused until there is more");
}

// A node that was started with other addresses than before: clients are redirected, and nodes
// dial, where the membership says.
void Caretaker::keep_addresses(const raft::Status& status) {
  if (++since_change_ < correction_interval || !status.leader) return;
  auto change = correct_addresses(status, node_.address(), http_address_);
  if (!change) return;
  since_change_ = 0;
  log_.info("this node's addresses have changed: telling the cluster");
  group_.async_change_membership(*std::move(change), boost::asio::detached);
}

}  // namespace kv
