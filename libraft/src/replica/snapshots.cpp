// Taking, installing and forgetting snapshots, and shortening the log.
#include <algorithm>
#include <utility>

#include "replica/replica.hpp"

namespace raft::replica {
namespace {

constexpr Duration first_pause = std::chrono::seconds(1);
constexpr Duration longest_pause = std::chrono::minutes(1);

/// Reads a capture to its end into a finished file.
Result<SnapshotInfo> write_file(storage::SnapshotFiles& files, Capture& capture,
                                std::size_t slice_bytes) {
  auto writer = files.begin(capture.meta, capture.records);
  if (!writer) return writer.error();
  while (true) {
    const Result<Bytes> slice = capture.read(slice_bytes);
    if (!slice) return slice.error();
    if (slice->empty()) return (*writer)->finish();
    if (const Result<void> written = (*writer)->append(*slice); !written) return written.error();
  }
}

}  // namespace

// --- taking ---

std::uint64_t Replica::take_snapshot(Done done) {
  const std::uint64_t ticket = ++last_ticket_;
  if (failure_) {
    complete(std::move(done), *failure_);
  } else if (stopping_) {
    complete(std::move(done), Errc::stopped);
  } else if (machine_->is_durable()) {
    durable_callers_.emplace(reached_, DurableCaller{ticket, std::move(done)});
    tell_durable_callers();
  } else {
    snapshot_callers_.emplace(ticket, std::move(done));
    start_snapshot();
  }
  return ticket;
}

/// The snapshot is taken all the same; only nobody waits for it.
void Replica::cancel_snapshot(std::uint64_t ticket) {
  if (auto caller = snapshot_callers_.extract(ticket)) {
    complete(std::move(caller.mapped()), Errc::timed_out);
  }
  for (auto at = durable_callers_.begin(); at != durable_callers_.end();) {
    if (at->second.ticket != ticket) {
      ++at;
      continue;
    }
    complete(std::move(at->second.done), Errc::timed_out);
    at = durable_callers_.erase(at);
  }
}

void Replica::fail_snapshot_callers(const Error& error) {
  for (auto& [ticket, done] : std::exchange(snapshot_callers_, {})) {
    complete(std::move(done), error);
  }
  for (auto& [index, caller] : std::exchange(durable_callers_, {})) {
    complete(std::move(caller.done), error);
  }
}

// Capturing is quick and happens between two applies; writing goes on beside later ones.
void Replica::start_snapshot() {
  if (taking_snapshot_ || failure_) return;
  taking_snapshot_ = true;
  auto capture = std::make_shared<Result<Capture>>(Errc::stopped);
  machine_queue_.run([this, capture] { *capture = machine_->capture(); },
                     [this, capture] {
                       if (!*capture) return no_capture(capture->error());
                       write_snapshot(std::make_shared<Capture>(*std::move(*capture)));
                     });
}

void Replica::no_capture(const Error& error) {
  if (failure_) return;
  if (error.code != Errc::storage_full) return fail(error);
  no_snapshot(error);  // There will be another one when there is space.
}

void Replica::write_snapshot(std::shared_ptr<Capture> capture) {
  if (failure_) return;
  const EntryId last = capture->meta.last;
  if (last.index.value == 0) {
    sender_.have_none();
    return end_taking(Error{Errc::conflict, "nothing is applied yet"});
  }
  if (newest_snapshot_ && newest_snapshot_->meta.last == last) {
    return snapshot_is_there(*newest_snapshot_);
  }
  auto written = std::make_shared<Result<SnapshotInfo>>(Errc::stopped);
  files_queue_.run(
      [this, capture, written] {
        *written = write_file(ports_.files, *capture, options_.limits.snapshot_chunk_bytes);
        capture->reader.reset();
      },
      [this, written] { snapshot_written(std::move(*written)); });
}

void Replica::snapshot_written(const Result<SnapshotInfo>& written) {
  if (failure_) return;  // It offers nothing to anyone any more.
  if (!written) return no_snapshot(written.error());
  ++counters_.snapshots_taken;
  RAFT_LOG(ports_.log, info,
           "snapshot at " + to_string(written->meta.last) + ", " + std::to_string(written->bytes) +
               " bytes");
  snapshot_is_there(*written);
}

void Replica::snapshot_is_there(const SnapshotInfo& file) {
  snapshot_pause_ = {};
  end_taking({});
  file_is_there(file);
  remove_old_files();
}

/// Not final: the log simply stays longer until the next one succeeds. Each try may fill the disk
/// to the brim before it fails, though.
void Replica::no_snapshot(const Error& error) {
  snapshot_pause_ = std::clamp(2 * snapshot_pause_, first_pause, longest_pause);
  no_snapshot_before_ = ports_.driver.now() + snapshot_pause_;
  RAFT_LOG(ports_.log, error, "no snapshot: " + error.detail);
  end_taking(error);
  sender_.have_none();
}

void Replica::end_taking(const Result<void>& result) {
  taking_snapshot_ = false;
  for (auto& [ticket, done] : std::exchange(snapshot_callers_, {})) {
    complete(std::move(done), result);
  }
  wake();
}

/// An own file may be finished after a newer one was installed: the newest counts.
void Replica::file_is_there(const SnapshotInfo& file) {
  if (newest_snapshot_ && newest_snapshot_->meta.last.index > file.meta.last.index) return;
  newest_snapshot_ = file;
  // A waiting peer may need more than this one has: then there will be another.
  if (!sender_.have(file)) start_snapshot();
}

// --- installing ---

void Replica::snapshot_ended(const core::SnapshotWanted& wanted, const Result<void>& result) {
  if (failure_) return;
  if (result) {
    received_[wanted.snapshot.meta.last.index] = wanted.snapshot;
  } else {
    RAFT_LOG(ports_.log, warning,
             "declined the snapshot at " + to_string(wanted.snapshot.meta.last) + " of node " +
                 to_string(wanted.from) + ": " + result.error().detail);
  }
  core_.snapshot_received(wanted, result.has_value(), ports_.driver.now());
}

// The log on disk has its new base: from here on a crash leads to this same restore.
void Replica::restore(const SnapshotMeta& meta) {
  Answers answers;
  proposals_.skipped(meta.last.index, answers);
  tell(answers);
  // A newer one may have been received since, and be installed next.
  const SnapshotInfo file = received_.at(meta.last.index);
  received_.erase(received_.begin(), received_.upper_bound(meta.last.index));
  try_again_ = {};  // Whatever waits for space is older than this.
  restore_from(file);
}

// However quick a machine is to apply, it may take long to read all of a large state.
void Replica::restore_from(const SnapshotInfo& file) {
  auto result = std::make_shared<Result<void>>();
  machine_queue_.run_on_worker(
      [this, result, file] {
        auto contents = ports_.files.open(file);
        if (!contents) {
          *result = contents.error();
          return;
        }
        *result = machine_->restore(contents->meta(), contents->head_records(), *contents);
      },
      [this, result, file] {
        if (failure_) return;
        if (*result) return restored(file);
        if (result->code() != Errc::storage_full) return fail(result->error());
        machine_is_full(result->error(), [this, file] { restore_from(file); });
      });
}

void Replica::restored(const SnapshotInfo& file) {
  const SnapshotMeta& meta = file.meta;
  ++counters_.snapshots_installed;
  RAFT_LOG(ports_.log, info, "installed the snapshot at " + to_string(meta.last));
  // What was not committed before is covered.
  machine_is_full_ = false;
  unwritten_.clear();
  file_is_there(file);
  applied_membership_ = meta.membership;
  Completions completions;
  changes_.skipped(meta.last.index, completions);
  tell(completions);
  core_.applied(meta.last.index);
  machine_reached(meta.last.index);
  remove_old_files();
  wake();
}

// --- forgetting ---

void Replica::maintain_log() {
  Index kept;  // Up to here the machine needs no log to come back.
  if (machine_->is_durable()) {
    tell_durable_callers();
    request_durable_if_due();
    kept = machine_->durable_index();
    if (sender_.is_idle() && !taking_snapshot_) remove_old_files();
  } else {
    if (snapshot_is_due()) start_snapshot();
    if (newest_snapshot_) kept = newest_snapshot_->meta.last.index;
  }
  if (kept > shortened_for_ && !compacting_) shorten_log(kept);
}

bool Replica::snapshot_is_due() const {
  const Index last = newest_snapshot_ ? newest_snapshot_->meta.last.index : Index{};
  const std::uint64_t threshold = std::max<std::uint64_t>(
      options_.retention.snapshot_log_bytes, newest_snapshot_ ? newest_snapshot_->bytes : 0);
  return reached_ > last && !taking_snapshot_ && ports_.driver.now() >= no_snapshot_before_ &&
         (sizes_.bytes_since(last) > threshold ||
          distance(last, reached_) > options_.retention.snapshot_log_entries);
}

void Replica::request_durable_if_due() {
  const Index from = std::max(machine_->durable_index(), durable_requested_);
  if (sizes_.bytes_since(from) <= options_.retention.snapshot_log_bytes &&
      distance(from, reached_) <= options_.retention.snapshot_log_entries) {
    return;
  }
  durable_requested_ = reached_;
  machine_->request_durable(reached_);
}

/// What is applied at the call must survive a power cut before its caller is told so. Asked again,
/// for a flush may fail and leave the machine waiting.
void Replica::tell_durable_callers() {
  if (durable_callers_.empty()) return;
  const Index durable = machine_->durable_index();
  while (!durable_callers_.empty() && durable_callers_.begin()->first <= durable) {
    complete(std::move(durable_callers_.begin()->second.done), {});
    durable_callers_.erase(durable_callers_.begin());
  }
  if (!durable_callers_.empty()) machine_->request_durable(durable_callers_.rbegin()->first);
}

/// Erases the log up to `upto`, but for a tail that spares followers a little behind a snapshot.
/// Once per snapshot or flush: erasing a range costs about the same however long it is.
void Replica::shorten_log(Index upto) {
  const core::Log& log = core_.log();
  const std::uint64_t trailing = options_.retention.trailing_entries;
  Index base{upto.value > trailing ? upto.value - trailing : 0};
  base =
      std::min(upto, std::max(base, sizes_.reaching_back(options_.retention.snapshot_log_bytes)));
  const Index limit = core_.compaction_limit();
  if (limit < base) {
    if (sizes_.bytes_since(limit) > options_.retention.log_hold_bytes_max) {
      for (NodeId holder : core_.compaction_holders()) {
        RAFT_LOG(ports_.log, warning,
                 "gave up the snapshot for node " + to_string(holder) + ": the log grew too long");
        sender_.stop(holder);
        core_.snapshot_failed(holder, ports_.driver.now());
      }
    }
    base = limit;  // What is left waits until the transfer is over.
  } else {
    shortened_for_ = upto;
  }
  if (base <= log.base().last.index) return;
  compacting_ = true;
  const SnapshotMeta meta{{*log.term_at(base), base}, log.last_time(), log.membership_at(base)};
  ports_.storage.compact(meta, [this, meta](const Storage::Written& written) {
    compacting_ = false;
    if (failure_) return;
    if (!written.result) return fail(written.result.error());
    core_.compacted(meta);
    sizes_.forget(meta.last.index);
    wake();
  });
}

// A volatile machine keeps the newest file and those being sent; a durable one needs none but for
// transfers and for a restore that may have to be repeated.
void Replica::remove_old_files() {
  if (!newest_snapshot_) return;
  Index keep = newest_snapshot_->meta.last.index;
  if (const auto needed = sender_.oldest_needed()) keep = std::min(keep, *needed);
  if (machine_->is_durable()) {
    const Index base = core_.log().base().last.index;
    if (machine_->durable_index() >= base && sender_.is_idle()) {
      // What is received meanwhile lies above and stays.
      keep = newest_snapshot_->meta.last.index.next();
      newest_snapshot_.reset();
      sender_.forget();
    } else {
      keep = std::min(keep, base);
    }
  }
  auto result = std::make_shared<Result<void>>();
  files_queue_.run([this, keep, result] { *result = ports_.files.remove_below(keep); },
                   [this, result] {
                     if (!*result) {
                       RAFT_LOG(ports_.log, warning,
                                "old snapshots stay: " + result->error().detail);
                     }
                   });
}

}  // namespace raft::replica
