// The real backend: a group of a libraft node and the store it replicates. Before there is a group,
// while the node still looks for a cluster to join, it answers that no leader is known.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "kvserver/backend.hpp"

namespace kv {

class GroupBackend final : public Backend {
 public:
  /// Node and store outlive it; the log is in `log_folder`.
  GroupBackend(raft::Node& node, Store& store, std::string log_folder);

  /// From now on there is a group, which outlives this as well.
  void attach(raft::Group& group) { group_ = &group; }

  boost::asio::any_io_executor executor() const override { return executor_; }
  Position position() const override;
  std::string http_address(raft::NodeId id) const override;
  raft::Result<std::optional<Item>> get(BytesView key) const override;
  raft::Result<void> scan(const Range& range, const Visitor& visit) const override;
  void propose(Bytes command, raft::ProposeOptions options, Proposed done) override;
  void read_barrier(raft::ReadLevel level, raft::Duration deadline, Handler done) override;
  void add_member(raft::Member member, Changed done) override;
  void remove_member(raft::NodeId id, Changed done) override;
  void transfer_leadership(raft::NodeId to, Changed done) override;
  raft::Status status() const override;
  raft::TransportStatus transport_status() const override;
  raft::NodeIdentity identity() const override;
  Totals totals() const override;
  ChangeHistory& changes() override { return store_.changes(); }
  std::optional<std::uint64_t> free_bytes() const override;

 private:
  using Clock = std::chrono::steady_clock;

  template <class Completion, class... Results>
  void refuse(Completion done, Results... nothing) const;
  template <class Start>
  void change(Changed done, Start start);

  raft::Node& node_;
  raft::Group* group_ = nullptr;  // Null until attach().
  Store& store_;
  const std::string log_folder_;
  const boost::asio::any_io_executor executor_;

  // A whole Status is several kilobytes: too much to copy for the four numbers in a reply's head.
  mutable Position position_;
  mutable Clock::time_point position_taken_{};
};

}  // namespace kv
