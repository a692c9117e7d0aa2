// The leader's side of snapshot transfers: peers ask for the bytes of a finished file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/core.hpp"
#include "protocol/service.hpp"
#include "replica/ports.hpp"
#include "replica/transfer_limits.hpp"
#include "storage/snapshot_files.hpp"

namespace raft::replica {

/// Offers the newest file to whoever needs one, and keeps every file that a transfer reads.
class SnapshotSender {
 public:
  struct Transfer {
    Index last;  ///< Of the snapshot offered.
    Instant last_request{};
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_total = 0;
  };

  SnapshotSender(const TransferLimits& limits, core::Core& core, Outbox& outbox, Worker& worker,
                 Driver& driver, const storage::SnapshotFiles& files);

  /// A peer needs a snapshot from `minimum` on. False: none is at hand, make one.
  bool send(const core::SnapshotSend& request);
  /// A file was finished. False: somebody needs a newer one.
  bool have(const SnapshotInfo& file);
  /// It could not be made: those who wait for it try again later.
  void have_none();

  void received(NodeId from, const ChunkRequest& request);
  /// Gives up transfers that nobody asked for in too long a time, or that are no longer wanted.
  void tick();
  void stop(NodeId to);
  /// All files are going to be removed; nobody reads them.
  void forget() { held_.clear(); }

  /// The oldest file still needed; absent: none.
  std::optional<Index> oldest_needed() const;
  bool is_idle() const { return transfers_.empty() && waiting_.empty(); }
  /// Transfers after which the peer held what was offered.
  std::uint64_t delivered() const { return delivered_; }
  const std::map<NodeId, Transfer>& transfers() const { return transfers_; }

 private:
  void offer(NodeId to);
  void count_if_delivered(NodeId to, const Transfer& transfer);

  const Duration idle_max_;
  core::Core& core_;
  Outbox& outbox_;
  Worker& worker_;
  Driver& driver_;
  const storage::SnapshotFiles& files_;

  std::map<Index, SnapshotInfo> held_;  ///< The newest file and all that transfers read.
  std::map<NodeId, Index> waiting_;     ///< For a file from this index on.
  std::map<NodeId, Transfer> transfers_;
  std::uint64_t delivered_ = 0;
};

}  // namespace raft::replica
