// Real nodes in one process: real sockets and disks, one context that the test runs.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <libraft/node.hpp>
#include "node/words.hpp"

namespace test {

/// A folder that goes away with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// One node with one group of Words.
struct Member {
  Words words;
  std::unique_ptr<raft::Node> node;
  raft::Group* group = nullptr;
  std::vector<raft::Error> failures;
  std::vector<std::pair<raft::NodeId, raft::Term>> leaders;  ///< As it was told.

  explicit Member(bool blocks = false) : words(blocks) {}
};

class Nodes {
 public:
  /// How many threads may run the context. The functions below run it on the caller's.
  explicit Nodes(int threads = 1) : context_(threads) {}

  /// Opens a node on a free port. `how`: how it begins if its folder is empty.
  Member& start(std::uint64_t id, raft::Founding how, bool blocks = false);
  void stop(std::uint64_t id);
  Member& operator[](std::uint64_t id) { return *members_.at(id); }

  /// Runs handlers until the condition holds; fails the test after 20 s without it.
  void run_until(const std::function<bool()>& condition);
  /// Proposes through a node and runs until it is answered.
  std::pair<boost::system::error_code, raft::Applied> propose(std::uint64_t through,
                                                              std::string word,
                                                              raft::ProposeOptions options = {});
  /// Node 1 founds, the others join through it; runs until all vote and the next change may come.
  void form_cluster(std::uint64_t size, bool blocks = false);
  std::uint64_t leader();

  boost::asio::io_context& context() { return context_; }

 private:
  TemporaryFolder folder_;
  boost::asio::io_context context_;
  std::vector<std::unique_ptr<Member>> gone_;
  std::map<std::uint64_t, std::unique_ptr<Member>> members_;
};

raft::Founding bootstrap();
raft::Founding join(const std::string& address);

}  // namespace test
