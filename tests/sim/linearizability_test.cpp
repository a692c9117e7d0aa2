// The two checks of histories, on histories that are known to be right or wrong: made by registers
// that really change at one instant, and then with one lie planted in them.
#include "sim/linearizability.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "core/random.hpp"

namespace raft {
namespace {

using core::Random;
using sim::History;
using sim::HistoryVerdict;
using sim::Operation;
using sim::OperationKind;
using sim::Outcome;
using sim::Value;

using Operations = std::vector<Operation>;

// Twice the operations of a history of 1000: whoever needs more has begun to guess.
constexpr std::size_t steps_max = 2000;

// Tells the history event by event. Only the order of the instants counts.
History history_of(const Operations& operations) {
  struct Event {
    std::uint64_t instant;
    bool is_return;
    std::size_t operation;
  };
  std::vector<Event> events;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    events.push_back({operations[i].called, false, i});
    if (operations[i].outcome != Outcome::unknown) {
      events.push_back({operations[i].returned, true, i});
    }
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.instant < b.instant; });

  History history;
  std::vector<History::Number> numbers(operations.size());
  for (const Event& event : events) {
    const Operation& told = operations[event.operation];
    History::Number& number = numbers[event.operation];
    if (!event.is_return) {
      switch (told.kind) {
        case OperationKind::read:
          number = history.call_read(told.client, told.key);
          break;
        case OperationKind::write:
          number = history.call_write(told.client, told.key, told.written);
          break;
        case OperationKind::update:
          number = history.call_update(told.client, told.key, told.seen, told.written);
          break;
      }
      if (told.outcome == Outcome::unknown) history.located(number, told.index);
    } else if (told.outcome == Outcome::failed) {
      history.failed(number);
    } else if (told.kind == OperationKind::read) {
      history.read_returned(number, told.seen, told.index);
    } else {
      history.write_returned(number, told.index);
    }
  }
  return history;
}

/// Registers that change at one instant, and clients that do not always hear of it.
class TrueRegisters {
 public:
  /// Instants are ten apart, so that there is room for what is planted.
  static Operations run(std::uint64_t seed, std::size_t operations) {
    TrueRegisters run(seed);
    while (run.operations_.size() < operations || run.is_busy()) run.step(operations);
    return std::move(run.operations_);
  }

 private:
  static constexpr std::size_t clients = 10;
  static constexpr std::uint64_t keys = 5;

  struct Client {
    std::optional<std::size_t> operation;  ///< Under way.
    bool is_done = false;                  ///< It took effect, or never will.
  };

  explicit TrueRegisters(std::uint64_t seed) : random_(seed) {}

  bool is_busy() const {
    return std::any_of(clients_.begin(), clients_.end(),
                       [](const Client& client) { return client.operation.has_value(); });
  }

  void step(std::size_t operations) {
    now_ += 10;
    const std::uint64_t number = random_.between(0, clients);
    Client& client = clients_[number];
    // Somebody who was never answered takes effect late, or never.
    if (!adrift_.empty() && random_.between(0, 20) == 0) {
      const std::size_t late = adrift_.back();
      adrift_.pop_back();
      take_effect(operations_[late]);
    } else if (!client.operation) {
      if (operations_.size() < operations) call(number, client);
    } else if (!client.is_done) {
      client.is_done = true;
      decide(client);
    } else {
      operations_[*client.operation].returned = now_;
      client = {};
    }
  }

  void call(std::uint64_t number, Client& client) {
    Operation operation;
    operation.client = number;
    operation.key = "k" + std::to_string(random_.between(0, keys));
    operation.called = now_;
    operation.outcome = Outcome::ok;
    const std::uint64_t kind = random_.between(0, 10);
    if (kind >= 5) {
      operation.kind = kind >= 8 ? OperationKind::update : OperationKind::write;
      operation.written = "v" + std::to_string(operations_.size());
      if (random_.between(0, 12) == 0) operation.written.reset();
    }
    client = {operations_.size(), false};
    operations_.push_back(operation);
  }

  void decide(Client& client) {
    Operation& operation = operations_[*client.operation];
    const std::uint64_t fate = random_.between(0, 20);
    if (fate == 0) {
      operation.outcome = Outcome::failed;
      operation.returned = now_;
    } else if (fate < 3) {
      operation.outcome = Outcome::unknown;
      operation.returned = Operation::never;
      if (operation.kind == OperationKind::update) operation.seen = registers_[operation.key];
      adrift_.push_back(*client.operation);
      client = {};
    } else {
      if (operation.kind == OperationKind::update) operation.seen = registers_[operation.key];
      take_effect(operation);
    }
  }

