#include "exhaustive/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

namespace raft::exhaustive {
namespace {

/// One option: its values in words, how they are set and what they are.
struct Option {
  std::string name;
  std::string help;
  std::function<bool(Bounds&, const std::string&)> set;
  std::function<std::string(const Bounds&)> get;
};

template <class Number>
Option number(std::string name, Number Bounds::*field, std::size_t max, std::string help) {
  const auto set = [field, max](Bounds& bounds, const std::string& text) {
    std::size_t value = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    bounds.*field = static_cast<Number>(value);
    return parsed.ec == std::errc{} && parsed.ptr == end && value <= max;
  };
  const auto get = [field](const Bounds& bounds) { return std::to_string(bounds.*field); };
  return {std::move(name), std::move(help), set, get};
}

template <class Value>
Option choice(std::string name, Value Bounds::*field,
              std::vector<std::pair<std::string, Value>> values, std::string help) {
  for (std::size_t i = 0; i < values.size(); ++i) help += (i == 0 ? ": " : ", ") + values[i].first;
  const auto set = [field, values](Bounds& bounds, const std::string& text) {
    const auto found = std::find_if(values.begin(), values.end(),
                                    [&](const auto& value) { return value.first == text; });
    if (found != values.end()) bounds.*field = found->second;
    return found != values.end();
  };
  const auto get = [field, values](const Bounds& bounds) {
    return std::find_if(values.begin(), values.end(),
                        [&](const auto& value) { return value.second == bounds.*field; })
        ->first;
  };
  return {std::move(name), std::move(help), set, get};
}

std::vector<Option> options() {
  const std::vector<std::pair<std::string, bool>> on_off{{"on", true}, {"off", false}};
  return {
      number("--nodes", &Bounds::nodes, nodes_max, "voters at the start"),
      number("--proposals", &Bounds::proposals, 8, "commands in all"),
      number("--crashes", &Bounds::crashes, 8, "crashes in all, each with a restart"),
      number("--changes", &Bounds::changes, 8, "changes of membership in all"),
      number("--transfers", &Bounds::transfers, 8, "leadership transfers in all"),
      number("--ticks", &Bounds::ticks, 32, "ticks of leaders in all, to tell what is committed"),
      number("--timeouts", &Bounds::timeouts, 8, "election timeouts of each node"),
      number("--timeouts-of-all", &Bounds::timeouts_of_all, 32, "of all nodes together"),
      choice<ChangeKind>("--change", &Bounds::change,
                         {{"remove", ChangeKind::remove},
                          {"add", ChangeKind::add},
                          {"replace", ChangeKind::replace},
                          {"demote", ChangeKind::demote}},
                         "what a change does to the last voter or the next"),
      choice<bool>("--start", &Bounds::starts_led, {{"fresh", false}, {"led", true}},
                   "without a leader, or with one whose first entry all have applied"),
      choice<bool>("--order", &Bounds::in_order, {{"any", false}, {"sent", true}},
                   "of messages from one node to another"),
      choice<bool>("--writes", &Bounds::writes_at_once, {{"later", false}, {"at-once", true}},
                   "when a batch reaches the disk: at any time, or in the turn that made it"),
      choice(
          "--reduce", &Bounds::is_reduced, on_off,
          "try one of the orders of steps that do not affect each other; with --order sent and at "
          "most one crash"),
      choice("--pre-vote", &Bounds::pre_vote, on_off, "ask before campaigning"),
      choice("--check-quorum", &Bounds::check_quorum, on_off,
             "hold on to a leader that is heard, step down when nobody is"),
      choice<DiskKind>("--disk", &Bounds::disk,
                       {{"honest", DiskKind::honest},
                        {"forgets-votes", DiskKind::forgets_votes},
                        {"forgets-entries", DiskKind::forgets_entries},
                        {"confirms-early", DiskKind::confirms_early}},
                       "wrong disks, to see what is found"),
      number("--states-max", &Bounds::states_max, std::size_t{1} << 31, "stop there"),
      number("--minutes-max", &Bounds::minutes_max, 10'000, "of CPU, before it stops"),
      number("--memory-max", &Bounds::memory_max, 1u << 20, "in MiB, before it stops"),
  };
}

}  // namespace

std::optional<Bounds> parse(const std::vector<std::string>& arguments) {
  Bounds bounds;
  const std::vector<Option> known = options();
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const auto option = std::find_if(known.begin(), known.end(), [&](const Option& candidate) {
      return candidate.name == arguments[i];
    });
    if (option == known.end() || i + 1 == arguments.size()) return std::nullopt;
    if (!option->set(bounds, arguments[i + 1])) return std::nullopt;
  }
  if (bounds.nodes == 0) return std::nullopt;
  const bool adds = bounds.change == ChangeKind::add || bounds.change == ChangeKind::replace;
  if (adds && bounds.nodes == nodes_max) return std::nullopt;
  // Two crashes depend on each other, and so do all messages if any may arrive.
  if (bounds.is_reduced && (!bounds.in_order || bounds.crashes > 1)) return std::nullopt;
  return bounds;
}

std::string to_command(const Bounds& bounds) {
  std::string text = "raft-explore";
  for (const Option& option : options()) text += " " + option.name + " " + option.get(bounds);
  return text;
}

std::string usage() {
  std::string text = "raft-explore";
  for (const Option& option : options()) {
    text += "\n  " + option.name + " " + option.get(Bounds{}) + "\n      " + option.help;
  }
  return text + "\n";
}

}  // namespace raft::exhaustive
