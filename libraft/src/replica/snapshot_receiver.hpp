// The follower's side of a snapshot transfer: asks for chunks, several ahead, and writes them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "core/ready.hpp"
#include "protocol/service.hpp"
#include "replica/ports.hpp"
#include "replica/serial_queue.hpp"
#include "replica/transfer_limits.hpp"
#include "storage/snapshot_files.hpp"

namespace raft::replica {

/// One transfer at a time; a newer offer replaces it and goes on where the file of the same
/// snapshot was left. What is being made durable and verified is not begun again for it.
class SnapshotReceiver {
 public:
  /// Without an error the file is whole, verified and durable.
  using Ended = util::UniqueFunction<void(const core::SnapshotWanted&, Result<void>)>;

  SnapshotReceiver(NodeId own, const TransferLimits& limits, Outbox& outbox,
                   SerialQueue& files_queue, Driver& driver, storage::SnapshotFiles& files,
                   Ended ended);

  void start(const core::SnapshotWanted& wanted);
  void received(Chunk chunk);
  /// Asks again for what did not come, and gives up in the end.
  void tick();

  /// Bytes written and in total; zero while nothing is received.
  std::uint64_t bytes_received() const;
  std::uint64_t bytes_total() const;

 private:
  /// One transfer. Jobs hold it by shared_ptr, so that a newer one may replace it at any time.
  struct Transfer {
    core::SnapshotWanted wanted;
    std::unique_ptr<storage::SnapshotFiles::Writer> writer;  ///< Of the jobs alone until open.
    bool open = false;
    bool finishing = false;       ///< All is written; the file is being synced and verified.
    std::uint64_t written = 0;    ///< On the disk, in order.
    std::uint64_t requested = 0;  ///< Asked for so far.
    std::uint64_t queued = 0;     ///< Handed to the disk.
    std::map<std::uint64_t, Bytes> early;  ///< Chunks ahead of their turn.
    Instant last_progress{};
    Instant last_asked{};
    Result<void> state;  ///< The first error.
  };
  using TransferPtr = std::shared_ptr<Transfer>;

  TransferId id_of(const Transfer& transfer) const;
  void ask(const TransferPtr& transfer);
  void write_next(const TransferPtr& transfer);
  void finish(const TransferPtr& transfer);
  void keep_sender(Transfer& transfer);
  void end(const TransferPtr& transfer, Result<void> result);

  const NodeId own_;
  const TransferLimits limits_;
  Outbox& outbox_;
  SerialQueue& files_queue_;
  Driver& driver_;
  storage::SnapshotFiles& files_;
  Ended ended_;
  TransferPtr current_;
};

}  // namespace raft::replica