  void take_effect(Operation& operation) {
    Value& value = registers_[operation.key];
    if (operation.kind == OperationKind::read) {
      operation.seen = value;
      operation.index = log_;
      return;
    }
    if (operation.kind == OperationKind::update && operation.seen != value) return;
    value = operation.written;
    log_ = log_.next();
    // Whether or not anybody knows where an unanswered one is, its effect can be explained.
    if (operation.outcome == Outcome::ok || operation.client % 2 == 0) operation.index = log_;
  }

  Random random_;
  std::uint64_t now_ = 0;
  std::array<Client, clients> clients_;
  std::vector<std::size_t> adrift_;
  Operations operations_;
  std::map<Bytes, Value> registers_;
  Index log_{1};
};

// --- Lies. Each makes certain that no order explains the history any more; false: no place for it.

bool is(const Operation& operation, OperationKind kind) {
  return operation.kind == kind && operation.outcome == Outcome::ok;
}

bool sees(const Operation& operation) { return operation.kind != OperationKind::write; }

// The first three operations of one key that meet the condition.
template <class Condition>
bool change_first(Operations& all, Condition condition) {
  for (Operation& a : all) {
    for (Operation& b : all) {
      if (&b != &a && b.key == a.key && condition(a, b)) return true;
    }
  }
  return false;
}

Operation& add(Operations& all, const Operation& like, std::uint64_t called) {
  Operation added = like;
  added.client = 99;
  added.called = called;
  added.returned = called + 1;
  Index last;
  for (const Operation& operation : all) last = std::max(last, operation.index);
  added.index = last.next();
  all.push_back(added);
  return all.back();
}

std::uint64_t end_of(const Operations& all) {
  std::uint64_t end = 0;
  for (const Operation& operation : all) {
    end = std::max(end, operation.called);
    if (operation.returned != Operation::never) end = std::max(end, operation.returned);
  }
  return end + 10;
}

// The value that stood there before this one was written.
const Operation* overwritten_by(const Operations& all, const Operation& write) {
  const Operation* before = nullptr;
  for (const Operation& operation : all) {
    if (operation.key != write.key || operation.kind == OperationKind::read) continue;
    if (operation.index >= write.index || operation.index == Index{}) continue;
    if (!before || before->index < operation.index) before = &operation;
  }
  return before;
}

bool stale_read(Operations& all) {
  return change_first(all, [&](const Operation& write, Operation& read) {
    if (!is(write, OperationKind::write) || !is(read, OperationKind::read)) return false;
    if (!write.written || write.returned > read.called) return false;
    const Operation* old = overwritten_by(all, write);
    if (!old || old->outcome != Outcome::ok || !old->written) return false;
    if (old->returned > write.called) return false;
    read.seen = old->written;
    return true;
  });
}

bool lost_write(Operations& all) {
  return change_first(all, [&](const Operation& write, const Operation& read) {
    if (!is(write, OperationKind::write) || !is(read, OperationKind::read)) return false;
    if (!write.written || read.seen != write.written || write.returned > read.called) return false;
    const Operation* old = overwritten_by(all, write);
    if (!old || old->outcome != Outcome::ok || !old->written || old->returned > write.called) {
      return false;
    }
    const Value lost = write.written;
    const Value left = old->written;
    for (Operation& operation : all) {
      if (operation.key == write.key && sees(operation) && operation.seen == lost) {
        operation.seen = left;
      }
    }
    return true;
  });
}

bool value_from_nowhere(Operations& all) {
  for (Operation& operation : all) {
    if (!is(operation, OperationKind::read)) continue;
    operation.seen = "nowhere";
    return true;
  }
  return false;
}

bool value_seen_twice(Operations& all) {
  return change_first(all, [&](const Operation& first, const Operation& second) {
    if (!is(first, OperationKind::read) || !is(second, OperationKind::read)) return false;
    if (!first.seen || !second.seen || first.seen == second.seen) return false;
    if (first.returned > second.called) return false;
    add(all, first, end_of(all));
    return true;
  });
}

