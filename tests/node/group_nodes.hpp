// Real nodes that serve several groups each.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <libraft/node.hpp>
#include "node/nodes.hpp"
#include "node/words.hpp"

namespace test {

/// Nodes and groups go by their numbers. Every group replicates a list of words.
class GroupNodes {
 public:
  /// A node without groups, on the folder that it had.
  raft::Node& open(std::uint64_t id);
  void start(std::uint64_t id, std::uint64_t group, raft::Founding how = {});
  void stop(std::uint64_t id);

  raft::Group& group(std::uint64_t id, std::uint64_t group) { return *part(id, group).group; }
  std::string address(std::uint64_t id) const { return hosts_.at(id)->node->address(); }
  const std::vector<std::string>& words(std::uint64_t id, std::uint64_t group) {
    return part(id, group).words.words();
  }
  /// Which groups failed on a node in its present life, and why.
  const std::map<std::uint64_t, raft::Errc>& failures(std::uint64_t id) const {
    return hosts_.at(id)->failures;
  }

  void run_until(const std::function<bool()>& condition);
  /// Asks until somebody leads; CHECKs that all else is no error.
  void propose(std::uint64_t id, std::uint64_t group, const std::string& word);
  /// How many words a linearizable read finds; CHECKs that it succeeds.
  std::size_t read(std::uint64_t id, std::uint64_t group);
  void remove(std::uint64_t through, std::uint64_t group, std::uint64_t id);
  /// Until exactly these vote, and nothing is under way, as a node of the group sees it.
  void run_until_voters(std::uint64_t seen_by, std::uint64_t group,
                        const std::set<std::uint64_t>& ids);

  boost::asio::io_context& context() { return context_; }

 private:
  struct Part {
    Words words;
    raft::Group* group = nullptr;
  };
  struct Host {
    std::map<std::uint64_t, std::unique_ptr<Part>> parts;
    std::map<std::uint64_t, raft::Errc> failures;
    std::unique_ptr<raft::Node> node;  ///< Last: it uses the machines.
  };

  Part& part(std::uint64_t id, std::uint64_t group) { return *hosts_.at(id)->parts.at(group); }

  TemporaryFolder folder_;
  boost::asio::io_context context_{1};
  std::vector<std::unique_ptr<Host>> gone_;
  std::map<std::uint64_t, std::unique_ptr<Host>> hosts_;
  std::map<std::uint64_t, std::string> listening_;  ///< Where a node was is where it comes back.
};

}  // namespace test
