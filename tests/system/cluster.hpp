// Real servers on loopback, in a temporary folder, started and killed as an operator would.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "system/http_client.hpp"
#include "system/process.hpp"

namespace system_test {

/// What a condition may take on a machine that is busy with other tests: ten seconds, or what the
/// environment variable SERVER_PATIENCE says for a server that a sanitizer slows down.
std::chrono::seconds patience();

/// Fails the test when the condition has not come true in time.
template <class Condition>
void wait_for(const std::string& what, Condition condition,
              std::chrono::seconds limit = patience()) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) FAIL("gave up waiting until " << what);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// Removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

using Words = std::vector<std::string>;

/// Every process test runs over both stores.
inline const char* any_store() { return GENERATE("memory", "rocksdb"); }

class Cluster {
 public:
  /// Starts nothing. `options` go to every node at every start.
  explicit Cluster(std::string store, Words options = {});
  /// Kills what still runs. Shows the ends of the logs when the test has failed.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Node 1 founds, 2 to `size` join; returns once all are voters and ready.
  void found(int size = 3);

  /// Starts a node for the first time, with --bootstrap=true or --join=..., and does not wait.
  void start_new(int id, const std::string& how);
  /// Starts it again with --http, --raft and --node only.
  void restart(int id);
  /// The same with one more flag.
  void start_again(int id, const std::string& flag);
  /// kill -9.
  void kill(int id);
  /// SIGTERM, or SIGINT as Ctrl-C sends it, and waits for the end.
  Ended stop(int id);
  Ended interrupt(int id);
  /// Waits for a node to end by itself.
  Ended wait_end(int id);
  void forget_data(int id);

  /// Preloads the shim into all nodes started from now on.
  void use_sync_shim();
  /// Puts or takes away a file that the shim looks for: slow, fail, full.
  void switch_disk(int id, const std::string& name, bool on);
  /// From its next start on the node dies in place of its so many-th sync; 0: of none.
  void die_at_sync(int id, int sync);

  HttpClient client(int id) const;
  std::string http(int id) const;
  std::string raft(int id) const;
  std::filesystem::path data(int id) const;
  std::string log(int id) const;
  /// "--join=" with the HTTP addresses of the nodes that run.
  std::string join_flag();

  bool is_running(int id);
  std::vector<int> running();
  void wait_ready(int id);
  /// Waits until a running node leads and all running nodes know it.
  int wait_leader();
  /// A running node that does not lead.
  int some_follower();
  /// The role that `asked` gives for `id`; empty: not a member.
  std::string role_of(int id, int asked);
  void wait_voter(int id);

 private:
  struct Node {
    std::string http;
    std::string raft;
    std::unique_ptr<Process> process;
  };

  void launch(int id, const Words& more);
  std::filesystem::path switches(int id) const;
  bool lost_its_port(int id, std::size_t log_before);
  int leader_according_to(int id);

  std::string store_;
  Words options_;
  bool uses_shim_ = false;
  TemporaryFolder folder_;
  std::map<int, Node> nodes_;
};

/// Runs the server once, with nothing around it, until it ends by itself.
struct Run {
  Ended ended;
  std::string log;
};
Run run_server(const TemporaryFolder& folder, const Words& arguments,
               bool heeds_permissions = false);

}  // namespace system_test