bool read_that_goes_back(Operations& all) {
  return change_first(all, [&](Operation& write, const Operation& read) {
    if (!is(write, OperationKind::write) || !is(read, OperationKind::read)) return false;
    if (!write.written || read.seen != write.written) return false;
    const Operation* old = overwritten_by(all, write);
    if (!old || old->outcome != Outcome::ok || !old->written || old->returned > write.called) {
      return false;
    }
    // The write is still under way: only the first read makes the second one wrong.
    write.outcome = Outcome::unknown;
    write.returned = Operation::never;
    const Value back = old->written;
    add(all, read, read.returned + 2).seen = back;
    return true;
  });
}

bool failure_that_is_seen(Operations& all) {
  return change_first(all, [&](Operation& write, const Operation& read) {
    if (!is(write, OperationKind::write) || !is(read, OperationKind::read)) return false;
    if (!write.written || read.seen != write.written) return false;
    write.outcome = Outcome::failed;
    return true;
  });
}

bool update_that_wins_twice(Operations& all) {
  for (const Operation& update : all) {
    if (!is(update, OperationKind::update) || !update.seen || !update.written) continue;
    add(all, update, end_of(all)).written = "second";
    return true;
  }
  return false;
}

struct Lie {
  const char* name;
  bool (*plant)(Operations&);
  std::size_t operations_max;  ///< As many as it may take to show it.
};

const std::vector<Lie>& lies() {
  static const std::vector<Lie> all = {
      {"stale read", stale_read, 3},
      {"lost write", lost_write, 3},
      {"value from nowhere", value_from_nowhere, 1},
      {"value seen twice", value_seen_twice, 5},
      {"read that goes back", read_that_goes_back, 4},
      {"failure that is seen", failure_that_is_seen, 3},
      {"update that wins twice", update_that_wins_twice, 4},
  };
  return all;
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

// Would catch: a check that cries wolf, and a search that needs more than one try per operation,
// whatever was never answered and however late it took effect.
TEST_CASE("both checks accept what true registers answer", "[sim][history]") {
  const std::uint64_t seed = GENERATE(range(0u, 100u));
  const Operations operations = TrueRegisters::run(seed, 1000);
  const History history = history_of(operations);
  INFO("seed " << seed);
  REQUIRE(history.operations().size() == 1000);
  const HistoryVerdict witness = check_by_witness(history);
  CHECK(witness.why == "");
  CHECK(witness.kind == HistoryVerdict::linearizable);
  const HistoryVerdict search = check_by_search(history, steps_max);
  CHECK(search.why == "");
  CHECK(search.kind == HistoryVerdict::linearizable);
}

// Would catch: any kind of wrong answer that a check is blind for, and a report that nobody could
// read: of a thousand operations it shows those that contradict each other.
TEST_CASE("every lie is found by both checks and shown in few lines", "[sim][history]") {
  for (const Lie& lie : lies()) {
    int planted = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Operations operations = TrueRegisters::run(seed, 1000);
      if (!lie.plant(operations)) continue;
      ++planted;
      const History history = history_of(operations);
      INFO(lie.name << ", seed " << seed);
      CHECK(check_by_witness(history).kind == HistoryVerdict::violated);
      const HistoryVerdict search = check_by_search(history, steps_max);
      INFO(search.why);
      CHECK(search.kind == HistoryVerdict::violated);
      CHECK(lines_in(search.why) >= 1);
      CHECK(lines_in(search.why) <= lie.operations_max);
    }
    INFO(lie.name);
    CHECK(planted >= 15);
  }
}

// Would catch: a wrong answer that is excused by a wrong index. The reader claims to have looked
// where its value stood; the search does not listen, and the witness sees that the clock disagrees.
TEST_CASE("an index that fits a wrong answer excuses nothing", "[sim][history]") {
  for (const Lie& lie : lies()) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Operations operations = TrueRegisters::run(seed, 300);
      if (!lie.plant(operations)) continue;
      for (Operation& read : operations) {
        if (!is(read, OperationKind::read)) continue;
        for (const Operation& write : operations) {
          const bool wrote = write.kind != OperationKind::read && write.index != Index{};
          if (wrote && write.key == read.key && write.written && write.written == read.seen) {
            read.index = write.index;
          }
        }
      }
      const History history = history_of(operations);
      INFO(lie.name << ", seed " << seed);
      CHECK(check_by_witness(history).kind == HistoryVerdict::violated);
      CHECK(check_by_search(history, steps_max).kind == HistoryVerdict::violated);
    }
  }
}

