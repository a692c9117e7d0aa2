// hard state := term:u64le vote:u64le commit:u64le lease_seen:u64le (nanoseconds)
// base       := snapshot meta, as in protocol/encoding.cpp
// entry      := entry, as in protocol/encoding.cpp
#include "storage/log_records.hpp"

#include "protocol/encoding.hpp"
#include "storage/keys.hpp"
#include "storage/record.hpp"
#include "util/bytes.hpp"

namespace raft::storage {
namespace {

template <class Value>
Bytes sealed(BytesView key, const Value& value) {
  Bytes record = blank_record();
  util::Writer out(record);
  encode(value, out);
  seal(key, record);
  return record;
}

Error undecodable(BytesView key) { return corrupt_record(key, "the value cannot be decoded"); }

}  // namespace

Bytes encode_record(BytesView key, const HardState& hard_state) {
  Bytes record = blank_record();
  util::Writer out(record);
  out.u64(hard_state.term.value);
  out.u64(hard_state.vote.value);
  out.u64(hard_state.commit.value);
  out.u64(static_cast<std::uint64_t>(hard_state.lease_seen.count()));
  seal(key, record);
  return record;
}

Bytes encode_record(BytesView key, const SnapshotMeta& base) { return sealed(key, base); }

Bytes encode_record(BytesView key, const Entry& entry) { return sealed(key, entry); }

Result<HardState> decode_hard_state(BytesView key, BytesView value) {
  const Result<BytesView> body = unseal(key, value);
  if (!body) return body.error();
  util::Reader in(*body);
  HardState hard_state;
  hard_state.term = decode_term(in);
  hard_state.vote.value = in.u64();
  hard_state.commit = decode_index(in);
  hard_state.lease_seen = decode_duration(in);
  if (!in.done()) return undecodable(key);
  return hard_state;
}

Result<SnapshotMeta> decode_base(BytesView key, BytesView value) {
  const Result<BytesView> body = unseal(key, value);
  if (!body) return body.error();
  util::Reader in(*body);
  SnapshotMeta base = decode_snapshot_meta(in);
  if (!in.done() || !base.membership.membership) return undecodable(key);
  return base;
}

Result<EntryPtr> decode_entry_at(BytesView key, BytesView value) {
  const Result<BytesView> body = unseal(key, value);
  if (!body) return body.error();
  util::Reader in(*body);
  EntryPtr entry = decode_entry(in);
  if (!in.done() || !entry) return undecodable(key);
  if (entry->index != entry_index(key)) {
    return corrupt_record(key, "the record is of index " + to_string(entry->index));
  }
  return entry;
}

}  // namespace raft::storage
