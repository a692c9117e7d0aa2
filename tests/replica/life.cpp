#include "replica/life.hpp"

#include <iostream>

#include "replica/founding.hpp"
#include "wire/codec.hpp"

namespace raft::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Duration micros(core::Random& random, std::uint64_t low, std::uint64_t high) {
  return microseconds(random.between(low, high));
}

}  // namespace

// --- outbox ---

void SimulatedOutbox::send(const Message& message) {
  if (node_.failure) world_.truth().violated("D5 speaks after its failure: " + describe(message));
  world_.truth().sends(node_.id, message, node_.on_disk);
  Bytes payload;
  wire::encode(message, payload);
  world_.send(message.from, message.to, std::move(payload), World::Kind::raft);
}

void SimulatedOutbox::send(const ServiceMessage& message) {
  Bytes payload;
  wire::encode(message, payload);
  world_.send(message.from, message.to, std::move(payload), World::Kind::service);
}

void SimulatedOutbox::send_bulk(const ServiceMessage& message) {
  Bytes payload;
  wire::encode(message, payload);
  world_.send(message.from, message.to, std::move(payload), World::Kind::bulk);
}

// --- storage ---

Duration SimulatedStorage::latency() {
  core::Random& random = world_.disk_random();
  if (world_.happens(random, world_.weather().slow_disk)) return micros(random, 20'000, 1'000'000);
  return micros(random, 50, 2'000);
}

void SimulatedStorage::write(const PersistWork& work, bool may_wait, Done done) {
  Item item;
  store_.stage(work, item.batch);
  staged_.took(work);
  item.syncs = true;
  item.then = staged_;
  item.done = std::move(done);
  core::Random& random = world_.disk_random();
  const bool is_free = queue_.empty() && written_.empty() && !is_busy_;
  if (!may_wait && is_free && world_.options().writes_inline && world_.happens(random, 60)) {
    const Result<void> result = node_.disk->engine().write(item.batch, true);
    if (result) node_.on_disk = item.then;
    item.done({result, microseconds(100)});
    return;
  }
  submit(std::move(item));
}

void SimulatedStorage::compact(const SnapshotMeta& base, Done done) {
  Item item;
  store_.stage_compaction(base, item.batch);
  item.then = staged_;
  item.done = std::move(done);
  submit(std::move(item));
}

void SimulatedStorage::submit(Item item) {
  queue_.push_back(std::move(item));
  if (is_busy_) return;
  is_busy_ = true;
  world_.on_node(node_.id, latency(), [this] { write_some(); });
}

void SimulatedStorage::write_some() {
  const std::uint64_t count = world_.disk_random().between(1, queue_.size() + 1);
  for (std::uint64_t left = count; left > 0; --left) {
    written_.push_back(std::move(queue_.front()));
    queue_.pop_front();
    // An error stays with the engine: the sync below reports it.
    static_cast<void>(node_.disk->engine().write(written_.back().batch, false));
  }
  world_.on_node(node_.id, latency(), [this] { sync_written(); });
}

void SimulatedStorage::sync_written() {
  bool syncs = false;
  for (const Item& item : written_) syncs = syncs || item.syncs;
  const Result<void> result = node_.disk->engine().write({}, syncs);
  if (result && syncs) node_.on_disk = written_.back().then;
  is_busy_ = false;
  std::vector<Item> written = std::exchange(written_, {});
  if (!queue_.empty()) {
    is_busy_ = true;
    world_.on_node(node_.id, latency(), [this] { write_some(); });
  }
  // Confirmed at a later moment, all at once or one by one.
  Duration delay = micros(world_.disk_random(), 0, 200);
  for (Item& item : written) {
    world_.on_node(node_.id, delay, [done = std::move(item.done), result, delay]() mutable {
      done({result, milliseconds(1) + delay});
    });
    if (world_.happens(world_.disk_random(), 20)) delay += microseconds(300);
  }
}

// --- worker ---

Duration SimulatedWorker::latency() {
  core::Random& random = world_.job_random();
  if (world_.happens(random, world_.weather().slow_job)) return micros(random, 5'000, 250'000);
  return micros(random, 20, 1'500);
}

void SimulatedWorker::run(util::UniqueFunction<void()> job, util::UniqueFunction<void()> done) {
  const Duration until_run = latency();
  const Duration until_done = latency();
  world_.on_node(node_, until_run,
                 [this, until_done, job = std::move(job), done = std::move(done)]() mutable {
                   job();
                   // What the job holds lives until it is done.
                   world_.on_node(node_, until_done,
                                  [job = std::move(job), done = std::move(done)]() mutable {
                                    done();
                                  });
                 });
}

// --- the life ---

SimulatedNode::Life::Life(World& world, SimulatedNode& node)
    : world_(world),
      node_(node),
      store_(node.disk->engine(), world.options().group.group),
      files_(node.disk->files(), world.options().group.group),
      outbox_(world, node),
      storage_(world, node, store_),
      worker_(world, node.id) {
  if (world.options().is_durable) {
    durable_ = std::make_unique<DurableRegister>(world.truth(), world.options().machine, node.store);
  } else {
    volatile_ = std::make_unique<VolatileRegister>(world.truth(), world.options().machine);
  }
}

StateMachine& SimulatedNode::Life::machine() {
  if (durable_) return *durable_;
  return *volatile_;
}

const RegisterState& SimulatedNode::Life::state() const {
  return durable_ ? durable_->state() : volatile_->state();
}

void SimulatedNode::Life::found() {
  const Member founder{node_.id, node_.instance, "n" + to_string(node_.id), Role::voter, false, {}};
  storage::KvBatch batch;
  const PersistWork work = replica::founding_work(founder);
  static_cast<void>(store_.recover());
  store_.stage(work, batch);
  if (node_.disk->engine().write(batch, true)) node_.on_disk.took(work);
}

bool SimulatedNode::Life::open() {
  Truth& truth = world_.truth();
  const auto cannot = [&](const Error& error) {
    truth.violated("node " + to_string(node_.id) + " cannot start: " + error.detail);
    return false;
  };
  Result<RecoveredLog> recovered = store_.recover();
  if (!recovered) return cannot(recovered.error());
  // The disk is the judge of what survived.
  node_.on_disk = {recovered->hard_state.term, recovered->hard_state.vote, recovered->last};
  storage_.reset();
  const Index first = recovered->base.last.index.next();
  const Index last = recovered->last;

  util::Log log;
  if (world_.options().traces) {
    log = util::Log(
        [this](LogLevel, std::string_view, std::string_view line) {
          world_.trace(node_.id, std::string(line));
        },
        LogLevel::debug);
  }
  const replica::Self self{node_.id, node_.instance, node_.boot,
                           world_.options().seed * 1000 + node_.id.value * 100 + node_.lives};
  const replica::Ports ports{outbox_, storage_, worker_, *this, files_, log};
  auto opened = replica::Replica::open(self, world_.options().group, *std::move(recovered),
                                       machine(), ports);
  if (!opened) return cannot(opened.error());
  replica_ = *std::move(opened);

  const auto entries = store_.read(first, last, ~std::size_t{0});
  if (!entries) return cannot(entries.error());
  truth.life_begins(node_.id, replica_->core(), *entries);
  is_woken_ = true;
  return true;
}

void SimulatedNode::Life::turn() {
  while (take_wake()) {
    replica_->pump();
    replica_->run_completions();
  }
  if (durable_ && durable_->take_flush_wanted()) {
    world_.on_node(node_.id, milliseconds(world_.job_random().between(1, 60)),
                   [this] { node_.store.flush(); });
  }
}

Instant SimulatedNode::Life::now() {
  return Instant(node_.clock_offset + world_.now() / 1000 * node_.clock_permille);
}

void SimulatedNode::Life::failed(const Error& why) {
  world_.trace(node_.id, "failed: " + why.detail);
  node_.failure = why;
}

}  // namespace raft::test