// Would catch: wrong indexes under right answers: the log and the clients disagree.
TEST_CASE("wrong indexes are found by the witness and ignored by the search", "[sim][history]") {
  const std::uint64_t seed = GENERATE(range(0u, 20u));
  const Operations right = TrueRegisters::run(seed, 300);
  const auto check = [&](const Operations& wrong, HistoryVerdict::Kind expected) {
    CHECK(check_by_witness(history_of(wrong)).kind == expected);
    CHECK(check_by_search(history_of(wrong), steps_max).kind == HistoryVerdict::linearizable);
  };
  std::vector<std::size_t> writes;
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (is(right[i], OperationKind::write)) writes.push_back(i);
  }
  REQUIRE(writes.size() > 20);

  INFO("seed " << seed);
  Operations swapped = right;
  std::swap(swapped[writes.front()].index, swapped[writes.back()].index);
  check(swapped, HistoryVerdict::violated);

  Operations shared = right;
  shared[writes[3]].index = shared[writes[4]].index;
  check(shared, HistoryVerdict::violated);

  Operations missing = right;
  missing[writes[5]].index = {};
  check(missing, HistoryVerdict::unknown);
}

// Would catch: a request that was told to be certainly not applied and is in the log (D7).
TEST_CASE("a failure with a place in the log is found by the witness", "[sim][history]") {
  History history;
  const History::Number write = history.call_write(1, "k", "v");
  history.failed(write);
  CHECK(check_by_witness(history).kind == HistoryVerdict::linearizable);
  history.located(write, {7});
  const HistoryVerdict verdict = check_by_witness(history);
  CHECK(verdict.kind == HistoryVerdict::violated);
  CHECK(verdict.why ==
        "took effect: client 1 write k = \"v\", told to have failed, index 7, from 0 to 1");
}

// Would catch: a compare-and-set that was refused although it should have won.
TEST_CASE("an update that is refused has read", "[sim][history]") {
  const auto refused_with = [](const Value& seen) {
    History history;
    history.write_returned(history.call_write(1, "k", "a"), {1});
    history.update_refused(history.call_update(2, "k", "b", "c"), seen, {1});
    CHECK(check_by_witness(history).kind == check_by_search(history, steps_max).kind);
    return check_by_search(history, steps_max).kind;
  };
  CHECK(refused_with("a") == HistoryVerdict::linearizable);
  CHECK(refused_with(std::nullopt) == HistoryVerdict::violated);
  CHECK(refused_with("b") == HistoryVerdict::violated);
}

// Would catch: a search that gives up and calls it a success, or lets one key that is too hard hide
// the violation of another.
TEST_CASE("a search that gives up says so", "[sim][history]") {
  constexpr std::uint64_t writers = 12;
  History history;
  std::vector<History::Number> writes;
  for (std::uint64_t i = 0; i < writers; ++i) {
    writes.push_back(history.call_write(i, "hard", i % 2 == 0 ? "a" : "b"));
  }
  for (const History::Number write : writes) history.write_returned(write, {});
  history.read_returned(history.call_read(1, "hard"), "a", {});
  history.read_returned(history.call_read(1, "hard"), "b", {});

  const HistoryVerdict tired = check_by_search(history, 100);
  CHECK(tired.kind == HistoryVerdict::unknown);
  CHECK(tired.why == "no order of the 14 operations on hard found in 100 steps");
  CHECK(check_by_search(history, 1'000'000).kind == HistoryVerdict::violated);

  history.read_returned(history.call_read(1, "other"), "x", {});
  const HistoryVerdict other = check_by_search(history, 100);
  CHECK(other.kind == HistoryVerdict::violated);
  CHECK_THAT(other.why, Catch::Contains("other"));
}

// Would catch: an explanation that leaves out what a reader has to know.
TEST_CASE("a violation is shown as the operations that contradict each other", "[sim][history]") {
  History history;
  history.write_returned(history.call_write(1, "k", "a"), {1});
  history.write_returned(history.call_write(2, "k", "b"), {2});
  history.read_returned(history.call_read(3, "k"), "b", {2});
  history.read_returned(history.call_read(4, "k"), "a", {1});
  CHECK(check_by_search(history, steps_max).why ==
        "no order of these operations on k explains what they saw:\n"
        "  client 1 write k = \"a\", ok, index 1, from 0 to 1\n"
        "  client 2 write k = \"b\", ok, index 2, from 2 to 3\n"
        "  client 4 read k as \"a\", ok, index 1, from 6 to 7");
  CHECK(check_by_witness(history).why ==
        "the order of the indexes is not that of time:\n"
        "  client 4 read k as \"a\", ok, index 1, from 6 to 7\n"
        "  stands before\n"
        "  client 2 write k = \"b\", ok, index 2, from 2 to 3");
}

