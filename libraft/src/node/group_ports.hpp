// The world of a replica in production: the node's transport, storage thread and workers.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "replica/ports.hpp"
#include "storage/kv_engine.hpp"
#include "storage/log_store.hpp"
#include "storage/storage_thread.hpp"
#include "wire/transport.hpp"

namespace raft::node {

using Strand = boost::asio::strand<boost::asio::any_io_executor>;

/// Whatever comes back from another thread looks whether its target still lives. On the strand.
using Alive = std::weak_ptr<const void>;

class TransportOutbox final : public replica::Outbox {
 public:
  TransportOutbox(wire::Transport& transport, GroupId group)
      : transport_(transport), group_(group) {}

  void send(const Message& message) override { transport_.send(group_, message); }
  void send(const ServiceMessage& message) override { transport_.send(group_, message); }
  void send_bulk(const ServiceMessage& message) override { transport_.send_bulk(group_, message); }
  void flush() override { transport_.flush(); }

 private:
  wire::Transport& transport_;
  const GroupId group_;
};

class TransportIntroducer final : public replica::Introducer {
 public:
  TransportIntroducer(wire::Transport& transport, GroupId group)
      : transport_(transport), group_(group) {}

  void introduce(const std::string& address, std::optional<ServiceBody> request,
                 util::UniqueFunction<void(Result<Introduction>)> done) override {
    transport_.introduce(address, group_, std::move(request), std::move(done));
  }

 private:
  wire::Transport& transport_;
  const GroupId group_;
};

/// Stages on the strand; writes there too when that is quickest, else on the storage thread.
class LogStorage final : public replica::Storage {
 public:
  LogStorage(Strand strand, Alive alive, storage::LogStore& store, storage::StorageThread& thread)
      : strand_(std::move(strand)), alive_(std::move(alive)), store_(store), thread_(thread) {}

  void write(const PersistWork& work, bool may_wait, Done done) override;
  void compact(const SnapshotMeta& base, Done done) override;
  Result<std::vector<EntryPtr>> read(Index first, Index last, std::size_t bytes_max) const override;
  bool is_full() const override { return thread_.is_full(); }

 private:
  void submit(storage::KvBatch batch, bool sync, Done done);

  Strand strand_;
  const Alive alive_;
  storage::LogStore& store_;
  storage::StorageThread& thread_;
  std::size_t under_way_ = 0;  ///< Handed to the thread and not yet back here.
};

/// The engine for whoever writes while other groups may be writing too: waits for its turn.
class SharedEngine final : public storage::KvEngine {
 public:
  SharedEngine(storage::KvEngine& engine, storage::StorageThread& thread)
      : engine_(engine), thread_(thread) {}

  Result<void> write(const storage::KvBatch& batch, bool sync) override;
  Result<std::optional<Bytes>> get(BytesView key) const override { return engine_.get(key); }
  Result<void> scan(
      BytesView first, BytesView last,
      const std::function<bool(BytesView key, BytesView value)>& visit) const override {
    return engine_.scan(first, last, visit);
  }
  Result<void> resume() override { return engine_.resume(); }

 private:
  storage::KvEngine& engine_;
  storage::StorageThread& thread_;
};

class PoolWorker final : public replica::Worker {
 public:
  PoolWorker(Strand strand, Alive alive, boost::asio::thread_pool& pool)
      : strand_(std::move(strand)), alive_(std::move(alive)), pool_(pool) {}

  void run(util::UniqueFunction<void()> job, util::UniqueFunction<void()> done) override;

 private:
  Strand strand_;
  const Alive alive_;
  boost::asio::thread_pool& pool_;
};

}  // namespace raft::node
