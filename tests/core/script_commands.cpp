#include "core/script_commands.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/describe.hpp"

namespace raft::test {
namespace {

[[noreturn]] void complain(const std::string& text) { throw std::invalid_argument(text); }

std::string word(std::istringstream& words) {
  std::string next;
  if (!(words >> next)) complain("a word is missing");
  return next;
}

std::uint64_t number(const std::string& text) {
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) complain("not a number: " + text);
  return std::stoull(text);
}

NodeId node(const std::string& text) { return {number(text)}; }
NodeId node(std::istringstream& words) { return node(word(words)); }

/// "500ms" or "2s".
Duration duration(const std::string& text) {
  const std::size_t end = text.find_first_not_of("0123456789");
  const std::string unit = end == text.npos ? "" : text.substr(end);
  const auto count = static_cast<std::int64_t>(number(text.substr(0, end)));
  if (unit == "ms") return std::chrono::milliseconds(count);
  if (unit == "s") return std::chrono::seconds(count);
  complain("not a duration: " + text);
}

/// "1->2"
std::pair<NodeId, NodeId> link(const std::string& text) {
  const std::size_t arrow = text.find("->");
  if (arrow == text.npos) complain("not a link: " + text);
  return {node(text.substr(0, arrow)), node(text.substr(arrow + 2))};
}

std::pair<NodeId, NodeId> link(std::istringstream& words) { return link(word(words)); }

/// "name=value"; without a value it is empty.
std::pair<std::string, std::string> setting(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos) return {text, ""};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::vector<NodeId> nodes(std::istringstream& words) {
  std::vector<NodeId> found;
  for (std::string next; words >> next;) found.push_back(node(next));
  return found;
}

}  // namespace

std::vector<std::string> Conversation::play(const std::string& command) {
  output_.clear();
  Words words(command);
  quiet_ = command.starts_with("quiet ");
  if (quiet_) word(words);
  run(words);
  std::string rest;
  if (words >> rest) complain("too much: " + rest);
  return std::move(output_);
}

void Conversation::run(Words& words) {
  const std::string name = word(words);
  if (run_setup(name, words) || run_time(name, words) || run_input(name, words) ||
      run_network(name, words) || run_life(name, words) || run_snapshot(name, words) ||
      run_question(name, words)) {
    return;
  }
  complain("no such command: " + name);
}

Cluster& Conversation::cluster() {
  if (!cluster_) {
    cluster_ = std::make_unique<Cluster>(setup_);
    cluster_->set_trace([this](const std::string& line) {
      if (!quiet_) print(line);
    });
  }
  return *cluster_;
}

std::set<core::NoteKind> Conversation::notes() const {
  std::set<core::NoteKind> seen;
  if (!cluster_) return seen;
  for (std::size_t kind = 0; kind < static_cast<std::size_t>(core::NoteKind::count_); ++kind) {
    for (const NodeId id : cluster_->ids()) {
      const auto note = static_cast<core::NoteKind>(kind);
      if (cluster_->noted(id, note)) seen.insert(note);
    }
  }
  return seen;
}

template <class T>
void Conversation::print_result(const Result<T>& result) {
  if (result) return;
  const Error& error = result.error();
  print(std::string("refused: ") + to_string(error.code) +
        (error.detail.empty() ? "" : ", " + error.detail));
}

// --- the beginning ---

bool Conversation::run_setup(const std::string& name, Words& words) {
  if (name == "nodes") {
    setup_.voters = nodes(words);
  } else if (name == "learners") {
    setup_.learners = nodes(words);
  } else if (name == "strangers") {
    setup_.strangers = nodes(words);
  } else if (name == "options") {
    set_options(words);
  } else if (name == "entries") {
    std::vector<std::uint64_t>& terms = setup_.logs[node(words)];
    for (std::string next; words >> next;) terms.push_back(number(next));
  } else if (name == "term") {
    const NodeId id = node(words);
    setup_.terms[id] = number(word(words));
  } else {
    return false;
  }
  if (cluster_) complain("the conversation has begun already");
  return true;
}

