#include "sim/observed_machine.hpp"

#include <utility>

#include "sim/digest.hpp"
#include "sim/frozen_bytes.hpp"
#include "util/bytes.hpp"

namespace raft::sim {
namespace {

constexpr std::size_t head_bytes = 16;

/// Some bytes, and then what another reader gives.
class HeadedReader final : public SnapshotReader {
 public:
  HeadedReader(Bytes head, std::unique_ptr<SnapshotReader> rest)
      : head_(std::move(head)), rest_(std::move(rest)) {}

  Result<Bytes> read(std::size_t max) override {
    if (head_.empty()) return rest_->read(max);
    Bytes slice = head_.substr(0, max);
    head_.erase(0, slice.size());
    return slice;
  }

 private:
  Bytes head_;
  std::unique_ptr<SnapshotReader> rest_;
};

/// A state is compared at every so many entries, on all nodes at the same ones.
constexpr std::uint64_t compared_every = 8;

}  // namespace

Bytes ObservedMachine::apply(const AppliedEntry& entry) {
  const std::uint64_t command = digest_of(entry.command);
  Bytes reply = machine_->apply(entry);
  applied_ = entry.index;
  executions_.emplace(command, entry.index);
  checkers_.applied(node_, entry.index, command, digest_of(reply));
  if (entry.index.value % compared_every == 0) compare();
  return reply;
}

std::uint64_t ObservedMachine::digest() {
  const auto view = machine_->capture();
  const Result<Bytes> state = read_all(*view);
  if (state) return digest_of(*state);
  checkers_.violated("D8", "a capture cannot be read: " + state.error().detail);
  return 0;
}

void ObservedMachine::compare() {
  if (subject_.check) {
    if (const auto wrong = subject_.check(*machine_)) checkers_.violated("check", *wrong);
  }
  checkers_.state(node_, applied_, digest());
}

std::unique_ptr<SnapshotReader> ObservedMachine::capture() {
  Bytes head;
  util::Writer out(head);
  out.u64(applied_.value);
  out.u64(digest());
  return std::make_unique<HeadedReader>(std::move(head), machine_->capture());
}

// P3: what is restored is the state that was captured, at that index.
Result<void> ObservedMachine::restore(SnapshotReader& snapshot) {
  Result<Bytes> bytes = read_all(snapshot);
  if (!bytes) return bytes.error();
  if (bytes->size() < head_bytes) return Error{Errc::corrupt, "a snapshot without its head"};
  util::Reader in(*bytes);
  const Index applied{in.u64()};
  const std::uint64_t captured = in.u64();
  FrozenBytes rest(bytes->substr(head_bytes));
  const Result<void> restored = machine_->restore(rest);
  if (!restored) return restored;
  applied_ = applied;
  if (digest() != captured) {
    checkers_.violated("P3", "node " + to_string(node_) + " restored another state than that of " +
                                 to_string(applied));
  }
  checkers_.restored(node_, applied_, captured);
  return restored;
}

}  // namespace raft::sim
