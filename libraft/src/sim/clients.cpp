#include "sim/clients.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "sim/digest.hpp"

namespace raft::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t clients_at_once = 8;
constexpr int attempts_max = 40;
constexpr std::uint64_t cancelled_percent = 4;
constexpr Duration usual_pause_max = milliseconds(250);
// A busy client asks for so much that its session forgets the oldest replies.
constexpr std::uint64_t busy_percent = 30;
constexpr Duration busy_pause_max = milliseconds(4);
// A client chooses its numbers; now and then it leaves some out, up to more than a session keeps.
constexpr std::uint64_t skipped_percent = 2;
constexpr std::uint64_t skipped_max = 100;

bool is_certainly_not_applied(Errc code) {
  return code != Errc::unknown_outcome && code != Errc::session_expired;
}

}  // namespace

Clients::Clients(World& world, Calls& calls)
    : world_(world), calls_(calls), random_(world.profile().seed * 16 + 8) {}

void Clients::start(std::uint64_t operations) {
  operations_ = operations;
  for (std::size_t i = 0; i < clients_at_once; ++i) {
    Client client;
    client.number = ++last_client_;
    client.pause_max = usual_pause_max;
    if (i % 2 == 0) end_session(client);
    if (i == 0 && chance(busy_percent)) client.pause_max = busy_pause_max;
    clients_.push_back(std::move(client));
    go_on_later(i);
  }
}

/// The next one has another name, and begins to count anew.
void Clients::end_session(Client& client) {
  client.session = "c" + std::to_string(client.number);
  client.sequence = 0;
}

void Clients::go_on_later(std::size_t client) {
  const auto pause_max = static_cast<std::uint64_t>(
      std::chrono::duration_cast<microseconds>(clients_[client].pause_max).count());
  const Duration pause = microseconds(random_.between(100, pause_max));
  world_.later(pause, [this, client] { go_on(client); });
}

void Clients::go_on(std::size_t client) {
  if (has_stopped_ || asked_ >= operations_) return;
  ++asked_;
  ++busy_;
  if (chance(35)) {
    begin_read(client);
  } else {
    begin_write(client);
  }
}

void Clients::ended(std::size_t client) {
  --busy_;
  go_on_later(client);
}

NodeId Clients::anyone() {
  const NodeId leader = world_.leader();
  const bool asks_leader = chance(50);
  if (leader && asks_leader) return leader;
  std::vector<NodeId> up;
  for (const NodeId id : world_.up()) {
    if (world_.replica(id) != nullptr) up.push_back(id);
  }
  if (up.empty()) return {};
  return up[random_.between(0, up.size())];
}

Instant Clients::deadline(NodeId node) {
  const Duration from_now = milliseconds(random_.between(100, 3000));
  return world_.node(node).clock.at(world_.now()) + from_now;
}

Command Clients::fresh_command() {
  const Draw draw = [this](std::uint64_t low, std::uint64_t high) {
    return random_.between(low, high);
  };
  return {{}, 0, world_.subject().command(draw, ++last_command_)};
}

// --- writes ---

void Clients::begin_write(std::size_t at) {
  Client& client = clients_[at];
  Write write;
  write.client = at;
  write.command = fresh_command();
  write.request = ++last_request_;
  if (!client.session.empty()) {
    write.command.client = client.session;
    const bool skips = client.sequence > 0 && chance(skipped_percent);
    client.sequence += skips ? random_.between(2, skipped_max) : 1;
    write.command.sequence = client.sequence;
  }
  write.number = noted_write(client.number, write.command);
  world_.checkers().proposed(write.request, write.command);
  attempt(write);
}

void Clients::attempt_later(const Write& write) {
  const Duration pause = milliseconds(random_.between(1, 300));
  world_.later(pause, [this, write] { attempt(write); });
}

void Clients::attempt(const Write& write) {
  Write next = write;
  ++next.attempts;
  if (has_stopped_ || next.attempts > attempts_max) return written(next, Errc::unknown_outcome);
  const NodeId node = anyone();
  if (!node) return attempt_later(next);
  if (next.attempts > 1) world_.effects().hit(Fault::client_retry);
  const Instant until = deadline(node);
  const std::uint64_t call = calls_.begin(
      node, "write", [this, next] { written(next, Errc::unknown_outcome); }, until);
  world_.on_node(node, Duration{0}, [this, node, next, until, call] {
    replica::Replica* replica = world_.replica(node);
    const auto done = [this, next, call](const Result<Applied>& result) {
      if (calls_.answered(call)) written(next, result);
    };
    if (replica == nullptr) return done(Errc::no_leader);
    may_cancel(node, replica->propose(next.command, until, done));
  });
}

