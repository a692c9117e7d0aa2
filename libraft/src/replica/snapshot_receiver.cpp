#include "replica/snapshot_receiver.hpp"

#include <algorithm>
#include <utility>

namespace raft::replica {

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
          transfer->failed = true;
        }
      },
      [this, transfer] {
        if (transfer != current_) return;
        if (transfer->failed) return end(transfer, false);
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
  if (!transfer || !transfer->writer || chunk.transfer != id_of(*transfer)) return;
  if (chunk.bytes.empty()) return end(transfer, false);  // The sender no longer holds the file.
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
        if (!transfer->failed && !transfer->writer->append(*bytes)) transfer->failed = true;
      },
      [this, transfer, bytes] {
        if (transfer != current_) return;
        if (transfer->failed) return end(transfer, false);
        transfer->written += bytes->size();
        if (transfer->written >= transfer->wanted.snapshot.bytes) return finish(transfer);
        ask(transfer);
      });
  write_next(transfer);
}

void SnapshotReceiver::finish(const TransferPtr& transfer) {
  files_queue_.run([transfer] { transfer->failed = !transfer->writer->finish(); },
                   [this, transfer] {
                     if (transfer == current_) end(transfer, !transfer->failed);
                   });
}

void SnapshotReceiver::end(const TransferPtr& transfer, bool complete) {
  current_.reset();
  ended_(transfer->wanted, complete);
  driver_.wake();
}

void SnapshotReceiver::tick() {
  const TransferPtr transfer = current_;
  if (!transfer || !transfer->writer) return;
  const Instant now = driver_.now();
  if (now - transfer->last_progress > limits_.patience) return end(transfer, false);
  const bool waits_for_chunks = transfer->queued == transfer->written;
  if (waits_for_chunks &&
      now - std::max(transfer->last_asked, transfer->last_progress) > limits_.retry) {
    transfer->requested = transfer->queued;
    transfer->early.clear();
    ask(transfer);
  }
}

std::uint64_t SnapshotReceiver::bytes_received() const { return current_ ? current_->written : 0; }

std::uint64_t SnapshotReceiver::bytes_total() const {
  return current_ ? current_->wanted.snapshot.bytes : 0;
}

}  // namespace raft::replica
