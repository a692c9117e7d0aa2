// The command line. Catches flags that are guessed, ignored, or mean something else than written.
#include "kvserver/options.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "kvserver/data_folder.hpp"

namespace kv {
namespace {

using Words = std::vector<std::string>;

std::variant<Configuration, EarlyExit> parse(const Words& words, const Environment& env = {}) {
  return parse_options(words, env);
}

Configuration good(const Words& words, const Environment& env = {}) {
  auto parsed = parse(words, env);
  const auto* early = std::get_if<EarlyExit>(&parsed);
  INFO((early != nullptr ? early->text : ""));
  REQUIRE(early == nullptr);
  return std::get<Configuration>(parsed);
}

EarlyExit ended(const Words& words, const Environment& env = {}) {
  const auto parsed = parse(words, env);
  REQUIRE(std::holds_alternative<EarlyExit>(parsed));
  return std::get<EarlyExit>(parsed);
}

std::string origin(const Configuration& configuration, const std::string& name) {
  for (const Setting& setting : configuration.settings) {
    if (setting.name == name) return setting.origin;
  }
  return "missing";
}

}  // namespace

TEST_CASE("all ways to write a flag mean the same", "[http][options]") {
  for (const Words& words : {Words{"--http=127.0.0.1:6009", "--node=3", "--bootstrap"},
                             Words{"--http", "127.0.0.1:6009", "--node", "3", "--bootstrap=true"},
                             Words{"-http=127.0.0.1:6009", "-node=3", "--bootstrap", "true"},
                             Words{"--bootstrap", "-http", "127.0.0.1:6009", "-node", "3"}}) {
    const Options options = good(words).options;
    CHECK(to_string(options.http) == "127.0.0.1:6009");
    CHECK(options.node == raft::NodeId{3});
    CHECK(options.bootstrap);
    CHECK(options.data == "data/node-3");
  }
  CHECK(good({"--node=1", "--data="}).options.data == "data/node-1");
  CHECK(ended({"-h"}).text == ended({"--help"}).text);
  CHECK_FALSE(good({"--node=1", "--bootstrap", "false"}).options.bootstrap);
  CHECK_FALSE(good({"--node=1", "--bootstrap=false"}).options.bootstrap);
}

TEST_CASE("the defaults are those of the documentation", "[http][options]") {
  const Options options = good({"--node=1"}).options;
  CHECK(to_string(options.http) == "127.0.0.1:6000");
  CHECK(to_string(options.raft) == "127.0.0.1:7000");
  // The data directory's, and memory for a new one.
  CHECK_FALSE(options.store);
  CHECK(options.join_timeout == std::chrono::seconds(30));
  CHECK(options.value_bytes_max == 1u << 20);
  CHECK(options.snapshot_log_bytes == 64u << 20);
  CHECK(options.log_cache_bytes == 32u << 20);
  CHECK(options.election_timeout == std::chrono::milliseconds(500));
  CHECK(options.heartbeat == std::chrono::milliseconds(50));
  CHECK(options.join.empty());
  CHECK_FALSE(options.bootstrap);
}

TEST_CASE("wrong usage ends with exit code 2 and names what is wrong", "[http][options]") {
  struct Row {
    Words words;
    const char* named;
  };
  const Row rows[] = {
      {{}, "--node=1"},
      {{"--node=1", "--no-such-flag=1"}, "no-such-flag"},
      {{"--node=1", "--bootstra"}, "bootstra"},
      {{"--node=1", "stray"}, "stray"},
      {{"--node=1", "--", "stray"}, "stray"},
      {{"--node=1", "--node=2"}, "node"},
      {{"--node=0"}, "--node=0"},
      {{"--node=zero"}, "zero"},
      {{"--node=18446744073709551616"}, "1 to 18446744073709551615"},
      {{"--node=-1"}, "-1"},
      {{"--node=1", "--http"}, "http"},
      {{"--node=1", "--http=nonsense"}, "nonsense"},
      {{"--node=1", "--http=127.0.0.1:99999"}, "99999"},
      {{"--node=1", "--raft=nonsense"}, "nonsense"},
      {{"--node=1", "--raft=10.0.0.1:7000"}, "--insecure"},
      {{"--node=1", "--raft=:7000", "--insecure"}, "--advertise-raft"},
      {{"--node=1", "--advertise-http=0.0.0.0:1"}, "advertise-http"},
      {{"--node=1", "--bootstrap=yes"}, "bootstrap"},
      {{"--node=1", "--bootstrap", "--join=h:1"}, "choose"},
      {{"--node=1", "--join=h"}, "--join=h"},
      {{"--node=1", "--join=h:1,,h:2"}, "--join"},
      {{"--node=1", "--join=h:1,"}, "--join"},
      {{"--node=1", "--http=127.0.0.1:7000"}, "--raft are both 127.0.0.1:7000"},
      {{"--node=1", "--config=/tmp"}, "/tmp"},
      {{"--node=1", "--join-timeout=5x"}, "5x"},
      {{"--node=1", "--store=tape"}, "tape"},
      {{"--node=1", "--max-value=1furlong"}, "1furlong"},
      {{"--node=1", "--max-value=5MiB"}, "4MiB"},
      {{"--node=1", "--heartbeat=400ms"}, "election-timeout"},
      {{"--node=1", "--log-level=loud"}, "loud"},
      {{"--node=1", "--log-level=rafft=debug"}, "rafft"},
      {{"--node=1", "--log-format=xml"}, "xml"},
      {{"--dev", "--data=x"}, "--dev"},
      {{"--node=1", "--config=/no/such/file"}, "/no/such/file"},
  };
  for (const Row& row : rows) {
    const EarlyExit exit = ended(row.words);
    INFO(exit.text);
    CHECK(exit.code == 2);
    CHECK(exit.text.find(row.named) != std::string::npos);
    CHECK(exit.text.find('\n') == exit.text.size() - 1);
  }
}

TEST_CASE("an address that others can reach needs a word of consent", "[http][options][P14]") {
  CHECK(good({"--node=1", "--raft=10.0.0.1:7000", "--insecure"}).options.raft.host == "10.0.0.1");
  CHECK(good({"--node=1", "--raft=localhost:7000"}).options.raft.host == "localhost");
}

TEST_CASE("joining names one address, several, or waits", "[http][options]") {
  CHECK(good({"--node=1", "--join=a:1"}).options.join.size() == 1);
  const Options several = good({"--node=1", "--join=a:1,b:2,[::1]:3"}).options;
  REQUIRE(several.join.size() == 3);
  CHECK(to_string(several.join[2]) == "[::1]:3");
  CHECK(good({"--node=1", "--join=wait"}).options.join_wait);
}

TEST_CASE("flags go before variables, variables before the file", "[http][options]") {
  const auto folder = TemporaryFolder::make();
  REQUIRE(folder);
  const std::string file = (*folder)->path() + "/kvserver.ini";
  std::ofstream(file) << "# comment\nnode = 7\nstore = rocksdb\nheartbeat = 60ms\n";
  const Configuration configuration =
      good({"--node=1", "--config=" + file},
           {{"KVSERVER_NODE", "5"}, {"KVSERVER_STORE", "memory"}, {"PATH", "/bin"}});
  CHECK(configuration.options.node == raft::NodeId{1});
  CHECK(configuration.options.store == StoreKind::memory);
  CHECK(configuration.options.heartbeat == std::chrono::milliseconds(60));
  CHECK(origin(configuration, "node") == "command line");
  CHECK(origin(configuration, "store") == "environment");
  CHECK(origin(configuration, "heartbeat") == file);
  CHECK(origin(configuration, "raft") == "default");

  std::ofstream(file) << "nod = 7\n";
  const EarlyExit wrong = ended({"--config=" + file});
  CHECK(wrong.code == 2);
  CHECK(wrong.text.find("nod") != std::string::npos);
}

// Orchestrators set KVSERVER_PORT and the like for a service of this name.
TEST_CASE("a variable that names no setting is warned about", "[http][options]") {
  const Configuration configuration = good({"--node=1"}, {{"KVSERVER_PORT", "tcp://10.0.0.1"}});
  REQUIRE(configuration.warnings.size() == 1);
  CHECK(configuration.warnings[0].find("KVSERVER_PORT") != std::string::npos);
  CHECK(ended({}, {{"KVSERVER_NODE", "x"}}).code == 2);
}

TEST_CASE("what is printed instead of serving", "[http][options]") {
  const EarlyExit help = ended({"--help"});
  CHECK(help.code == 0);
  for (const char* flag : {"--http", "--raft", "--node", "--bootstrap", "--join", "--store",
                           "127.0.0.1:6000", "64MiB", "500ms"}) {
    CHECK(help.text.find(flag) != std::string::npos);
  }
  CHECK(ended({"--version"}).text.starts_with("kvserver "));
  CHECK(ended({"--version"}).code == 0);
  CHECK(ended({"--node=1", "--check-config"}).code == 0);
  CHECK(ended({"--node=0", "--check-config"}).code == 2);
  const EarlyExit print = ended({"--node=4", "--print-config"}, {{"KVSERVER_STORE", "rocksdb"}});
  CHECK(print.code == 0);
  CHECK(print.text.find("node = 4  # command line\n") != std::string::npos);
  CHECK(print.text.find("store = rocksdb  # environment\n") != std::string::npos);
  CHECK(print.text.find("heartbeat = 50ms  # default\n") != std::string::npos);
}

TEST_CASE("--dev is one node that founds its own cluster", "[http][options]") {
  const Options options = good({"--dev"}).options;
  CHECK(options.node == raft::NodeId{1});
  CHECK(options.bootstrap);
  CHECK(options.data.empty());
  CHECK(options.raft.port == "0");
  CHECK(good({"--dev", "--raft=127.0.0.1:7005"}).options.raft.port == "7005");
}

}  // namespace kv
