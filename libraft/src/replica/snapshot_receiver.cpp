#include "replica/snapshot_receiver.hpp"

#include <algorithm>
#include <utility>

namespace raft::replica {
namespace {

const Error no_longer_there{Errc::dropped, "the sender no longer holds the file"};
const Error no_progress{Errc::timed_out, "the sender is silent"};

}  // namespace

SnapshotReceiver::SnapshotReceiver(NodeId own, const TransferLimits& limits, Outbox& outbox,
                                   SerialQueue& files_queue, Driver& driver,
                                   storage::SnapshotFiles& files, Ended ended)
    : own_(own),
      limits_(limits),
      outbox_(outbox),
      files_queue_(files_queue),
      driver_(driver),
      files_(files),
      ended_(std::move(ended)) {}

void SnapshotReceiver::start(const core::SnapshotWanted& wanted) {
  if (current_ && current_->finishing &&
      storage::is_same_file(current_->wanted.snapshot, wanted.snapshot)) {
    current_->wanted = wanted;  // Whoever offers it now is told.
    return;
  }
  auto transfer = std::make_shared<Transfer>();
  transfer->wanted = wanted;
  transfer->last_progress = driver_.now();
  current_ = transfer;
  files_queue_.run(
      [this, transfer] {
        auto writer = files_.receive(transfer->wanted.snapshot);
        if (writer) {
          transfer->writer = *std::move(writer);
        } else {
          transfer->state = writer.error();
        }
      },
      [this, transfer] {
        if (transfer != current_) return;
        if (!transfer->state) return end(transfer, transfer->state);
        transfer->open = true;
        transfer->last_progress = driver_.now();
        transfer->written = transfer->queued = transfer->requested =
            transfer->writer->bytes_written();
        if (transfer->written >= transfer->wanted.snapshot.bytes) return finish(transfer);
        ask(transfer);
      });
}

TransferId SnapshotReceiver::id_of(const Transfer& transfer) const {
  return {transfer.wanted.term, transfer.wanted.session, transfer.wanted.snapshot.meta.last.index};
}

void SnapshotReceiver::ask(const TransferPtr& transfer) {
  const std::uint64_t total = transfer->wanted.snapshot.bytes;
  while (transfer->requested < std::min(total, transfer->written + limits_.window_bytes)) {
    const ChunkRequest request{id_of(*transfer), transfer->requested, limits_.chunk_bytes};
    outbox_.send_bulk(ServiceMessage{own_, transfer->wanted.from, request});
    transfer->requested = std::min<std::uint64_t>(total, transfer->requested + limits_.chunk_bytes);
    transfer->last_asked = driver_.now();
  }
  driver_.wake();
}

void SnapshotReceiver::received(Chunk chunk) {
  const TransferPtr transfer = current_;
  // Chunks of other transfers must not mix in; a writer that is not open yet asked for none.
  if (!transfer || !transfer->open || chunk.transfer != id_of(*transfer)) return;
  if (transfer->finishing) return;  // Nothing is missing any more.
  if (chunk.bytes.empty()) return end(transfer, no_longer_there);
  if (chunk.offset < transfer->queued || chunk.offset >= transfer->requested) return;
  if (chunk.bytes.size() > limits_.chunk_bytes) return;
  transfer->early.insert_or_assign(chunk.offset, std::move(chunk.bytes));
  write_next(transfer);
}

void SnapshotReceiver::write_next(const TransferPtr& transfer) {
  const auto next = transfer->early.find(transfer->queued);
  if (next == transfer->early.end()) return;
  auto bytes = std::make_shared<Bytes>(std::move(next->second));
  transfer->early.erase(next);
  transfer->queued += bytes->size();
  transfer->last_progress = driver_.now();
  files_queue_.run(
      [transfer, bytes] {
        if (transfer->state) transfer->state = transfer->writer->append(*bytes);
      },
      [this, transfer, bytes] {
        if (transfer != current_) return;
        if (!transfer->state) return end(transfer, transfer->state);
        transfer->written += bytes->size();
        transfer->last_progress = driver_.now();
        if (transfer->written >= transfer->wanted.snapshot.bytes) return finish(transfer);
        ask(transfer);
      });
  write_next(transfer);
}

void SnapshotReceiver::finish(const TransferPtr& transfer) {
  transfer->finishing = true;
  files_queue_.run(
      [transfer] {
        if (const auto finished = transfer->writer->finish(); !finished) {
          transfer->state = finished.error();
        }
      },
      [this, transfer] {
        if (transfer == current_) end(transfer, transfer->state);
      });
}

void SnapshotReceiver::end(const TransferPtr& transfer, Result<void> result) {
  current_.reset();
  ended_(transfer->wanted, std::move(result));
  driver_.wake();
}

// Only a sender is given up: a slow disk would be no quicker with the same bytes once more.
void SnapshotReceiver::tick() {
  const TransferPtr transfer = current_;
  if (!transfer || !transfer->open) return;
  if (transfer->finishing) return keep_sender(*transfer);
  const Instant now = driver_.now();
  const bool waits_for_chunks = transfer->queued == transfer->written;
  if (!waits_for_chunks) return;
  if (now - transfer->last_progress > limits_.patience) return end(transfer, no_progress);
  if (now - std::max(transfer->last_asked, transfer->last_progress) > limits_.retry) {
    transfer->requested = transfer->queued;
    transfer->early.clear();
    ask(transfer);
  }
}

/// A sender that is asked for nothing takes the transfer for dead and forgets to hold the log back.
/// Behind the end there is nothing to be sent.
void SnapshotReceiver::keep_sender(Transfer& transfer) {
  const Instant now = driver_.now();
  if (now - std::max(transfer.last_asked, transfer.last_progress) < limits_.patience / 3) return;
  transfer.last_asked = now;
  const ChunkRequest request{id_of(transfer), transfer.wanted.snapshot.bytes, limits_.chunk_bytes};
  outbox_.send_bulk(ServiceMessage{own_, transfer.wanted.from, request});
  driver_.wake();
}

std::uint64_t SnapshotReceiver::bytes_received() const { return current_ ? current_->written : 0; }

std::uint64_t SnapshotReceiver::bytes_total() const {
  return current_ ? current_->wanted.snapshot.bytes : 0;
}

}  // namespace raft::replica
