#include "sim/register_machine.hpp"

#include <string>
#include <utility>

#include "sim/frozen_bytes.hpp"
#include "util/bytes.hpp"

namespace raft::sim {
namespace {

constexpr std::uint64_t keys = 5;

Bytes encode(const Registers::Set& set) {
  Bytes bytes;
  util::Writer out(bytes);
  out.bytes(set.key);
  out.bytes(set.value);
  return bytes;
}

std::optional<Registers::Set> decode(BytesView bytes) {
  util::Reader in(bytes);
  Registers::Set set;
  set.key = Bytes(in.bytes());
  set.value = Bytes(in.bytes());
  if (!in.done()) return std::nullopt;
  return set;
}

Bytes key_of(std::uint64_t number) { return "k" + std::to_string(number); }

}  // namespace

Bytes RegisterMachine::apply(const AppliedEntry& entry) {
  std::optional<Registers::Set> set = decode(entry.command);
  if (!set) return "not a command";
  return std::exchange(values_[set->key], std::move(set->value));
}

std::unique_ptr<SnapshotReader> RegisterMachine::capture() {
  Bytes bytes;
  util::Writer out(bytes);
  for (const auto& [key, value] : values_) {
    out.bytes(key);
    out.bytes(value);
  }
  return std::make_unique<FrozenBytes>(std::move(bytes));
}

Result<void> RegisterMachine::restore(SnapshotReader& snapshot) {
  const Result<Bytes> bytes = read_all(snapshot);
  if (!bytes) return bytes.error();
  std::map<Bytes, Bytes> values;
  util::Reader in(*bytes);
  while (in.ok() && !in.done()) {
    Bytes key(in.bytes());
    values[std::move(key)] = Bytes(in.bytes());
  }
  if (!in.ok()) return Error{Errc::corrupt, "the registers cannot be read"};
  values_ = std::move(values);
  return {};
}

std::optional<Bytes> RegisterMachine::value_of(const Bytes& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

Subject register_subject() {
  Subject subject;
  subject.machine = [] { return std::make_unique<RegisterMachine>(); };
  subject.command = [](const Draw& draw, std::uint64_t number) {
    Registers::Set set;
    set.key = key_of(draw(0, keys));
    // Some are large, so that every limit in bytes is met.
    const std::uint64_t size = draw(0, 10) == 0 ? draw(100, 3000) : draw(0, 40);
    set.value = std::to_string(number) + Bytes(size, '.');
    return encode(set);
  };
  Registers registers;
  registers.set_by = decode;
  registers.value_of = [](const StateMachine& machine, const Bytes& key) {
    return static_cast<const RegisterMachine&>(machine).value_of(key);
  };
  for (std::uint64_t number = 0; number < keys; ++number) registers.keys.push_back(key_of(number));
  subject.registers = std::move(registers);
  return subject;
}

}  // namespace raft::sim
