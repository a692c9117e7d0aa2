#include "sim/simulated_engine.hpp"

#include <string>
#include <utility>

#include "storage/keys.hpp"
#include "util/assert.hpp"

namespace raft::sim {
namespace {

const std::string disk_name = "log";

}  // namespace

Result<void> SimulatedEngine::write(const storage::KvBatch& batch, bool sync) {
  if (final_error_) return *final_error_;
  if (must_resume_) return Error{Errc::storage_full, disk_name + ": not yet resumed"};

  if (!batch.empty()) {
    if (const auto allowed = faults_.allow(DiskOperation::write, disk_name); !allowed) {
      return fail(allowed.error());
    }
    apply(batch, visible_);
    unsynced_.push_back(batch);
  }
  if (!sync) return {};
  // After an error here the batch is neither certainly there nor certainly not.
  if (const auto allowed = faults_.allow(DiskOperation::sync, disk_name); !allowed) {
    syncs_lie_ = syncs_lie_ || (faults_.is_powered() && faults_.do_later_syncs_lie());
    return syncs_lie_ ? allowed : fail(allowed.error());
  }
  if (syncs_lie_) return {};
  for (const storage::KvBatch& written : unsynced_) apply(written, durable_);
  unsynced_.clear();
  return {};
}

Result<void> SimulatedEngine::fail(const Error& error) {
  if (error.code == Errc::storage_full) {
    must_resume_ = true;
  } else {
    final_error_ = error;
  }
  return error;
}

Result<std::optional<Bytes>> SimulatedEngine::get(BytesView key) const {
  if (final_error_) return *final_error_;
  const auto allowed = faults_.allow(DiskOperation::read, storage::describe_key(key));
  if (!allowed) return allowed.error();
  const auto found = visible_.find(key);
  if (found == visible_.end()) return std::optional<Bytes>();
  return std::optional<Bytes>(found->second);
}

Result<void> SimulatedEngine::scan(
    BytesView first, BytesView last,
    const std::function<bool(BytesView key, BytesView value)>& visit) const {
  if (final_error_) return *final_error_;
  const auto allowed = faults_.allow(DiskOperation::read, storage::describe_key(first));
  if (!allowed) return allowed;
  for (auto at = visible_.lower_bound(first); at != visible_.end() && at->first < last; ++at) {
    if (!visit(at->first, at->second)) break;
  }
  return {};
}

Result<void> SimulatedEngine::resume() {
  if (final_error_) return *final_error_;
  must_resume_ = false;
  return {};
}

std::size_t SimulatedEngine::recover(core::Random& random) {
  const std::size_t written = unsynced_.size();
  const auto kept = static_cast<std::size_t>(random.between(0, written + 1));
  recover_keeping(kept);
  return written - kept;
}

void SimulatedEngine::recover_keeping(std::size_t batches) {
  RAFT_ASSERT(batches <= unsynced_.size());
  for (std::size_t i = 0; i < batches; ++i) apply(unsynced_[i], durable_);
  unsynced_.clear();
  visible_ = durable_;
  final_error_.reset();
  syncs_lie_ = false;
  must_resume_ = false;
}

void SimulatedEngine::restore(const Backup& backup) {
  unsynced_.clear();
  durable_ = backup;
  recover_keeping(0);
}

void SimulatedEngine::damage(BytesView key, std::optional<Bytes> value) {
  for (Map* map : {&visible_, &durable_}) {
    if (value) {
      map->insert_or_assign(Bytes(key), *value);
    } else {
      map->erase(Bytes(key));
    }
  }
}

void SimulatedEngine::rot(BytesView key, std::size_t bit) {
  const auto found = visible_.find(key);
  RAFT_ASSERT(found != visible_.end(), storage::describe_key(key));
  RAFT_ASSERT(!found->second.empty(), storage::describe_key(key));
  Bytes value = found->second;
  char& byte = value[bit / 8 % value.size()];
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  damage(key, std::move(value));
}

void SimulatedEngine::apply(const storage::KvBatch& batch, Map& map) {
  struct Apply {
    Map& map;
    void operator()(const storage::KvBatch::Put& put) const {
      map.insert_or_assign(put.key, put.value);
    }
    void operator()(const storage::KvBatch::Erase& erase) const { map.erase(erase.key); }
    void operator()(const storage::KvBatch::EraseRange& range) const {
      // An empty range is legal, a reversed one reaches no key either.
      if (range.first < range.last) {
        map.erase(map.lower_bound(range.first), map.lower_bound(range.last));
      }
    }
  };
  for (const storage::KvBatch::Operation& operation : batch.operations()) {
    std::visit(Apply{map}, operation);
  }
}

}  // namespace raft::sim
