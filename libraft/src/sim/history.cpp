#include "sim/history.hpp"

#include <utility>

#include "util/assert.hpp"

namespace raft::sim {

History::Number History::call_read(std::uint64_t client, Bytes key) {
  Operation operation;
  operation.client = client;
  operation.key = std::move(key);
  return call(std::move(operation));
}

History::Number History::call_write(std::uint64_t client, Bytes key, Value written) {
  Operation operation;
  operation.client = client;
  operation.kind = OperationKind::write;
  operation.key = std::move(key);
  operation.written = std::move(written);
  return call(std::move(operation));
}

History::Number History::call_update(std::uint64_t client, Bytes key, Value seen, Value written) {
  Operation operation;
  operation.client = client;
  operation.kind = OperationKind::update;
  operation.key = std::move(key);
  operation.seen = std::move(seen);
  operation.written = std::move(written);
  return call(std::move(operation));
}

History::Number History::call(Operation operation) {
  operation.called = events_++;
  operations_.push_back(std::move(operation));
  return operations_.size() - 1;
}

void History::read_returned(Number number, Value seen, Index index) {
  Operation& operation = returned(number, Outcome::ok);
  RAFT_ASSERT(operation.kind == OperationKind::read, describe(operation));
  operation.seen = std::move(seen);
  operation.index = index;
}

void History::write_returned(Number number, Index index) {
  Operation& operation = returned(number, Outcome::ok);
  RAFT_ASSERT(operation.kind != OperationKind::read, describe(operation));
  operation.index = index;
}

void History::update_refused(Number number, Value seen, Index index) {
  Operation& operation = returned(number, Outcome::ok);
  RAFT_ASSERT(operation.kind == OperationKind::update, describe(operation));
  operation.kind = OperationKind::read;
  operation.seen = std::move(seen);
  operation.written.reset();
  operation.index = index;
}

void History::failed(Number number) { returned(number, Outcome::failed); }

void History::located(Number number, Index index) {
  RAFT_ASSERT(number < operations_.size());
  operations_[number].index = index;
}

Operation& History::returned(Number number, Outcome outcome) {
  RAFT_ASSERT(number < operations_.size());
  Operation& operation = operations_[number];
  RAFT_ASSERT(operation.outcome == Outcome::unknown, describe(operation));
  operation.outcome = outcome;
  operation.returned = events_++;
  return operation;
}

std::string describe(const Value& value) { return value ? "\"" + *value + "\"" : "nothing"; }

std::string describe(const Operation& operation) {
  std::string line = "client " + std::to_string(operation.client);
  const std::string to = operation.key + " = " + describe(operation.written);
  switch (operation.kind) {
    case OperationKind::read:
      line += " read " + operation.key;
      if (operation.outcome == Outcome::ok) line += " as " + describe(operation.seen);
      break;
    case OperationKind::write:
      line += " write " + to;
      break;
    case OperationKind::update:
      line += " update " + to + " over " + describe(operation.seen);
      break;
  }
  switch (operation.outcome) {
    case Outcome::unknown:
      line += ", outcome unknown";
      break;
    case Outcome::ok:
      line += ", ok";
      break;
    case Outcome::failed:
      line += ", told to have failed";
      break;
  }
  if (operation.index != Index{}) line += ", index " + to_string(operation.index);
  line += ", from " + std::to_string(operation.called);
  line +=
      operation.returned == Operation::never ? " on" : " to " + std::to_string(operation.returned);
  return line;
}

}  // namespace raft::sim