void Conversation::set_options(Words& words) {
  for (std::string next; words >> next;) {
    const auto [name, value] = setting(next);
    const std::map<std::string, bool*> switches{{"pre_vote", &setup_.pre_vote},
                                                {"check_quorum", &setup_.check_quorum},
                                                {"lease_reads", &setup_.lease_reads}};
    const std::map<std::string, std::size_t*> limits{
        {"append_bytes_max", &setup_.limits.append_bytes_max},
        {"inflight_appends_max", &setup_.limits.inflight_appends_max},
        {"uncommitted_bytes_max", &setup_.limits.uncommitted_bytes_max},
        {"apply_bytes_max", &setup_.limits.apply_bytes_max},
        {"log_cache_bytes", &setup_.limits.log_cache_bytes}};
    if (switches.contains(name) && (value == "on" || value == "off")) {
      *switches.at(name) = value == "on";
    } else if (limits.contains(name)) {
      *limits.at(name) = number(value);
    } else {
      complain("no such option: " + next);
    }
  }
}

// --- time ---

bool Conversation::run_time(const std::string& name, Words& words) {
  if (name == "tick") {
    const NodeId id = node(words);
    cluster().tick(id, duration(word(words)));
  } else if (name == "pass") {
    cluster().pass(duration(word(words)));
  } else if (name == "run") {
    cluster().run_for(duration(word(words)));
  } else {
    return false;
  }
  return true;
}

// --- inputs ---

bool Conversation::run_input(const std::string& name, Words& words) {
  if (name == "campaign") {
    cluster().campaign(node(words));
  } else if (name == "elect") {
    cluster().elect(node(words));
  } else if (name == "propose") {
    const NodeId id = node(words);
    for (std::string next; words >> next;) print_result(cluster().propose(id, next));
  } else if (name == "change") {
    change(words);
  } else if (name == "read") {
    const NodeId id = node(words);
    std::string lease;
    words >> lease;
    print_result(cluster().read(id, lease == "lease"));
  } else if (name == "transfer") {
    const auto [from, to] = link(words);
    print_result(cluster().transfer(from, to));
  } else if (name == "begin-turn") {
    cluster().begin_turn(node(words));
  } else if (name == "end-turn") {
    cluster().end_turn(node(words));
  } else {
    return false;
  }
  return true;
}

void Conversation::change(Words& words) {
  const NodeId id = node(words);
  MembershipChange change;
  for (std::string next; words >> next;) {
    const auto [name, value] = setting(next);
    const auto member = [&, text = value] { return cluster().member(node(text)); };
    if (name == "add_voter") {
      change.add_voters.push_back(member());
    } else if (name == "add_learner" || name == "join") {
      change.add_learners.push_back(member());
      change.add_learners.back().promote = name == "join";
    } else if (name == "promote") {
      change.promote.push_back(node(value));
    } else if (name == "demote") {
      change.demote.push_back(node(value));
    } else if (name == "remove") {
      change.remove.push_back(node(value));
    } else if (name == "expected_index") {
      change.expected_index = Index{number(value)};
    } else if (name == "force") {
      change.force = true;
    } else {
      complain("no such change: " + next);
    }
  }
  print_result(cluster().change(id, change));
}

// --- the network ---

bool Conversation::run_network(const std::string& name, Words& words) {
  Cluster& net = cluster();
  std::string which;
  if (name == "deliver") {
    if (!(words >> which)) {
      net.settle();
    } else if (which == "one") {
      net.deliver_one();
    } else {
      net.deliver(link(which).first, link(which).second);
    }
  } else if (name == "drop") {
    if (!(words >> which)) {
      net.drop_all();
    } else {
      net.drop(link(which).first, link(which).second);
    }
  } else if (name == "save") {
    const std::string label = word(words);
    const auto [from, to] = link(words);
    saved_[label] = net.take(from, to);
    print("saved " + std::to_string(saved_[label].size()));
  } else if (name == "replay") {
    for (const Message& message : saved_.at(word(words))) net.inject(message);
  } else if (name == "forge") {
    forge(words);
  } else if (name == "isolate") {
    net.isolate(node(words));
  } else if (name == "heal") {
    net.heal();
  } else if (const std::map<std::string, void (Cluster::*)(NodeId, NodeId)> verbs{
                 {"duplicate", &Cluster::duplicate},
                 {"reverse", &Cluster::reverse},
                 {"cut", &Cluster::cut},
                 {"lose", &Cluster::lose_peer},
                 {"connect", &Cluster::connect},
                 {"disconnect", &Cluster::disconnect}};
             verbs.contains(name)) {
    const auto [from, to] = link(words);
    (net.*verbs.at(name))(from, to);
  } else {
    return false;
  }
  return true;
}

