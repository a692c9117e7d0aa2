// One column family for all (rocks_records.cpp), so that one batch and one flush cover all of it.
//
// There is no WAL: the Raft log is one. What a power cut leaves is the content of some moment
// between two commits, because each batch is in one memtable as a whole and memtables become files
// in their order. The state record in it tells from where on the log is to be replayed.
#include "kvserver/rocks_store.hpp"

#include <rocksdb/db.h>
#include <rocksdb/utilities/write_batch_with_index.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "kvserver/active_folder.hpp"
#include "kvserver/rocks_database.hpp"
#include "kvserver/rocks_records.hpp"

namespace kv {
namespace {

using raft::Errc;
using raft::Error;
using raft::MetaRecord;
using rocksdb::Status;

// How much of a replacement is written in one batch.
constexpr std::size_t load_batch_bytes = std::size_t{1} << 20;

// Works on a WriteBatch as on one with an index.
Status add_checkpoint(const Checkpoint& checkpoint, rocksdb::WriteBatchBase& batch) {
  const Bytes state = encode_state({checkpoint.applied, checkpoint.totals});
  Status status = batch.Put(make_key(KeyKind::state), state);
  for (const MetaRecord& record : checkpoint.meta) {
    if (!status.ok()) break;
    const Bytes key = make_key(KeyKind::meta, record.key);
    status = record.value ? batch.Put(to_slice(key), to_slice(*record.value))
                          : batch.Delete(to_slice(key));
  }
  return status;
}

// Each slice has an iterator of its own: one that lives as long as a slow transfer would hold
// memtables and files that are long gone otherwise. The snapshot holds back old values only.
class RocksView final : public FrozenView {
 public:
  explicit RocksView(std::shared_ptr<RocksDatabase> database)
      : database_(std::move(database)), snapshot_((*database_)->GetSnapshot()) {}
  RocksView(const RocksView&) = delete;
  RocksView& operator=(const RocksView&) = delete;
  ~RocksView() override { (*database_)->ReleaseSnapshot(snapshot_); }

  Result<bool> next(std::size_t bytes, const FrozenVisitor& visit) override {
    RocksScan at(*database_, KeyKind::data, snapshot_);
    at.seek(from_);
    for (std::size_t visited = 0; at.valid() && visited < bytes; at.next()) {
      const Result<ItemView> item = parse_item(at.value(), at.key(), database_->path());
      if (!item) return item.error();
      visited += at.key().size() + item->value.size();
      visit(at.key(), *item);
    }
    if (!at.status().ok()) return error_of(at.status(), database_->path());
    if (!at.valid()) return false;
    from_ = at.key();
    return true;
  }

 private:
  const std::shared_ptr<RocksDatabase> database_;
  const rocksdb::Snapshot* const snapshot_;
  Bytes from_;  // Where the next slice begins.
};

class RocksEngine final : public DurableEngine {
 public:
  RocksEngine(ActiveFolder folder, rocksdb::Options options,
              std::shared_ptr<RocksDatabase> database)
      : folder_(std::move(folder)), options_(std::move(options)), staged_(make_staged()) {
    const State recovered = database->recovered();
    adopt(std::move(database), recovered);
  }

  Result<std::optional<ItemView>> find(BytesView key) override {
    found_.Reset();
    set_key(KeyKind::data, key, key_);
    const Status status = staged_.GetFromBatchAndDB(database_->get(), {}, to_slice(key_), &found_);
    if (status.IsNotFound()) return std::optional<ItemView>{};
    if (!status.ok()) return error_of(status, database_->path());
    const Result<ItemView> item = parse_item(to_view(found_), key, database_->path());
    if (!item) return item.error();
    return std::optional<ItemView>{*item};
  }

  void put(BytesView key, const ItemView& item) override {
    set_key(KeyKind::data, key, key_);
    set_item(item, value_);
    stage(staged_.Put(to_slice(key_), to_slice(value_)));
  }

  void erase(BytesView key) override {
    set_key(KeyKind::data, key, key_);
    stage(staged_.Delete(to_slice(key_)));
  }

  Result<void> commit(const Checkpoint& checkpoint) override {
    if (!staging_.ok()) return error_of(staging_, database_->path());
    staged_.SetSavePoint();
    Status status = add_checkpoint(checkpoint, staged_);
    if (status.ok()) status = (*database_)->Write(without_wal(), staged_.GetWriteBatch());
    if (!status.ok()) {
      staged_.RollbackToSavePoint().PermitUncheckedError();
      return error_of(status, database_->path());
    }
    staged_.Clear();
    totals_ = checkpoint.totals;
    applied_.store(checkpoint.applied.value);
    return {};
  }

  std::unique_ptr<FrozenView> capture() override { return std::make_unique<RocksView>(database_); }

  Result<std::unique_ptr<Replacement>> replace() override {
    const std::string path = folder_.next_path();
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return Error{Errc::storage_failed, path + ": " + error.message()};
    auto database = RocksDatabase::open({path, /*create=*/true}, options_);
    if (!database) return database.error();
    (*database)->remove_when_closed(true);
    return std::unique_ptr<Replacement>(std::make_unique<RocksReplacement>(*this, *database));
  }

