#include "system/cluster.hpp"

#include <signal.h>
#include <stdlib.h>

#include <boost/json/value.hpp>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include "system/binaries.hpp"
#include "system/ports.hpp"

namespace system_test {

namespace fs = std::filesystem;

namespace {

std::string read_all(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string end_of(const std::string& text, std::size_t bytes) {
  return text.size() <= bytes ? text : "...\n" + text.substr(text.size() - bytes);
}

// The value at a key of a JSON object; null where there is none.
boost::json::value at(const boost::json::value& object, const char* key) {
  const auto* fields = object.if_object();
  const auto* found = fields == nullptr ? nullptr : fields->if_contains(key);
  return found == nullptr ? boost::json::value() : *found;
}

int to_int(const boost::json::value& value) {
  boost::system::error_code error;
  const int number = value.to_number<int>(error);
  return error ? 0 : number;
}

}  // namespace

std::chrono::seconds patience() {
  const char* seconds = std::getenv("SERVER_PATIENCE");
  return std::chrono::seconds(seconds == nullptr ? 10 : std::atoi(seconds));
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "kvserver-test-XXXXXX").native();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Cluster::Cluster(std::string store, Words options)
    : store_(std::move(store)), options_(std::move(options)) {}

Cluster::~Cluster() {
  const bool failed = std::uncaught_exceptions() > 0;
  for (auto& [id, node] : nodes_) {
    node.process.reset();
    if (failed) std::cerr << "--- log of node " << id << "\n" << end_of(log(id), 4000) << "\n";
  }
}

void Cluster::found(int size) {
  start_new(1, "--bootstrap=true");
  wait_ready(1);
  for (int id = 2; id <= size; ++id) {
    start_new(id, "--join=" + http(1));
    wait_voter(id);
    wait_ready(id);
  }
}

// A port that was free a moment ago may be taken by now: then others are tried.
void Cluster::start_new(int id, const std::string& how) {
  for (int tries = 0; tries < 5; ++tries) {
    nodes_[id].http = free_address();
    nodes_[id].raft = free_address();
    const std::size_t log_before = log(id).size();
    launch(id, {how, "--store=" + store_});
    if (!lost_its_port(id, log_before)) return;
  }
  FAIL("node " << id << " found no free port");
}

void Cluster::restart(int id) { launch(id, {}); }
void Cluster::start_again(int id, const std::string& flag) { launch(id, {flag}); }

void Cluster::launch(int id, const Words& more) {
  Node& node = nodes_.at(id);
  Command command;
  command.words = {kvserver_program(), "--http=" + node.http, "--raft=" + node.raft,
                   "--node=" + std::to_string(id)};
  command.words.insert(command.words.end(), options_.begin(), options_.end());
  command.words.insert(command.words.end(), more.begin(), more.end());
  if (uses_shim_) {
    fs::create_directories(switches(id));
    command.environment = {std::string("LD_PRELOAD=") + sync_shim_library(),
                           "SYNC_SHIM_FOLDER=" + switches(id).native()};
  }
  command.folder = folder_.path();
  command.log = folder_.path() / ("node-" + std::to_string(id) + ".log");
  node.process.reset();
  node.process = std::make_unique<Process>(command);
}

// Both ports are taken right at the start, so a node that answers HTTP, or waits for its cluster
// after a second, has them.
bool Cluster::lost_its_port(int id, std::size_t log_before) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (std::chrono::steady_clock::now() < until) {
    if (!is_running(id)) return log(id).find("in use", log_before) != std::string::npos;
    if (client(id).get("/livez").status != 0) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

void Cluster::kill(int id) {
  nodes_.at(id).process->send(SIGKILL);
  REQUIRE(wait_end(id) == Ended{-1, SIGKILL});
}

Ended Cluster::stop(int id) {
  nodes_.at(id).process->send(SIGTERM);
  return wait_end(id);
}

Ended Cluster::interrupt(int id) {
  nodes_.at(id).process->send(SIGINT);
  return wait_end(id);
}

Ended Cluster::wait_end(int id) {
  const auto ended = nodes_.at(id).process->wait(patience() + std::chrono::seconds(5));
  if (!ended) FAIL("node " << id << " does not end");
  return *ended;
}

void Cluster::forget_data(int id) { fs::remove_all(data(id)); }

void Cluster::use_sync_shim() { uses_shim_ = true; }

void Cluster::switch_disk(int id, const std::string& name, bool on) {
  const fs::path file = switches(id) / name;
  if (on) std::ofstream(file).flush();
  if (!on) fs::remove(file);
  REQUIRE(fs::exists(file) == on);
}

void Cluster::die_at_sync(int id, int sync) {
  fs::create_directories(switches(id));
  if (sync == 0) {
    fs::remove(switches(id) / "die");
  } else {
    std::ofstream(switches(id) / "die") << sync << std::flush;
  }
}

HttpClient Cluster::client(int id) const { return HttpClient(http(id)); }
std::string Cluster::http(int id) const { return nodes_.at(id).http; }
std::string Cluster::raft(int id) const { return nodes_.at(id).raft; }

fs::path Cluster::switches(int id) const {
  return folder_.path() / ("switches-" + std::to_string(id));
}

// The default of the server, which these tests never change.
fs::path Cluster::data(int id) const {
  return folder_.path() / "data" / ("node-" + std::to_string(id));
}

std::string Cluster::log(int id) const {
  return read_all(folder_.path() / ("node-" + std::to_string(id) + ".log"));
}

std::string Cluster::join_flag() {
  std::string flag;
  for (const int id : running()) flag += (flag.empty() ? "--join=" : ",") + http(id);
  return flag;
}

bool Cluster::is_running(int id) {
  const auto found = nodes_.find(id);
  return found != nodes_.end() && found->second.process && found->second.process->is_running();
}

std::vector<int> Cluster::running() {
  std::vector<int> ids;
  for (const auto& [id, node] : nodes_) {
    if (is_running(id)) ids.push_back(id);
  }
  return ids;
}

void Cluster::wait_ready(int id) {
  wait_for("node " + std::to_string(id) + " is ready", [&] {
    if (!is_running(id)) FAIL("node " << id << " ended: " << wait_end(id));
    return client(id).get("/readyz").status == 200;
  });
}

int Cluster::leader_according_to(int id) {
  const HttpReply reply = client(id).get("/v1/cluster/leader");
  return reply.status == 200 ? to_int(at(reply.json(), "id")) : 0;
}

int Cluster::wait_leader() {
  int leader = 0;
  wait_for("all running nodes know a running leader", [&] {
    const std::vector<int> ids = running();
    REQUIRE_FALSE(ids.empty());
    leader = leader_according_to(ids.front());
    for (const int id : ids) {
      if (leader_according_to(id) != leader) return false;
    }
    return is_running(leader);
  });
  return leader;
}

int Cluster::some_follower() {
  const int leader = wait_leader();
  for (const int id : running()) {
    if (id != leader) return id;
  }
  FAIL("no follower is running");
  return 0;
}

std::string Cluster::role_of(int id, int asked) {
  const boost::json::value reply = client(asked).get("/v1/cluster").json();
  const boost::json::value members = at(reply, "members");
  if (!members.is_array()) return {};
  for (const boost::json::value& member : members.get_array()) {
    const boost::json::value role = at(member, "role");
    if (to_int(at(member, "id")) == id && role.is_string()) return role.get_string().c_str();
  }
  return {};
}

void Cluster::wait_voter(int id) {
  wait_for("node " + std::to_string(id) + " is a voter", [&] {
    if (!is_running(id)) FAIL("node " << id << " ended: " << wait_end(id));
    const std::string role = role_of(id, running().front());
    return role == "voter" || role == "leader";
  });
}

Run run_server(const TemporaryFolder& folder, const Words& arguments, bool heeds_permissions) {
  Command command;
  command.words = {kvserver_program()};
  command.words.insert(command.words.end(), arguments.begin(), arguments.end());
  command.folder = folder.path();
  command.log = folder.path() / "server.log";
  command.heeds_permissions = heeds_permissions;
  fs::remove(command.log);
  Process process(command);
  const auto ended = process.wait(patience());
  Run run{ended.value_or(Ended{}), read_all(command.log)};
  if (!ended) FAIL("the server goes on running:\n" << run.log);
  return run;
}

}  // namespace system_test
