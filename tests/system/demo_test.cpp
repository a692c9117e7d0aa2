// The script of the first screen: three nodes by one command, until Ctrl-C. Catches a script that
// does not start what it says, prints commands that do not work, or leaves nodes behind.
#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <regex>

#include "system/binaries.hpp"
#include "system/cluster.hpp"
#include "system/ports.hpp"

namespace system_test {

namespace {

namespace fs = std::filesystem;

std::string read_all(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_all(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text << std::flush;
}

// A tree around the script as the repository's, where everything is built already. The ports of
// the documents may be in use on the machine that tests: others take their places.
class Demo {
 public:
  Demo() : http_(free_decade()), raft_(free_decade()) {
    const fs::path root = repository();
    std::string script = read_all(root / "kvserver" / "demo");
    REQUIRE_FALSE(script.empty());
    replace(script, "127.0.0.1:600", http_);
    replace(script, "localhost:600", "localhost" + http_.substr(http_.find(':')));
    replace(script, "127.0.0.1:700", raft_);
    write_all(folder_.path() / "kvserver" / "demo", script);
    write_all(folder_.path() / "libraft" / "cmake" / "bootstrap.sh",
              "say() { printf '== %s\\n' \"$*\"; }\ninstall_packages() { :; }\n"
              "build_tree() { :; }\n");
    fs::create_directories(folder_.path() / "build" / "release" / "kvserver");
    fs::create_symlink(kvserver_program(),
                       folder_.path() / "build" / "release" / "kvserver" / "kvserver");
  }

  // The nodes are in sessions of their own: only the script can end them.
  ~Demo() {
    if (!process_) return;
    process_->send(SIGTERM);
    process_->wait(2 * patience());
  }

  void start() {
    Command command;
    command.words = {"bash", (folder_.path() / "kvserver" / "demo").native()};
    command.folder = folder_.path();
    command.log = folder_.path() / "demo.log";
    fs::remove(command.log);
    process_ = std::make_unique<Process>(command);
    wait_for(
        "the demo has started", [&] { return output().find("Kill one") != std::string::npos; },
        4 * patience());
  }

  Ended interrupt() {
    process_->send(SIGINT);
    const auto ended = process_->wait(2 * patience());
    if (!ended) FAIL("the demo does not end:\n" << output());
    return *ended;
  }

  std::string output() const { return read_all(folder_.path() / "demo.log"); }
  std::string http(int node) const { return http_ + std::to_string(node - 1); }

  // The commands that it shows, in their order.
  std::vector<std::string> commands() const {
    std::vector<std::string> commands;
    const std::string text = output();
    const std::regex line("\n  (curl \"[^\n]*)");
    for (std::sregex_iterator at(text.begin(), text.end(), line), end; at != end; ++at) {
      commands.push_back((*at)[1]);
    }
    return commands;
  }

 private:
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }

  TemporaryFolder folder_;
  const std::string http_;
  const std::string raft_;
  std::unique_ptr<Process> process_;
};

// What a shell prints for the command.
std::string shell(const std::string& command) {
  FILE* pipe = popen((command + " -s -m 10").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string printed;
  char buffer[4096];
  while (const std::size_t size = fread(buffer, 1, sizeof buffer, pipe)) {
    printed.append(buffer, size);
  }
  REQUIRE(pclose(pipe) == 0);
  return printed;
}

}  // namespace

TEST_CASE("the demo starts three nodes, shows commands that work and ends with Ctrl-C",
          "[system][demo]") {
  Demo demo;
  demo.start();
  const std::vector<std::string> commands = demo.commands();
  INFO(demo.output());
  REQUIRE(commands.size() == 4);
  CHECK(shell(commands[0]) == "ok\n");
  CHECK(shell(commands[1]) == "world\n");
  CHECK(shell(commands[2]) == "ok\n");
  CHECK(shell(commands[3]).find("\"members\"") != std::string::npos);
  CHECK(demo.interrupt() == Ended{0, 0});
  CHECK(demo.output().find("stopped; the data is in data/demo") != std::string::npos);
  for (const int node : {1, 2, 3}) {
    CHECK(HttpClient(demo.http(node)).get("/livez").status == 0);
  }

  demo.start();
  for (const int node : {1, 2, 3}) {
    CHECK(HttpClient(demo.http(node)).get("/get?key=hello").body == "world\n");
    CHECK(HttpClient(demo.http(node)).get("/get?key=from").body == "follower\n");
  }
  CHECK(demo.interrupt() == Ended{0, 0});
}

}  // namespace system_test
