// The commands of a script, carried out on a cluster. tests/scripts/README.md lists them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/cluster.hpp"

namespace raft::test {

class Conversation {
 public:
  /// Carries out one command; what it leads to, line by line. Throws Violation for a broken
  /// invariant and std::invalid_argument for a command that makes no sense.
  std::vector<std::string> play(const std::string& command);
  /// All notes that any node made so far.
  std::set<core::NoteKind> notes() const;

 private:
  using Words = std::istringstream;
  using Link = std::pair<NodeId, NodeId>;

  void run(Words& words);
  bool run_setup(const std::string& name, Words& words);
  bool run_time(const std::string& name, Words& words);
  bool run_input(const std::string& name, Words& words);
  bool run_network(const std::string& name, Words& words);
  bool run_life(const std::string& name, Words& words);
  bool run_snapshot(const std::string& name, Words& words);
  bool run_question(const std::string& name, Words& words);
  void set_options(Words& words);
  void hold(Words& words, bool held);
  void forge(Words& words);
  void change(Words& words);
  void print_status(Words& words);

  Cluster& cluster();
  void print(const std::string& line) { output_.push_back(line); }
  template <class T>
  void print_result(const Result<T>& result);

  Setup setup_;
  std::unique_ptr<Cluster> cluster_;  ///< Made by the first command that is no setup.
  std::map<std::string, std::vector<Message>> saved_;
  std::vector<std::string> output_;
  bool quiet_ = false;
};

}  // namespace raft::test
