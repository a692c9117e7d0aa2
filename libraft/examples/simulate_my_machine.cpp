// Puts a state machine of one's own through partitions, crashes and worse, and checks between the
// commands what must always hold: in this bank money moves, and none is made or lost.
//
//   simulate_my_machine            two hundred seeds, with a table at the end
//   simulate_my_machine 1..5000    as many as one likes
//   simulate_my_machine 42         one of them, event by event
#include <array>
#include <libraft/sim.hpp>
#include <numeric>
#include <sstream>
#include <string>

class Bank final : public raft::StateMachine {
 public:
  /// "0 3 25": from the first account to the fourth go 25, if it has them.
  raft::Bytes apply(const raft::AppliedEntry& entry) override {
    std::istringstream words{std::string(entry.command)};
    std::size_t from = 0;
    std::size_t to = 0;
    long amount = 0;
    if (!(words >> from >> to >> amount) || accounts_.at(from) < amount) return "refused";
    accounts_.at(from) -= amount;
    accounts_.at(to) += amount;
    return std::to_string(accounts_.at(from));
  }
  std::unique_ptr<raft::SnapshotReader> capture() override {
    struct View final : raft::SnapshotReader {
      raft::Bytes rest;
      raft::Result<raft::Bytes> read(std::size_t) override { return std::exchange(rest, {}); }
    };
    auto view = std::make_unique<View>();
    for (const long account : accounts_) view->rest += std::to_string(account) + " ";
    return view;
  }
  raft::Result<void> restore(raft::SnapshotReader& snapshot) override {
    std::stringstream words;
    for (;;) {
      const raft::Result<raft::Bytes> part = snapshot.read(64);
      if (!part) return part.error();
      if (part->empty()) break;
      words << *part;
    }
    for (long& account : accounts_) words >> account;
    return {};
  }
  long total() const { return std::accumulate(accounts_.begin(), accounts_.end(), 0L); }

 private:
  std::array<long, 4> accounts_{100, 100, 100, 100};
};

// All that the simulator has to know about it.

raft::Bytes some_transfer(const raft::sim::Draw& draw, std::uint64_t) {
  const std::string from = std::to_string(draw(0, 4));
  const std::string to = std::to_string(draw(0, 4));
  return from + " " + to + " " + std::to_string(draw(1, 50));
}

std::optional<std::string> total_is_wrong(const raft::StateMachine& machine) {
  const long total = static_cast<const Bank&>(machine).total();
  if (total == 400) return std::nullopt;
  return "the bank has " + std::to_string(total);
}

int main(int argc, char** argv) {
  raft::sim::Subject bank;
  bank.machine = [] { return std::make_unique<Bank>(); };
  bank.command = some_transfer;
  bank.check = total_is_wrong;
  raft::sim::Options options;
  options.operations = 200;
  return raft::sim::simulate(bank, argc, argv, options);
}
