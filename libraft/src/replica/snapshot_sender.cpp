#include "replica/snapshot_sender.hpp"

#include <algorithm>
#include <memory>

namespace raft::replica {

SnapshotSender::SnapshotSender(const TransferLimits& limits, core::Core& core, Outbox& outbox,
                               Worker& worker, Driver& driver, const storage::SnapshotFiles& files)
    : idle_max_(2 * limits.patience),
      core_(core),
      outbox_(outbox),
      worker_(worker),
      driver_(driver),
      files_(files) {}

bool SnapshotSender::send(const core::SnapshotSend& request) {
  // It may have arrived and be too old by now.
  if (const auto ended = transfers_.find(request.to); ended != transfers_.end()) {
    count_if_delivered(request.to, ended->second);
    transfers_.erase(ended);
  }
  if (!held_.empty() && held_.rbegin()->first >= request.minimum) {
    offer(request.to);
    return true;
  }
  waiting_[request.to] = request.minimum;
  return false;
}

void SnapshotSender::offer(NodeId to) {
  const SnapshotInfo& file = held_.rbegin()->second;
  transfers_[to] = {file.meta.last.index, driver_.now(), 0, file.bytes};
  core_.offer_snapshot(to, file, driver_.now());
}

bool SnapshotSender::have(const SnapshotInfo& file) {
  held_[file.meta.last.index] = file;
  std::erase_if(held_, [&](const auto& held) {
    const Index index = held.first;
    const auto is_read = [&](const auto& transfer) { return transfer.second.last == index; };
    return index != file.meta.last.index &&
           std::none_of(transfers_.begin(), transfers_.end(), is_read);
  });
  std::erase_if(waiting_, [&](const auto& item) {
    const auto& [to, minimum] = item;
    if (minimum > file.meta.last.index) return false;
    offer(to);
    return true;
  });
  return waiting_.empty();
}

void SnapshotSender::have_none() {
  for (const auto& [to, minimum] : std::exchange(waiting_, {})) {
    core_.snapshot_failed(to, driver_.now());
  }
}

void SnapshotSender::received(NodeId from, const ChunkRequest& request) {
  const auto answer = [this, from, transfer = request.transfer,
                       offset = request.offset](Bytes bytes) {
    outbox_.send_bulk(ServiceMessage{core_.id(), from, Chunk{transfer, offset, std::move(bytes)}});
    driver_.wake();
  };
  const auto transfer = transfers_.find(from);
  const auto held = held_.find(request.transfer.last);
  if (transfer == transfers_.end() || transfer->second.last != request.transfer.last ||
      held == held_.end()) {
    return answer({});
  }
  transfer->second.last_request = driver_.now();
  auto bytes = std::make_shared<Bytes>();
  worker_.run(
      [this, bytes, file = held->second, offset = request.offset,
       max = std::min(request.bytes_max, chunk_bytes_max)] {
        Result<Bytes> read = files_.read_at(file, offset, max);
        if (read) *bytes = *std::move(read);
      },
      [this, bytes, answer, from, offset = request.offset] {
        if (const auto found = transfers_.find(from); found != transfers_.end()) {
          found->second.bytes_sent =
              std::max(found->second.bytes_sent, std::uint64_t{offset + bytes->size()});
        }
        answer(std::move(*bytes));
      });
}

void SnapshotSender::tick() {
  const core::Leader* leader = core_.leader_state();
  const auto is_wanted = [&](NodeId to) {
    if (leader == nullptr) return false;
    const auto peer = leader->peers.find(to);
    return peer != leader->peers.end() && peer->second.state == core::Progress::State::snapshot;
  };
  for (auto at = transfers_.begin(); at != transfers_.end();) {
    const auto& [to, transfer] = *at;
    const bool is_idle_too_long = driver_.now() - transfer.last_request > idle_max_;
    if (is_wanted(to) && !is_idle_too_long) {
      ++at;
      continue;
    }
    if (is_wanted(to)) {
      core_.snapshot_failed(to, driver_.now());
    } else {
      count_if_delivered(to, transfer);
    }
    at = transfers_.erase(at);
  }
  std::erase_if(waiting_, [&](const auto& item) { return !is_wanted(item.first); });
}

void SnapshotSender::count_if_delivered(NodeId to, const Transfer& transfer) {
  const core::Leader* leader = core_.leader_state();
  if (leader == nullptr) return;
  const auto peer = leader->peers.find(to);
  if (peer != leader->peers.end() && peer->second.match >= transfer.last) ++delivered_;
}

void SnapshotSender::stop(NodeId to) {
  transfers_.erase(to);
  waiting_.erase(to);
}

std::optional<Index> SnapshotSender::oldest_needed() const {
  if (held_.empty()) return std::nullopt;
  return held_.begin()->first;
}

}  // namespace raft::replica
