// The world of one replica, worked by hand: nothing happens but what a test does.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "replica/ports.hpp"
#include "sim/disk.hpp"
#include "storage/log_store.hpp"

namespace raft::test {

/// Keeps what was sent.
struct HandOutbox final : replica::Outbox {
  void send(const Message& message) override { messages.push_back(message); }
  void send(const ServiceMessage& message) override { services.push_back(message); }
  void send_bulk(const ServiceMessage& message) override { bulk.push_back(message); }
  void flush() override {}

  std::vector<Message> messages;
  std::vector<ServiceMessage> services;
  std::vector<ServiceMessage> bulk;
};

/// Runs jobs when told to.
struct HandWorker final : replica::Worker {
  void run(util::UniqueFunction<void()> job, util::UniqueFunction<void()> done) override {
    waiting.emplace_back(std::move(job), std::move(done));
  }
  void run_one() {
    auto item = std::move(waiting.front());
    waiting.pop_front();
    is_running = true;
    item.first();
    is_running = false;
    item.second();
  }
  void run_all() {
    while (!waiting.empty()) run_one();
  }

  std::deque<std::pair<util::UniqueFunction<void()>, util::UniqueFunction<void()>>> waiting;
  bool is_running = false;  ///< A job, not its completion.
};

struct HandDriver final : replica::Driver {
  Instant now() override { return time; }
  void wake() override { ++wakes; }
  void membership_changed() override {}
  void leader_changed(NodeId, Term) override {}
  void failed(const Error& why) override { failures.push_back(why); }

  Instant time{std::chrono::hours(1)};
  int wakes = 0;
  std::vector<Error> failures;
};

/// Writes and confirms before the call returns, or never.
struct HandStorage final : replica::Storage {
  HandStorage(storage::KvEngine& kv, GroupId group) : engine(kv), store(kv, group) {}

  void write(const PersistWork& work, bool, Done done) override {
    if (is_stalled) return;
    storage::KvBatch batch;
    store.stage(work, batch);
    done({engine.write(batch, true), {}});
  }
  void compact(const SnapshotMeta& base, Done done) override {
    storage::KvBatch batch;
    store.stage_compaction(base, batch);
    done({engine.write(batch, false), {}});
  }
  Result<std::vector<EntryPtr>> read(Index first, Index last,
                                     std::size_t bytes_max) const override {
    if (unreadable) return *unreadable;
    return store.read(first, last, bytes_max);
  }
  bool is_full() const override { return full; }

  storage::KvEngine& engine;
  storage::LogStore store;
  bool full = false;
  bool is_stalled = false;
  std::optional<Error> unreadable;  ///< What reads say instead.
};

}  // namespace raft::test