/// A message that its sender does not send by itself: "forge 2->3 t1 heartbeat".
void Conversation::forge(Words& words) {
  const auto [from, to] = link(words);
  const Term in_term{number(word(words).substr(1))};
  const std::string kind = word(words);
  if (kind == "heartbeat") return cluster().inject({from, to, in_term, Heartbeat{}});
  const EntryId last = cluster().core(from).log().last();
  const InstanceId voter = cluster().instance(to);
  if (kind == "vote-request") {
    return cluster().inject({from, to, in_term, VoteRequest{last, false, voter}});
  }
  if (kind == "pre-vote-request") {
    return cluster().inject({from, to, in_term, PreVoteRequest{in_term.next(), last, voter}});
  }
  complain("cannot forge: " + kind);
}

// --- disks, machines and lives ---

bool Conversation::run_life(const std::string& name, Words& words) {
  if (name == "hold" || name == "release") {
    hold(words, name == "hold");
    return true;
  }
  const std::map<std::string, void (Cluster::*)(NodeId)> verbs{{"apply", &Cluster::apply},
                                                               {"fetch", &Cluster::fetch},
                                                               {"crash", &Cluster::crash},
                                                               {"restart", &Cluster::restart},
                                                               {"wipe", &Cluster::restart_wiped}};
  if (verbs.contains(name)) {
    (cluster().*verbs.at(name))(node(words));
  } else if (name == "persist") {
    const NodeId id = node(words);
    std::string batches;
    words >> batches;
    cluster().persist(id, batches.empty() ? ~std::size_t{0} : number(batches));
  } else {
    return false;
  }
  return true;
}

void Conversation::hold(Words& words, bool held) {
  const std::string what = word(words);
  if (what == "snapshots") {
    held ? cluster().hold_snapshots() : cluster().release_snapshots();
  } else if (what == "disk") {
    const NodeId id = node(words);
    held ? cluster().hold_disk(id) : cluster().release_disk(id);
  } else if (what == "machine") {
    const NodeId id = node(words);
    held ? cluster().hold_machine(id) : cluster().release_machine(id);
  } else if (what == "fetches" && held) {
    cluster().hold_fetches(node(words));
  } else {
    const auto [from, to] = link(what);
    held ? cluster().hold(from, to) : cluster().release(from, to);
  }
}

// --- snapshots ---

bool Conversation::run_snapshot(const std::string& name, Words& words) {
  if (name == "compact") {
    const NodeId id = node(words);
    std::string upto;
    words >> upto;
    cluster().compact(id, upto.empty() ? std::nullopt : std::optional(Index{number(upto)}));
  } else if (name == "snapshot") {
    print("snapshot " + to_string(cluster().take_snapshot(node(words)).last));
  } else if (name == "offer") {
    const auto [from, to] = link(words);
    cluster().offer_snapshot(from, to);
  } else if (name == "refuse") {
    const auto [from, to] = link(words);
    cluster().refuse_snapshot(from, to);
  } else if (name == "finish") {
    const NodeId id = node(words);
    std::string how;
    words >> how;
    cluster().finish_transfer(id, how != "incomplete");
  } else {
    return false;
  }
  return true;
}

// --- questions ---

bool Conversation::run_question(const std::string& name, Words& words) {
  if (name == "status") {
    print_status(words);
  } else if (name == "log") {
    const NodeId id = node(words);
    print("terms " + cluster().log_terms(id));
  } else if (name == "machine") {
    const std::string applied = cluster().machine(node(words));
    print(applied.empty() ? "nothing" : applied);
  } else if (name == "in-flight") {
    for (const Message& message : cluster().in_flight()) print(describe(message));
  } else {
    return false;
  }
  return true;
}

void Conversation::print_status(Words& words) {
  std::vector<NodeId> ids = nodes(words);
  if (ids.empty()) ids = cluster().ids();
  for (const NodeId id : ids) {
    print(cluster().is_up(id) ? core::describe(cluster().core(id))
                              : "node " + to_string(id) + " down");
  }
}

}  // namespace raft::test
