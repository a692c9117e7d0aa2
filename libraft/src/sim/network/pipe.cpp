#include "sim/network/pipe.hpp"

#include <algorithm>
#include <utility>

#include "sim/network/path.hpp"
#include "util/assert.hpp"

namespace raft::sim {

void Pipe::push(Packet packet) {
  packet.due = std::max(packet.due, last_due_);
  // Nothing may come after the end.
  if (packet.then != Packet::Then::more && !empty()) {
    packet.due = std::max(packet.due, packets_.back().due);
  }
  last_due_ = packet.due;
  auto before = packets_.end();
  const auto first = packets_.begin() + static_cast<std::ptrdiff_t>(held_);
  while (before != first && std::prev(before)->due > packet.due) {
    --before;
    if (std::exchange(before->waits_for_overtaking, false)) before->marks.add(Fault::reorder);
  }
  insert(before, std::move(packet));
}

void Pipe::push_before_last(Packet packet) {
  RAFT_ASSERT(can_be_overtaken());
  Packet& last = packets_.back();
  last_due_ = std::max(packet.due, last_due_);
  packet.due = std::exchange(last.due, std::max(last_due_, last.due));
  packet.marks.add(Fault::reorder);
  insert(std::prev(packets_.end()), std::move(packet));
}

void Pipe::push_aside(Packet packet) {
  packet.due = std::max(packet.due, last_due_);
  auto before = packets_.end();
  const auto first = packets_.begin() + static_cast<std::ptrdiff_t>(held_);
  while (before != first && std::prev(before)->due > packet.due) --before;
  insert(before, std::move(packet));
}

void Pipe::insert(Position before, Packet packet) {
  bytes_ += packet.bytes.size();
  packets_.insert(before, std::move(packet));
}

std::optional<Duration> Pipe::next_due() const {
  if (held_ == packets_.size()) return std::nullopt;
  return held_ == 0 ? packets_.front().due : packets_[held_].due;
}

Packet Pipe::pop() {
  RAFT_ASSERT(held_ == 0);
  Packet packet = std::move(packets_.front());
  packets_.pop_front();
  bytes_ -= packet.bytes.size();
  return packet;
}

bool Pipe::can_be_overtaken() const {
  return packets_.size() > held_ && packets_.back().is_message;
}

std::size_t Pipe::hold(Duration now) {
  const std::size_t held_before = held_;
  while (held_ < packets_.size() && packets_[held_].due <= now) ++held_;
  return held_ - held_before;
}

void Pipe::release(Duration due) {
  held_ = 0;
  for (Packet& packet : packets_) packet.due = std::max(packet.due, due);
  last_due_ = std::max(last_due_, due);
}

std::size_t Pipe::lose_held(Duration due) {
  const auto first_kept = packets_.begin() + static_cast<std::ptrdiff_t>(std::exchange(held_, 0));
  const auto is_lost = [](const Packet& packet) { return packet.then == Packet::Then::more; };
  const auto lost_end = std::stable_partition(packets_.begin(), first_kept, is_lost);
  for (auto lost = packets_.begin(); lost != lost_end; ++lost) bytes_ -= lost->bytes.size();
  const std::ptrdiff_t lost = lost_end - packets_.begin();
  packets_.erase(packets_.begin(), lost_end);
  release(due);
  return static_cast<std::size_t>(lost);
}

void Pipe::clear() {
  packets_.clear();
  held_ = 0;
  bytes_ = 0;
}

void Pipe::break_at(std::size_t bytes) {
  Packet first = std::move(packets_.front());
  clear();
  first.bytes.resize(bytes);
  first.then = Packet::Then::broken;
  insert(packets_.end(), std::move(first));
}

Duration Pipe::occupy(Duration now, std::size_t bytes, std::uint64_t bytes_per_second) {
  busy_until_ = std::max(now, busy_until_) + time_to_send(bytes, bytes_per_second);
  return busy_until_;
}

}  // namespace raft::sim
