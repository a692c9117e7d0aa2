#include "kvserver/kv_store.hpp"

#include <span>
#include <utility>
#include <vector>

#include "kvserver/kv_machine.hpp"
#include "kvserver/memory_store.hpp"

namespace kv {
namespace {

// The machine's two faces to libraft. They differ only in who keeps the state over a restart.

class VolatileMachine final : public raft::StateMachine {
 public:
  VolatileMachine(KvMachine& machine, StoreEngine&, ChangeHistory& history)
      : machine_(machine), history_(history) {}

  Bytes apply(const raft::AppliedEntry& entry) override {
    Bytes reply = machine_.apply(entry);
    history_.publish();
    return reply;
  }
  std::unique_ptr<raft::SnapshotReader> capture() override {
    return machine_.capture(machine_.applied());
  }
  Result<void> restore(raft::SnapshotReader& snapshot) override {
    return machine_.restore(snapshot);
  }
  bool may_block() const override { return false; }

 private:
  KvMachine& machine_;
  ChangeHistory& history_;
};

class DurableMachine final : public raft::DurableStateMachine {
 public:
  DurableMachine(KvMachine& machine, DurableEngine& engine, ChangeHistory& history)
      : machine_(machine), engine_(engine), history_(history) {}

  Bytes apply(const raft::AppliedEntry& entry) override { return machine_.apply(entry); }

  // As of the last commit: what is only staged has no meta yet that would fit it.
  std::unique_ptr<raft::SnapshotReader> capture() override {
    return machine_.capture(engine_.applied());
  }

  Result<void> commit(Index applied, std::span<const raft::MetaRecord> meta) override {
    // apply() has no way to say that it failed. No reply leaves before this call says so.
    if (machine_.failure()) return *machine_.failure();
    auto committed = engine_.commit({applied, machine_.totals(), meta});
    if (committed) history_.publish();
    return committed;
  }

  Result<void> restore(raft::SnapshotReader& snapshot, Index applied,
                       std::span<const raft::MetaRecord> meta) override {
    return machine_.restore(snapshot, applied, meta);
  }

  Result<std::vector<raft::MetaRecord>> load_meta() override { return engine_.load_meta(); }
  Index durable_index() const override { return engine_.durable_index(); }
  void request_durable(Index upto) override { engine_.request_durable(upto); }

 private:
  KvMachine& machine_;
  DurableEngine& engine_;
  ChangeHistory& history_;
};

template <class Engine, class Machine>
class StoreOver final : public Store {
 public:
  StoreOver(std::unique_ptr<Engine> engine, Index applied, const Totals& totals,
            std::size_t history_bytes)
      : engine_(std::move(engine)),
        history_(history_bytes),
        machine_(*engine_, history_, applied, totals),
        face_(machine_, *engine_, history_) {}

  raft::StateMachine& machine() override { return face_; }
  Result<std::optional<Item>> get(BytesView key) const override { return engine_->get(key); }
  Result<void> scan(const Range& range, const Visitor& visit) const override {
    return engine_->scan(range, visit);
  }
  Totals totals() const override { return machine_.totals(); }
  ChangeHistory& changes() override { return history_; }

 private:
  const std::unique_ptr<Engine> engine_;
  ChangeHistory history_;
  KvMachine machine_;
  Machine face_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(std::size_t history_bytes) {
  return std::make_unique<StoreOver<StoreEngine, VolatileMachine>>(make_memory_engine(), Index{},
                                                                   Totals{}, history_bytes);
}

Result<std::unique_ptr<Store>> open_rocks_store(const std::string& folder,
                                                const RocksOptions& options,
                                                std::size_t history_bytes) {
  auto engine = open_rocks_engine(folder, options);
  if (!engine) return engine.error();
  const Index applied = (*engine)->applied();
  const Totals totals = (*engine)->totals();
  return std::unique_ptr<Store>(std::make_unique<StoreOver<DurableEngine, DurableMachine>>(
      *std::move(engine), applied, totals, history_bytes));
}

}  // namespace kv
