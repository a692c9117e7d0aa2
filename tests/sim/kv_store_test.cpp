// kvserver's store as a user of the simulator: the very machine of the server, over its memory
// engine, and by seed as a durable machine that falls back to an earlier flush.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <variant>

#include <libraft/sim.hpp>
#include "kvserver/kv_command.hpp"
#include "kvserver/kv_store.hpp"

namespace {

namespace sim = raft::sim;
using raft::Bytes;
using raft::BytesView;

class StoreMachine final : public raft::StateMachine {
 public:
  Bytes apply(const raft::AppliedEntry& entry) override { return store_->machine().apply(entry); }
  std::unique_ptr<raft::SnapshotReader> capture() override { return store_->machine().capture(); }
  raft::Result<void> restore(raft::SnapshotReader& snapshot) override {
    return store_->machine().restore(snapshot);
  }
  std::optional<Bytes> value_of(const Bytes& key) const {
    const auto item = store_->get(key);
    if (!item || !*item) return std::nullopt;
    return (*item)->value;
  }
  kv::Totals totals() const { return store_->totals(); }

 private:
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
};

Bytes key_of(std::uint64_t number) { return "key" + std::to_string(number); }

/// Of the first keys clients know every value: each is replaced as a whole, and what they read is
/// judged. On the others everything else that the server can be asked for happens.
constexpr std::uint64_t registers = 4;
constexpr std::uint64_t keys = 9;

kv::Condition some_condition(const sim::Draw& draw) {
  switch (draw(0, 4)) {
    case 0:
      return kv::Exists{};
    case 1:
      return kv::Unchanged{};  // Absent.
    case 2:
      return kv::Unchanged{raft::Index{draw(1, 200)}};
    default:
      return kv::Always{};
  }
}

Bytes some_command(const sim::Draw& draw, std::uint64_t number) {
  const Bytes key = key_of(draw(0, keys));
  const Bytes value = std::to_string(number) + Bytes(draw(0, 200), 'v');
  if (key < key_of(registers)) return kv::encode(kv::Put{key, value});
  const kv::Condition condition = some_condition(draw);
  if (draw(0, 3) == 0) return kv::encode(kv::Delete{key, condition});
  return kv::encode(kv::Put{key, value, condition});
}

sim::Subject store_subject() {
  sim::Subject subject;
  subject.machine = [] { return std::make_unique<StoreMachine>(); };
  subject.command = some_command;
  subject.check = [](const raft::StateMachine& machine) -> std::optional<std::string> {
    const kv::Totals totals = static_cast<const StoreMachine&>(machine).totals();
    if (totals.keys <= keys) return std::nullopt;
    return "more keys than were ever set: " + std::to_string(totals.keys);
  };
  sim::Registers known;
  known.set_by = [](raft::BytesView bytes) -> std::optional<sim::Registers::Set> {
    const auto command = kv::decode_command(bytes);
    if (!command) return std::nullopt;
    const auto* put = std::get_if<kv::Put>(&*command);
    if (put == nullptr || put->key >= BytesView(key_of(registers))) return std::nullopt;
    return sim::Registers::Set{Bytes(put->key), Bytes(put->value)};
  };
  known.value_of = [](const raft::StateMachine& machine, const Bytes& key) {
    return static_cast<const StoreMachine&>(machine).value_of(key);
  };
  for (std::uint64_t number = 0; number < registers; ++number) known.keys.push_back(key_of(number));
  subject.registers = std::move(known);
  return subject;
}

}  // namespace

// A capture that is not frozen, a restore that keeps an old key, a reply that differs on replay:
// whatever only shows behind crashes and snapshots.
TEST_CASE("the key-value store survives whole clusters under faults", "[sim][kv]") {
  sim::Options options;
  options.nodes = 5;
  options.operations = 120;
  sim::Summary all;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const sim::Summary one = sim::run(seed, options, store_subject());
    for (const auto& violation : one.violations) {
      INFO("seed " << violation.seed << " " << violation.invariant << ": " << violation.what);
      CHECK(false);
    }
    all.add(one);
  }
  CHECK(all.operations_done > 1000);
  CHECK(all.snapshots_installed > 0);
  CHECK(all.stores_set_back > 0);  // Of those seeds that make the store a durable machine.
  CHECK(all.hits[sim::Fault::crash] > 0);
}
