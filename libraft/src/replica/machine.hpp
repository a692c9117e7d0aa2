// The user's state machine together with what libraft replicates beside it: applied index,
// membership and sessions.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <libraft/membership.hpp>
#include <libraft/state_machine.hpp>
#include "protocol/entry.hpp"
#include "protocol/message.hpp"
#include "replica/sessions.hpp"

namespace raft::replica {

/// What an entry came to. Only commands have a reply.
struct Outcome {
  EntryId id;
  Result<Bytes> reply;
};

/// A frozen state, ready to be written as a snapshot.
struct Capture {
  SnapshotMeta meta;
  Bytes records;  ///< The head of the file.
  std::unique_ptr<SnapshotReader> reader;

  /// As SnapshotReader::read(); what the user's code throws is an error.
  Result<Bytes> read(std::size_t max);
};

/// Used by one thread at a time, not always the same one, one call after the other. A final error
/// is the answer to every later call, of which the user's machine hears nothing: calls may be
/// queued behind the one that fails.
class Machine {
 public:
  explicit Machine(StateMachine& machine);

  bool may_block() const { return machine_.may_block(); }
  bool is_durable() const { return durable_ != nullptr; }
  /// What survives a power cut; any thread. 0 for a volatile machine.
  Index durable_index() const;
  void request_durable(Index upto);  ///< Any thread.

  /// Up to where entries are applied.
  const SnapshotMeta& applied() const { return applied_; }

  /// A durable machine gives back what it kept. Errors: corrupt, and its own.
  Result<void> load();
  /// In order, without a gap, and commits. storage_full: all of it is executed and nothing
  /// committed; commit() tries again, and so does the next apply(), which then also gives the
  /// outcomes that are owed. Other errors are final: storage_failed, or the machine threw.
  Result<std::vector<Outcome>> apply(std::span<const EntryPtr> entries);
  /// Again, after storage_full. Gives the outcomes that are owed, and errors as apply().
  Result<std::vector<Outcome>> commit();
  /// storage_full: there is something to be committed first.
  Result<Capture> capture();
  /// All or nothing. Errors: corrupt, and the machine's own.
  Result<void> restore(const SnapshotMeta& meta, BytesView records, SnapshotReader& reader);

 private:
  template <class Call>
  auto unless_failed(Call call) -> decltype(call());
  Result<Bytes> execute(const Entry& entry, const Command& command);
  Result<std::vector<Outcome>> write_out();
  bool load_record(const MetaRecord& record);

  StateMachine& machine_;
  DurableStateMachine* const durable_;
  Sessions sessions_;
  SnapshotMeta applied_;
  std::optional<Error> failure_;

  // Since the last commit. Of two records of one key the later counts.
  bool membership_changed_ = false;
  std::vector<MetaRecord> records_;
  std::vector<Outcome> outcomes_;
};

}  // namespace raft::replica
