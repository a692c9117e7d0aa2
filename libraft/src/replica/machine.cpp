#include "replica/machine.hpp"

#include <utility>

#include "protocol/encoding.hpp"
#include "replica/guarded.hpp"
#include "util/assert.hpp"
#include "util/bytes.hpp"

namespace raft::replica {
namespace {

const Bytes applied_key = "applied";
const Bytes membership_key = "membership";

MembershipPtr no_membership() { return std::make_shared<const Membership>(); }

MetaRecord applied_record(const SnapshotMeta& applied) {
  Bytes value;
  util::Writer out(value);
  out.u64(applied.last.index.value);
  out.u64(applied.last.term.value);
  out.u64(static_cast<std::uint64_t>(applied.time.since_founding.count()));
  return {applied_key, std::move(value)};
}

MetaRecord membership_record(const SnapshotMeta& applied) {
  Bytes value;
  util::Writer out(value);
  out.u64(applied.membership.index.value);
  encode(*applied.membership.membership, out);
  return {membership_key, std::move(value)};
}

template <class Call>
auto guarded_machine(Call call) -> decltype(call()) {
  return guarded(Errc::machine_failed, "the state machine", std::move(call));
}

}  // namespace

Machine::Machine(StateMachine& machine)
    : machine_(machine),
      durable_(dynamic_cast<DurableStateMachine*>(&machine)),
      sessions_(durable_ != nullptr) {
  applied_.membership.membership = no_membership();
}

/// What follows a failure would build on a state that nobody knows: it is not tried.
template <class Call>
auto Machine::unless_failed(Call call) -> decltype(call()) {
  if (failure_) return *failure_;
  auto result = guarded_machine(std::move(call));
  if (!result && result.code() != Errc::storage_full) failure_ = result.error();
  return result;
}

Index Machine::durable_index() const { return durable_ ? durable_->durable_index() : Index{}; }

void Machine::request_durable(Index upto) {
  if (durable_) durable_->request_durable(upto);
}

Result<void> Machine::load() {
  if (!durable_) return {};
  return unless_failed([&]() -> Result<void> {
    const auto records = durable_->load_meta();
    if (!records) return records.error();
    for (const MetaRecord& record : *records) {
      if (!load_record(record)) return Error{Errc::corrupt, "meta record " + record.key};
    }
    return {};
  });
}

Result<std::vector<Outcome>> Machine::apply(std::span<const EntryPtr> entries) {
  return unless_failed([&]() -> Result<std::vector<Outcome>> {
    outcomes_.reserve(outcomes_.size() + entries.size());
    for (const EntryPtr& entry : entries) {
      RAFT_ASSERT(entry->index == applied_.last.index.next());
      Outcome outcome{entry->id(), Bytes{}};
      if (const Command* command = entry->command()) {
        outcome.reply = execute(*entry, *command);
      } else if (const MembershipPtr* membership = entry->membership()) {
        applied_.membership = {entry->index, *membership};
        membership_changed_ = true;
      }
      applied_.last = entry->id();
      applied_.time = entry->time;
      outcomes_.push_back(std::move(outcome));
    }
    return write_out();
  });
}

Result<std::vector<Outcome>> Machine::commit() {
  return unless_failed([&] { return write_out(); });
}

Result<Bytes> Machine::execute(const Entry& entry, const Command& command) {
  const AppliedEntry applied{entry.index, entry.term, entry.time, command.bytes};
  if (command.client.empty()) return machine_.apply(applied);
  switch (sessions_.judge(command, entry.time)) {
    case Sessions::Verdict::expired:
      return Errc::session_expired;
    case Sessions::Verdict::repeated:
      return sessions_.reply(command);
    case Sessions::Verdict::fresh:
      break;
  }
  Bytes reply = machine_.apply(applied);
  sessions_.remember(command, entry.time, reply);
  return reply;
}

Result<std::vector<Outcome>> Machine::write_out() {
  if (durable_) {
    records_.push_back(applied_record(applied_));
    if (std::exchange(membership_changed_, false)) records_.push_back(membership_record(applied_));
    sessions_.take_changes(records_);
    const Result<void> committed = durable_->commit(applied_.last.index, records_);
    if (!committed) return committed.error();
    records_.clear();
  }
  return std::exchange(outcomes_, {});
}

Result<Bytes> Capture::read(std::size_t max) {
  return guarded_machine([&] { return reader->read(max); });
}

Result<Capture> Machine::capture() {
  if (!outcomes_.empty()) {
    return Error{Errc::storage_full, "the state machine has no space for what was applied last"};
  }
  auto reader = unless_failed([&]() -> Result<std::unique_ptr<SnapshotReader>> {
    auto frozen = machine_.capture();
    if (!frozen) return Error{Errc::machine_failed, "the state machine captured nothing"};
    return frozen;
  });
  if (!reader) return reader.error();
  std::vector<MetaRecord> records;
  sessions_.save(records);
  Capture capture{applied_, {}, *std::move(reader)};
  util::Writer out(capture.records);
  out.u32(static_cast<std::uint32_t>(records.size()));
  for (const MetaRecord& record : records) {
    out.bytes(record.key);
    out.bytes(*record.value);
  }
  return capture;
}

Result<void> Machine::restore(const SnapshotMeta& meta, BytesView head, SnapshotReader& reader) {
  std::vector<MetaRecord> records;
  util::Reader in(head);
  for (std::size_t left = in.count(8); left > 0; --left) {
    Bytes key(in.bytes());
    records.push_back({std::move(key), Bytes(in.bytes())});
  }
  if (!in.done()) return Error{Errc::corrupt, "head of snapshot at " + to_string(meta.last)};
  Sessions sessions(durable_ != nullptr);
  for (const MetaRecord& record : records) {
    if (!sessions.load(record)) return Error{Errc::corrupt, "snapshot record " + record.key};
  }
  const Result<void> restored = unless_failed([&]() -> Result<void> {
    if (!durable_) return machine_.restore(reader);
    records.push_back(applied_record(meta));
    records.push_back(membership_record(meta));
    return durable_->restore(reader, meta.last.index, records);
  });
  if (!restored) return restored;
  // Only now: without space for it the machine goes on as it was, and may have to commit.
  sessions_ = std::move(sessions);
  applied_ = meta;
  membership_changed_ = false;
  records_.clear();
  outcomes_.clear();
  return {};
}

bool Machine::load_record(const MetaRecord& record) {
  if (!record.value) return false;
  util::Reader in(*record.value);
  if (record.key == applied_key) {
    applied_.last.index.value = in.u64();
    applied_.last.term.value = in.u64();
    applied_.time.since_founding = Duration(static_cast<std::int64_t>(in.u64()));
    return in.done();
  }
  if (record.key == membership_key) {
    applied_.membership.index.value = in.u64();
    applied_.membership.membership = std::make_shared<const Membership>(decode_membership(in));
    return in.done();
  }
  return sessions_.load(record);
}

}  // namespace raft::replica