  Result<std::optional<Item>> get(BytesView key) const override {
    const std::shared_ptr<RocksDatabase> database = current();
    rocksdb::PinnableSlice bytes;
    const Status status = (*database)->Get({}, (*database)->DefaultColumnFamily(),
                                           to_slice(make_key(KeyKind::data, key)), &bytes);
    if (status.IsNotFound()) return std::optional<Item>{};
    if (!status.ok()) return error_of(status, database->path());
    const Result<ItemView> item = parse_item(to_view(bytes), key, database->path());
    if (!item) return item.error();
    return std::optional<Item>{item->copy()};
  }

  Result<void> scan(const Range& range, const Visitor& visit) const override {
    const std::shared_ptr<RocksDatabase> database = current();
    RocksScan at(*database, KeyKind::data);
    at.seek(range);
    for (; at.valid() && at.key().starts_with(range.prefix);
         range.descending ? at.previous() : at.next()) {
      const Result<ItemView> item = parse_item(at.value(), at.key(), database->path());
      if (!item) return item.error();
      if (!visit(at.key(), *item)) return {};
    }
    return result_of(at.status(), database->path());
  }

  Result<std::vector<MetaRecord>> load_meta() const override {
    const std::shared_ptr<RocksDatabase> database = current();
    std::vector<MetaRecord> records;
    RocksScan at(*database, KeyKind::meta);
    for (at.seek(BytesView()); at.valid(); at.next()) {
      records.push_back({Bytes(at.key()), Bytes(at.value())});
    }
    if (!at.status().ok()) return error_of(at.status(), database->path());
    return records;
  }

  Index applied() const override { return {applied_.load()}; }
  Totals totals() const override { return totals_; }
  Index durable_index() const override { return current()->durable(); }

  void request_durable(Index upto) override {
    const std::shared_ptr<RocksDatabase> database = current();
    if (database->durable() < upto) database->request_flush(applied());
  }

 private:
  class RocksReplacement final : public Replacement {
   public:
    RocksReplacement(RocksEngine& engine, std::shared_ptr<RocksDatabase> database)
        : engine_(engine), database_(std::move(database)) {}

    Result<void> add(BytesView key, const ItemView& item) override {
      set_key(KeyKind::data, key, key_);
      set_item(item, value_);
      const Status status = batch_.Put(to_slice(key_), to_slice(value_));
      if (!status.ok()) return error_of(status, database_->path());
      return batch_.GetDataSize() < load_batch_bytes ? Result<void>{} : write();
    }

    Result<void> finish(const Checkpoint& checkpoint) override {
      const Status status = add_checkpoint(checkpoint, batch_);
      if (!status.ok()) return error_of(status, database_->path());
      if (auto written = write(); !written) return written;
      if (auto flushed = database_->flush(); !flushed) return flushed;
      return engine_.switch_to(std::move(database_), State{checkpoint.applied, checkpoint.totals});
    }

   private:
    Result<void> write() {
      auto written = database_->write(batch_);
      batch_.Clear();
      return written;
    }

    RocksEngine& engine_;
    std::shared_ptr<RocksDatabase> database_;
    rocksdb::WriteBatch batch_;
    Bytes key_;
    Bytes value_;
  };

  // A key that is written twice in one batch is found as it was written last.
  static rocksdb::WriteBatchWithIndex make_staged() {
    return rocksdb::WriteBatchWithIndex(rocksdb::BytewiseComparator(), 0, /*overwrite_key=*/true);
  }

  // Staging fails only where memory or the format's limits do. Then the batch is not what the
  // entries asked for, and no later commit may pretend so.
  void stage(const Status& status) {
    if (staging_.ok()) staging_ = status;
  }

  Result<void> switch_to(std::shared_ptr<RocksDatabase> next, const State& state) {
    // From here on a restart may find the new generation, whatever this call returns.
    next->remove_when_closed(false);
    if (auto switched = folder_.switch_to_next(); !switched) return switched;
    // Readers and captures may still be there; the files go when the last of them does.
    database_->remove_when_closed(true);
    found_.Reset();
    staged_.Clear();
    staging_ = Status::OK();
    adopt(std::move(next), state);
    return {};
  }

  void adopt(std::shared_ptr<RocksDatabase> database, const State& state) {
    const std::lock_guard lock(mutex_);
    totals_ = state.totals;
    applied_.store(state.applied.value);
    database_ = std::move(database);
  }

  std::shared_ptr<RocksDatabase> current() const {
    const std::lock_guard lock(mutex_);
    return database_;
  }

  ActiveFolder folder_;
  const rocksdb::Options options_;

  // Set by the writer under the mutex, so that the writer reads it without and others with it.
  mutable std::mutex mutex_;
  std::shared_ptr<RocksDatabase> database_;

  // The writer's own.
  rocksdb::WriteBatchWithIndex staged_;
  Status staging_;
  rocksdb::PinnableSlice found_;  // Holds what find() returned last.
  Bytes key_;                     // Buffers that keep their memory from call to call.
  Bytes value_;
  Totals totals_;

  std::atomic<std::uint64_t> applied_{0};
};

}  // namespace

Result<std::unique_ptr<DurableEngine>> open_rocks_engine(const std::string& folder,
                                                         const RocksOptions& options) {
  auto active = ActiveFolder::open(folder);
  if (!active) return active.error();
  const rocksdb::Options database_options = rocksdb_options(options);
  auto database = RocksDatabase::open({active->path(), active->is_first()}, database_options);
  if (!database) return database.error();
  active->remove_others();  // The open database holds a lock: nobody else is in this folder.
  return std::unique_ptr<DurableEngine>(
      std::make_unique<RocksEngine>(*std::move(active), database_options, *std::move(database)));
}

}  // namespace kv
