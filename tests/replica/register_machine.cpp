#include "replica/register_machine.hpp"

#include <utility>

#include "util/bytes.hpp"
#include "util/crc32c.hpp"

namespace raft::test {
namespace {

constexpr std::size_t versions_max = 6;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  return core::Random(hash ^ (value * 0x9e3779b97f4a7c15u)).next();
}

Bytes encode(const RegisterState& state) {
  Bytes bytes;
  util::Writer out(bytes);
  out.u64(state.last.value);
  out.u64(state.hash);
  out.u32(static_cast<std::uint32_t>(state.values.size()));
  for (const auto& [key, value] : state.values) {
    out.bytes(key);
    out.bytes(value);
  }
  out.u32(static_cast<std::uint32_t>(state.executed.size()));
  for (const auto& [number, index] : state.executed) {
    out.u64(number);
    out.u64(index.value);
  }
  return bytes;
}

std::optional<RegisterState> decode_state(BytesView bytes) {
  util::Reader in(bytes);
  RegisterState state;
  state.last.value = in.u64();
  state.hash = in.u64();
  for (std::size_t left = in.count(8); left > 0; --left) {
    Bytes key(in.bytes());
    state.values[std::move(key)] = Bytes(in.bytes());
  }
  for (std::size_t left = in.count(16); left > 0; --left) {
    const std::uint64_t number = in.u64();
    state.executed[number].value = in.u64();
  }
  if (!in.done()) return std::nullopt;
  return state;
}

/// Bytes that only this state has, so that parts of two snapshots cannot be mixed unseen.
Bytes padding_for(const RegisterState& state, std::size_t size) {
  Bytes bytes;
  bytes.reserve(size + 8);
  core::Random random(state.hash);
  util::Writer out(bytes);
  while (bytes.size() < size) out.u64(random.next());
  bytes.resize(size);
  return bytes;
}

/// Gives no more at a time than a stubborn machine might.
class FrozenBytes final : public SnapshotReader {
 public:
  explicit FrozenBytes(Bytes bytes) : bytes_(std::move(bytes)) {}

  Result<Bytes> read(std::size_t max) override {
    Bytes slice = bytes_.substr(offset_, max);
    offset_ += slice.size();
    return slice;
  }

 private:
  const Bytes bytes_;
  std::size_t offset_ = 0;
};

void take_over(std::map<Bytes, Bytes>& meta, std::span<const MetaRecord> records) {
  for (const MetaRecord& record : records) {
    if (record.value) {
      meta[record.key] = *record.value;
    } else {
      meta.erase(record.key);
    }
  }
}

}  // namespace

Bytes encode(const Operation& operation) {
  Bytes bytes;
  util::Writer out(bytes);
  out.u64(operation.number);
  out.bytes(operation.key);
  out.bytes(operation.value);
  return bytes;
}

OperationReply decode_reply(BytesView bytes) {
  util::Reader in(bytes);
  OperationReply reply;
  reply.executed.value = in.u64();
  reply.hash = in.u64();
  return in.done() ? reply : OperationReply{};
}

Bytes RegisterCore::apply(const AppliedEntry& entry, RegisterState& state) {
  util::Reader in(entry.command);
  Operation operation;
  operation.number = in.u64();
  operation.key = Bytes(in.bytes());
  operation.value = Bytes(in.bytes());
  if (!in.done()) witness_.unreadable("command");

  const bool again = state.executed.contains(operation.number);
  state.values[operation.key] = operation.value;
  state.executed[operation.number] = entry.index;
  state.last = entry.index;
  state.hash = mix(mix(state.hash, entry.index.value), util::crc32c(entry.command));
  state.hash = mix(mix(state.hash, entry.term.value),
                   static_cast<std::uint64_t>(entry.time.since_founding.count()));
  witness_.executed(operation, state, again);

  Bytes reply;
  util::Writer out(reply);
  out.u64(entry.index.value);
  out.u64(state.hash);
  return reply;
}

std::unique_ptr<SnapshotReader> RegisterCore::capture(const RegisterState& state) const {
  Bytes bytes;
  util::Writer out(bytes);
  out.bytes(encode(state));
  out.bytes(padding_for(state, traits_.padding_bytes));
  return std::make_unique<FrozenBytes>(std::move(bytes));
}

Result<RegisterState> RegisterCore::read(SnapshotReader& snapshot) {
  Bytes bytes;
  while (true) {
    Result<Bytes> slice = snapshot.read(1000);
    if (!slice) return slice.error();
    if (slice->empty()) break;
    bytes += *slice;
  }
  util::Reader in(bytes);
  const BytesView encoded = in.bytes();
  const BytesView padding = in.bytes();
  std::optional<RegisterState> state = decode_state(encoded);
  if (!in.done() || !state || padding != padding_for(*state, padding.size())) {
    witness_.unreadable("snapshot");
    return Errc::corrupt;
  }
  witness_.restored(*state);
  return *std::move(state);
}

Result<void> VolatileRegister::restore(SnapshotReader& snapshot) {
  Result<RegisterState> state = core_.read(snapshot);
  if (!state) return state.error();
  state_ = *std::move(state);
  return {};
}

void RegisterStore::commit(Version version) {
  versions_.push_back(std::move(version));
  // Not every version is worth remembering; one in the middle is as good as another.
  if (versions_.size() > versions_max) versions_.erase(versions_.begin() + 1);
}

void RegisterStore::flush() { versions_.erase(versions_.begin(), versions_.end() - 1); }

void RegisterStore::replace(Version version) {
  versions_.clear();
  versions_.push_back(std::move(version));
}

void RegisterStore::power_cut(core::Random& random) {
  const auto kept = random.between(1, versions_.size() + 1);
  versions_.erase(versions_.begin() + static_cast<std::ptrdiff_t>(kept), versions_.end());
  flush();
}

Bytes DurableRegister::apply(const AppliedEntry& entry) { return core_.apply(entry, state_); }

Result<void> DurableRegister::commit(Index applied, std::span<const MetaRecord> meta) {
  if (store_.is_full()) return Error{Errc::storage_full, "no space for registers"};
  if (store_.is_failing()) return Error{Errc::storage_failed, "the disk of the registers broke"};
  RegisterStore::Version version{state_, store_.newest().meta, applied};
  take_over(version.meta, meta);
  store_.commit(std::move(version));
  return {};
}

Result<std::vector<MetaRecord>> DurableRegister::load_meta() {
  std::vector<MetaRecord> records;
  for (const auto& [key, value] : store_.newest().meta) records.push_back({key, value});
  return records;
}

Result<void> DurableRegister::restore(SnapshotReader& snapshot, Index applied,
                                      std::span<const MetaRecord> meta) {
  if (store_.is_full()) return Error{Errc::storage_full, "no space for registers"};
  if (store_.is_failing()) return Error{Errc::storage_failed, "the disk of the registers broke"};
  Result<RegisterState> state = core_.read(snapshot);
  if (!state) return state.error();
  RegisterStore::Version version{*state, {}, applied};
  take_over(version.meta, meta);
  store_.replace(std::move(version));
  state_ = *std::move(state);
  return {};
}

}  // namespace raft::test
