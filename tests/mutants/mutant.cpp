#include "mutants/mutant.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace mutants {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t variants_max = 10;

class Reader {
 public:
  explicit Reader(const fs::path& file) : file_(file) {
    read_id();
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) take(line);
    finish_text();
    if (mutant_.name.empty() || mutant_.expected.empty()) fail("it needs name: and expects:");
    if (mutant_.changes.empty()) fail("it changes nothing");
    for (const Change& change : mutant_.changes) {
      if (change.original.empty()) fail("a change without an original");
    }
  }

  Mutant result() && { return std::move(mutant_); }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(file_.filename().string() + ": " + what);
  }

  /// "04a_name.mutant" is 41, "04_name.mutant" is 40.
  void read_id() {
    const std::string name = file_.filename().string();
    mutant_.id = name.substr(0, name.find('_'));
    std::size_t digits = 0;
    const auto row = static_cast<std::uint32_t>(std::stoul(mutant_.id, &digits));
    mutant_.number = row * variants_max;
    if (digits < mutant_.id.size()) {
      mutant_.number += static_cast<std::uint32_t>(mutant_.id[digits] - 'a' + 1);
    }
    if (row == 0 || digits + 1 < mutant_.id.size()) fail("its name begins with no number");
  }

  void take(const std::string& line) {
    if (line.starts_with("== ")) {
      finish_text();
      text_ = nullptr;
      file_changed_ = line.substr(3);
    } else if (line == "-- instead") {
      if (mutant_.changes.empty()) fail("instead of what?");
      finish_text();
      text_ = &mutant_.changes.back().instead;
    } else if (line.starts_with("-- ")) {
      if (file_changed_.empty()) fail("a change of no file");
      finish_text();
      mutant_.changes.push_back({file_changed_, kind_of(line.substr(3)), {}, {}});
      text_ = &mutant_.changes.back().original;
    } else if (text_ != nullptr) {
      *text_ += line + '\n';
    } else {
      take_setting(line);
    }
  }

  // What is no setting explains the mutant to people.
  void take_setting(const std::string& line) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) return;
    const std::string key = line.substr(0, colon);
    const std::string value = line.substr(colon + 2);
    if (key == "name") mutant_.name = value;
    if (key == "expects") mutant_.expected = value;
    if (key == "nodes") mutant_.nodes = std::stoull(value);
    if (key == "operations") mutant_.operations = std::stoull(value);
    if (key != "faults") return;
    std::istringstream names(value);
    for (std::string name; names >> name;) {
      const auto fault = raft::sim::fault_from(name);
      if (!fault) fail("no such fault: " + name);
      mutant_.faults.insert(*fault);
    }
  }

  Kind kind_of(const std::string& word) const {
    if (word == "expression") return Kind::expression;
    if (word == "statement") return Kind::statement;
    if (word == "declaration") return Kind::declaration;
    fail("no such kind of change: " + word);
  }

  void finish_text() {
    if (text_ == nullptr) return;
    while (text_->ends_with('\n')) text_->pop_back();
  }

  fs::path file_;
  Mutant mutant_;
  std::string file_changed_;
  std::string* text_ = nullptr;  ///< Of the fragment that is being read.
};

}  // namespace

Mutant read_mutant(const fs::path& file) { return Reader(file).result(); }

std::vector<Mutant> read_mutants(const fs::path& folder) {
  std::vector<Mutant> mutants;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".mutant") mutants.push_back(read_mutant(entry.path()));
  }
  std::sort(mutants.begin(), mutants.end(),
            [](const Mutant& a, const Mutant& b) { return a.number < b.number; });
  for (std::size_t at = 1; at < mutants.size(); ++at) {
    if (mutants[at].number == mutants[at - 1].number) {
      throw std::runtime_error("two mutants are numbered " + mutants[at].id);
    }
  }
  return mutants;
}

raft::sim::Options options_for(const Mutant& mutant) {
  raft::sim::Options options;
  options.nodes = mutant.nodes.value_or(options.nodes);
  options.operations = mutant.operations.value_or(options.operations);
  if (!mutant.faults.empty()) options.faults = mutant.faults;
  return options;
}

}  // namespace mutants
