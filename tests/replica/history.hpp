// A short history that a log, a snapshot and a machine can be cut from at any place.
#pragma once

#include <string>
#include <vector>

#include "hand_ports.hpp"
#include "replica/machine.hpp"
#include "replica/register_machine.hpp"
#include "storage/snapshot_files.hpp"

namespace raft::test {

/// Nobody watches: a test looks for itself.
struct NoWitness final : MachineWitness {
  void executed(const Operation&, const RegisterState&, bool again) override { twice += again; }
  void restored(const RegisterState&) override { ++restores; }
  void unreadable(const char*) override { ++failures; }

  int twice = 0;
  int restores = 0;
  int failures = 0;
};

inline constexpr GroupId history_group{3};

inline MembershipPtr history_membership() {
  auto membership = std::make_shared<Membership>();
  membership->members.push_back({NodeId{1}, InstanceId{1, 1}, "n1", Role::voter, false, {}});
  membership->members.push_back({NodeId{2}, InstanceId{1, 2}, "n2", Role::learner, false, {}});
  return membership;
}

/// Entry 1 sets the membership, all others are operations with the number of their index, one
/// second apart; every second one has a session.
inline EntryPtr history_entry(std::uint64_t index, std::uint64_t term = 1) {
  Entry entry;
  entry.term = Term{term};
  entry.index = Index{index};
  entry.time.since_founding = std::chrono::seconds(index);
  if (index == 1) {
    entry.body = history_membership();
  } else {
    Command command;
    if (index % 2 == 0) command = {"client", index / 2, {}};
    command.bytes = encode(Operation{index, "k" + std::to_string(index % 5), "v"});
    entry.body = command;
  }
  return std::make_shared<const Entry>(std::move(entry));
}

inline std::vector<EntryPtr> history(std::uint64_t first, std::uint64_t last,
                                     std::uint64_t term = 1) {
  std::vector<EntryPtr> entries;
  for (std::uint64_t index = first; index <= last; ++index) {
    entries.push_back(history_entry(index, term));
  }
  return entries;
}

inline SnapshotMeta history_meta(std::uint64_t index, std::uint64_t term = 1) {
  return {
      {Term{term}, Index{index}}, {std::chrono::seconds(index)}, {Index{1}, history_membership()}};
}

/// Puts a log on the disk that begins behind `base` and ends at `last`.
inline void write_log(storage::KvEngine& engine, std::uint64_t base, std::uint64_t last) {
  storage::LogStore store(engine, history_group);
  static_cast<void>(store.recover());
  PersistWork work;
  if (base > 0) work.base = history_meta(base);
  work.entries = history(base + 1, last);
  work.hard_state = HardState{Term{1}, NodeId{1}, Index{last}, Duration{0}};
  storage::KvBatch batch;
  store.stage(work, batch);
  static_cast<void>(engine.write(batch, true));
}

/// A finished snapshot file of everything up to `index`.
inline Result<SnapshotInfo> save_snapshot(storage::SnapshotFiles& files, std::uint64_t index,
                                          std::uint64_t term = 1, std::size_t padding = 0) {
  NoWitness witness;
  VolatileRegister registers(witness, {false, padding});
  replica::Machine machine(registers);
  if (const auto applied = machine.apply(history(1, index, term)); !applied) return applied.error();
  auto capture = machine.capture();
  if (!capture) return capture.error();
  auto writer = files.begin(capture->meta, capture->records);
  if (!writer) return writer.error();
  while (true) {
    const Result<Bytes> slice = capture->reader->read(10'000);
    if (!slice) return slice.error();
    if (slice->empty()) return (*writer)->finish();
    if (const auto appended = (*writer)->append(*slice); !appended) return appended.error();
  }
}

}  // namespace raft::test