/// Now and then a caller stops waiting; what was proposed may be applied all the same.
void Clients::may_cancel(NodeId node, std::uint64_t ticket) {
  if (!chance(cancelled_percent)) return;
  const Duration patience = microseconds(random_.between(0, 20'000));
  world_.on_node(node, patience, [this, node, ticket] { world_.replica(node)->cancel(ticket); });
}

void Clients::written(const Write& write, const Result<Applied>& result) {
  Client& client = clients_[write.client];
  Checkers& checkers = world_.checkers();
  if (result) {
    ++counts_.done;
    checkers.acknowledged(write.request, result->id, digest_of(result->reply));
    if (write.number) {
      // A repeated request was executed by an earlier try, at another index.
      const auto executed = world_.executed_at(write.command.bytes);
      history_.write_returned(*write.number, executed.value_or(result->id.index));
    }
    return ended(write.client);
  }
  const bool is_full = result.code() == Errc::busy || result.code() == Errc::too_large;
  if (is_full && world_.profile().has(Fault::small_limits)) {
    world_.effects().hit(Fault::small_limits);
  }
  const bool has_session = !write.command.client.empty();
  const bool is_certain = is_certainly_not_applied(result.code());
  const bool may_go_on = !has_stopped_ && write.attempts < attempts_max;
  if (has_session && result.code() == Errc::session_expired && write.attempts == 1) {
    checkers.violated("D6", "a live session expired: " + client.session);
  }
  // With a number it may be asked again whatever became of it before.
  if (may_go_on && has_session && result.code() != Errc::session_expired) {
    return attempt_later(write);
  }
  if (may_go_on && is_certain && !has_session && write.attempts < 4) {
    // Never executed so far: without a number it may be asked again too.
    return attempt_later(write);
  }
  if (is_certain && !has_session) {
    ++counts_.refused;
    checkers.refused_for_good(write.request);
    if (write.number) history_.failed(*write.number);
  } else {
    ++counts_.unknown;
    client.number = ++last_client_;
    if (has_session) end_session(client);
  }
  ended(write.client);
}

void Clients::flood(NodeId id, std::uint64_t proposals) {
  if (!world_.works(id)) return;
  for (std::uint64_t i = 0; i < proposals; ++i) write_on(id, nullptr);
}

// --- reads ---

void Clients::begin_read(std::size_t client) {
  const NodeId node = anyone();
  if (!node) return ended(client);
  read(node, client);
}

void Clients::read(NodeId node, std::optional<std::size_t> client) {
  struct Seen {
    bool ran = false;
    Value value;
    Index at;
    Index granted;
    std::optional<Checkers::ReadToken> token;
  };
  const auto seen = std::make_shared<Seen>();
  const std::uint64_t drawn = random_.between(0, 3);
  const ReadLevel level = drawn == 0 ? ReadLevel::lease : ReadLevel::linearizable;
  const Instant until = deadline(node);
  const auto& registers = world_.subject().registers;
  std::optional<History::Number> number;
  Bytes key;
  if (registers) {
    key = registers->keys[random_.between(0, registers->keys.size())];
    number = history_.call_read(client ? clients_[*client].number : ++last_client_, key);
  }
  const auto returned = [this, client](bool ok) {
    if (ok) ++counts_.reads;
    if (client) ended(*client);
  };
  const auto given_up = [this, seen, returned] {
    if (seen->token) world_.checkers().read_failed(*seen->token);
    returned(false);
  };
  const std::uint64_t call = calls_.begin(node, "read", given_up, until);
  world_.on_node(node, Duration{0}, [=, this] {
    replica::Replica* replica = world_.replica(node);
    seen->token = world_.checkers().read_invoked();
    const auto done = [=, this](const Result<void>& result) {
      if (!calls_.answered(call)) return;
      if (!result) {
        world_.checkers().read_failed(*seen->token);
        if (number) history_.failed(*number);
        return returned(false);
      }
      if (!seen->ran) world_.checkers().violated("R3", "a read is answered without having run");
      world_.checkers().read_served(node, *seen->token, seen->at, seen->granted);
      if (number) history_.read_returned(*number, seen->value, seen->at);
      returned(true);
    };
    if (replica == nullptr) return done(Errc::no_leader);
    const std::uint64_t ticket = replica->read(
        level, until,
        [=, this](Index granted) {
          const ObservedMachine& machine = world_.node(node).process->observed();
          seen->ran = true;
          seen->granted = granted;
          seen->at = machine.applied();
          const auto& of = world_.subject().registers;
          if (of) seen->value = of->value_of(machine.inner(), key);
        },
        done);
    may_cancel(node, ticket);
  });
}

// --- when the faults have stopped ---

bool Clients::writes_something(Duration at_most) {
  const auto done = std::make_shared<bool>(false);
  const Duration end = world_.now() + at_most;
  // One after the other: with small limits some commands are refused for what they are.
  while (!*done && world_.now() < end && !world_.checkers().violation()) {
    if (const NodeId leader = world_.leader()) write_on(leader, done);
    world_.run_until([&] { return *done; },
                     std::min<Duration>(milliseconds(200), end - world_.now()));
  }
  return *done;
}

void Clients::write_on(NodeId id, const std::shared_ptr<bool>& done) {
  const Command command = fresh_command();
  const std::uint64_t request = ++last_request_;
  const std::optional<History::Number> number = noted_write(++last_client_, command);
  world_.checkers().proposed(request, command);
  const Instant until = deadline(id);
  const std::uint64_t call = calls_.begin(id, "write", {}, until);
  world_.on_node(id, Duration{0}, [=, this] {
    world_.replica(id)->propose(command, until, [=, this](const Result<Applied>& result) {
      if (!calls_.answered(call)) return;
      if (result) {
        world_.checkers().acknowledged(request, result->id, digest_of(result->reply));
        if (number) history_.write_returned(*number, result->id.index);
        if (done) *done = true;
        return;
      }
      if (result.code() == Errc::busy) world_.effects().hit(Fault::overload);
      if (!is_certainly_not_applied(result.code())) return;
      world_.checkers().refused_for_good(request);
      if (number) history_.failed(*number);
    });
  });
}

std::optional<History::Number> Clients::noted_write(std::uint64_t client, const Command& command) {
  const auto& registers = world_.subject().registers;
  auto set = registers ? registers->set_by(command.bytes) : std::nullopt;
  if (!set) return std::nullopt;
  return history_.call_write(client, std::move(set->key), std::move(set->value));
}

void Clients::read_everywhere() {
  for (const NodeId id : world_.up()) {
    if (world_.works(id)) read(id, std::nullopt);
  }
}

}  // namespace raft::sim
