#include "node/group_ports.hpp"

#include <boost/asio/post.hpp>
#include <future>
#include <utility>

namespace raft::node {

void LogStorage::write(const PersistWork& work, bool may_wait, Done done) {
  storage::KvBatch batch;
  store_.stage(work, batch);
  // With something under way this one must queue behind it.
  if (!may_wait && under_way_ == 0) {
    if (const auto written = thread_.try_now(batch, true)) {
      done({written->result, written->took});
      return;
    }
  }
  submit(std::move(batch), true, std::move(done));
}

void LogStorage::compact(const SnapshotMeta& base, Done done) {
  storage::KvBatch batch;
  store_.stage_compaction(base, batch);
  submit(std::move(batch), false, std::move(done));
}

void LogStorage::submit(storage::KvBatch batch, bool sync, Done done) {
  ++under_way_;
  thread_.submit(std::move(batch), sync,
                 [this, strand = strand_, alive = alive_,
                  done = std::move(done)](const storage::Written& written) mutable {
                   boost::asio::post(strand, [this, alive, done = std::move(done),
                                              written = replica::Storage::Written{
                                                  written.result, written.took}]() mutable {
                     if (alive.expired()) return;
                     --under_way_;
                     done(written);
                   });
                 });
}

Result<std::vector<EntryPtr>> LogStorage::read(Index first, Index last,
                                               std::size_t bytes_max) const {
  return store_.read(first, last, bytes_max);
}

Result<void> SharedEngine::write(const storage::KvBatch& batch, bool sync) {
  storage::KvBatch own = batch;
  if (const auto written = thread_.try_now(own, sync)) return written->result;
  if (thread_.is_full()) return Error{Errc::storage_full, "the disk is nearly full"};
  std::promise<Result<void>> promise;
  thread_.submit(std::move(own), sync, [&promise](const storage::Written& written) {
    promise.set_value(written.result);
  });
  return promise.get_future().get();
}

void PoolWorker::run(util::UniqueFunction<void()> job, util::UniqueFunction<void()> done) {
  boost::asio::post(pool_, [strand = strand_, alive = alive_, job = std::move(job),
                            done = std::move(done)]() mutable {
    job();
    boost::asio::post(strand, [alive, job = std::move(job), done = std::move(done)]() mutable {
      if (!alive.expired()) done();
    });
  });
}

}  // namespace raft::node
