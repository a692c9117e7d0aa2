// The real backend: a group of a libraft node and the store it replicates.
#pragma once

#include <chrono>

#include "kvserver/backend.hpp"

namespace kv {

class GroupBackend final : public Backend {
 public:
  /// All three outlive it.
  GroupBackend(raft::Node& node, raft::Group& group, const Store& store);

  boost::asio::any_io_executor executor() const override { return executor_; }
  Position position() const override;
  std::string http_address(raft::NodeId id) const override;
  raft::Result<std::optional<Item>> get(BytesView key) const override;
  void propose(Bytes command, raft::ProposeOptions options, Proposed done) override;
  void read_barrier(raft::ReadLevel level, raft::Duration deadline, Handler done) override;
  void add_member(raft::Member member, Handler done) override;
  void remove_member(raft::NodeId id, Handler done) override;
  void transfer_leadership(raft::NodeId to, Handler done) override;
  raft::Status status() const override;
  raft::TransportStatus transport_status() const override;
  raft::NodeIdentity identity() const override;
  Totals totals() const override;

 private:
  using Clock = std::chrono::steady_clock;

  raft::Node& node_;
  raft::Group& group_;
  const Store& store_;
  const boost::asio::any_io_executor executor_;

  // A whole Status is several kilobytes: too much to copy for the four numbers in a reply's head.
  mutable Position position_;
  mutable Clock::time_point position_taken_{};
};

}  // namespace kv