namespace {

// Every order of every subset that holds all answered operations, one after the other.
bool has_order(const Operations& operations, std::vector<std::size_t>& order) {
  const auto is_explained = [&] {
    Value value;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Operation& operation = operations[order[i]];
      if (sees(operation) && operation.seen != value) return false;
      if (operation.kind != OperationKind::read) value = operation.written;
      for (std::size_t j = i + 1; j < order.size(); ++j) {
        if (operations[order[j]].returned < operation.called) return false;
      }
    }
    return true;
  };
  const auto is_in = [&](std::size_t i) {
    return std::find(order.begin(), order.end(), i) != order.end();
  };
  bool all_answered = true;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    all_answered = all_answered && (operations[i].outcome != Outcome::ok || is_in(i));
  }
  if (all_answered && is_explained()) return true;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (is_in(i) || operations[i].outcome == Outcome::failed) continue;
    if (operations[i].outcome == Outcome::unknown && operations[i].kind == OperationKind::read) {
      continue;
    }
    order.push_back(i);
    if (has_order(operations, order)) return true;
    order.pop_back();
  }
  return false;
}

// Anything at all on one key, right or wrong, with values and indexes that repeat.
Operations any_history(Random& random, std::size_t count) {
  std::vector<std::size_t> slots;  // Each operation twice: its call and its return.
  for (std::size_t i = 0; i < count; ++i) slots.insert(slots.end(), {i, i});
  for (std::size_t i = slots.size(); i > 1; --i) {
    const std::uint64_t other = random.between(0, i);
    std::swap(slots[i - 1], slots[other]);
  }
  const auto value = [&]() -> Value {
    const std::uint64_t drawn = random.between(0, 4);
    if (drawn == 0) return std::nullopt;
    return std::string(1, static_cast<char>('a' + drawn));
  };
  Operations operations(count);
  for (std::size_t i = 0; i < count; ++i) {
    Operation& operation = operations[i];
    operation.client = i;
    operation.key = "k";
    operation.kind = static_cast<OperationKind>(random.between(0, 3));
    if (sees(operation)) operation.seen = value();
    if (operation.kind != OperationKind::read) operation.written = value();
    const std::uint64_t outcome = random.between(0, 6);
    operation.outcome = outcome == 0   ? Outcome::failed
                        : outcome == 1 ? Outcome::unknown
                                       : Outcome::ok;
    if (operation.outcome != Outcome::failed) operation.index.value = random.between(1, 6);
    const auto called = std::find(slots.begin(), slots.end(), i);
    const auto returned = std::find(called + 1, slots.end(), i);
    operation.called = static_cast<std::uint64_t>(called - slots.begin());
    operation.returned = static_cast<std::uint64_t>(returned - slots.begin());
    if (operation.outcome == Outcome::unknown) operation.returned = Operation::never;
  }
  return operations;
}

}  // namespace

// Would catch: a shortcut of the search that loses an order or finds one too many, and a witness
// that believes something impossible.
TEST_CASE("the search agrees with trying every order, and the witness believes nothing else",
          "[sim][history]") {
  Random random(20);
  int linearizable = 0;
  int believed = 0;
  constexpr int histories = 30'000;
  for (int i = 0; i < histories; ++i) {
    const std::uint64_t count = random.between(1, 6);
    const Operations operations = any_history(random, count);
    const History history = history_of(operations);
    std::vector<std::size_t> order;
    const bool expected = has_order(operations, order);
    linearizable += expected ? 1 : 0;
    const HistoryVerdict search = check_by_search(history, steps_max);
    const HistoryVerdict witness = check_by_witness(history);
    believed += witness.kind == HistoryVerdict::linearizable ? 1 : 0;
    const bool agree = (search.kind == HistoryVerdict::linearizable) == expected &&
                       search.kind != HistoryVerdict::unknown;
    const bool sound = expected || witness.kind != HistoryVerdict::linearizable;
    if (agree && sound) continue;
    for (const Operation& operation : operations) UNSCOPED_INFO(describe(operation));
    FAIL("history " << i << ", an order exists: " << expected << "\nsearch: " << search.why
                    << "\nwitness: " << witness.why);
  }
  // Both kinds, many times.
  CHECK(linearizable > histories / 10);
  CHECK(linearizable < histories / 10 * 9);
  CHECK(believed > histories / 50);
}

}  // namespace raft
