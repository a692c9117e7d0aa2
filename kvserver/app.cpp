#include "kvserver/app.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <libraft/node.hpp>
#include "kvserver/caretaker.hpp"
#include "kvserver/data_folder.hpp"
#include "kvserver/exit_code.hpp"
#include "kvserver/find_cluster.hpp"
#include "kvserver/group_backend.hpp"
#include "kvserver/help_page.hpp"
#include "kvserver/http_server.hpp"
#include "kvserver/notify.hpp"
#include "kvserver/service.hpp"

namespace kv {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto stop_grace = std::chrono::seconds(10);
constexpr auto last_replies_grace = std::chrono::seconds(1);

// What a command has besides key and value, generously.
constexpr std::size_t command_overhead = key_bytes_max + 256;

// Bodies of membership requests, however small values are.
constexpr std::size_t document_bytes_max = std::size_t{4} << 10;

const std::string ways_to_begin =
    "To found a new cluster, add --bootstrap; to join one, add --join=HOST:PORT with the --http "
    "address of any of its nodes";

const std::string conflict_advice =
    "; to go on with that, start this node with --bootstrap instead of --join; to join, give it an "
    "empty directory with --data";

int exit_code_of(raft::Errc code) {
  switch (code) {
    case raft::Errc::conflict:  // With the cluster that it is to join.
    case raft::Errc::id_taken:
    case raft::Errc::removed:
      return exit_code::identity;
    case raft::Errc::timed_out:
      return exit_code::unreachable;
    case raft::Errc::data_missing:
      return exit_code::data_missing;
    case raft::Errc::newer_format:
      return exit_code::newer_format;
    case raft::Errc::corrupt:
    case raft::Errc::storage_full:
    case raft::Errc::storage_failed:
      return exit_code::storage;
    default:
      return exit_code::failure;
  }
}

class App {
 public:
  explicit App(const Configuration& configuration)
      : options_(configuration.options),
        log_(options_.log_format, options_.log_levels),
        signals_(context_, SIGINT, SIGTERM),
        hangups_(context_, SIGHUP) {
    for (const std::string& line : configuration.warnings) log_.warning(line);
  }

  int run() {
    watch_signals();
    if (Failure failure = open()) return end(failure);
    asio::co_spawn(node_->executor(), begin(), asio::detached);
    context_.run();
    return exit_code_;
  }

 private:
  Failure open();
  Failure refuse_to_guess() const;
  Failure open_folder();
  Failure open_store();
  raft::NodeOptions node_options();
  raft::GroupOptions group_options(raft::Founding founding) const;

  asio::awaitable<void> begin();
  asio::awaitable<std::optional<raft::Founding>> found();
  asio::awaitable<std::optional<raft::Founding>> join();
  raft::Founding go_on_in(const raft::NodeIdentity& identity);
  asio::awaitable<void> compare_clusters(raft::NodeIdentity identity);
  std::string ignored(const std::string& flag, const raft::NodeIdentity& identity) const;
  bool start_group(raft::Founding founding);
  void start_serving();
  void greet() const;

  void watch_signals();
  void watch_hangups();
  void stop();
  asio::awaitable<void> take_apart();
  void fail(int code, const std::string& text);
  void fail(const raft::Error& error);
  int end(const Failure& failure);
  std::string log_folder() const { return data_ + "/log"; }
  std::string http_address() const;
  std::string removal_advice() const;
  std::string return_advice() const;

  const Options options_;
  const Logger log_;
  // Connections count here until the context has dropped the last of them.
  HttpCounters counters_;
  asio::io_context context_{1};
  asio::signal_set signals_;
  asio::signal_set hangups_;
  int exit_code_ = exit_code::success;
  bool stopping_ = false;

  // In the order in which they are made; each needs those above.
  std::unique_ptr<TemporaryFolder> temporary_;
  std::string data_;
  std::unique_ptr<HttpListener> listener_;
  std::string listening_;  // The listener's real address.
  std::unique_ptr<Store> store_;
  std::unique_ptr<raft::Node> node_;
  raft::Group* group_ = nullptr;
  std::unique_ptr<GroupBackend> backend_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Caretaker> caretaker_;
};

// What may fail before anything runs, the cheapest first: nothing is written to a data directory
// while a port is in use.
Failure App::open() {
  if (Failure failure = refuse_to_guess()) return failure;
  auto listener = HttpListener::open(options_.http);
  if (!listener) {
    return {exit_code::failure, listener.error().detail +
                                    "; choose another address with --http, if that one is in use"};
  }
  listener_ = *std::move(listener);
  listening_ = listener_->address();
  if (Failure failure = open_folder()) return failure;

  auto node = raft::Node::open(context_.get_executor(), node_options());
  if (!node) return {exit_code_of(node.code()), node.error().detail};
  node_ = *std::move(node);
  return open_store();
}

// A start with nothing to go on from, and nothing to begin with, leaves nothing behind either.
Failure App::refuse_to_guess() const {
  const bool begins = options_.bootstrap || options_.join_wait || !options_.join.empty();
  if (begins || !is_empty_folder(options_.data)) return {};
  return {exit_code::usage, options_.data + " holds no data. " + ways_to_begin};
}

Failure App::open_folder() {
  data_ = options_.data;
  if (options_.dev) {
    auto folder = TemporaryFolder::make();
    if (!folder) return {exit_code::cannot_create, folder.error().detail};
    temporary_ = *std::move(folder);
    data_ = temporary_->path();
  }
  return prepare_data_folder(data_);
}

// The node is open by now, so the directory is this process's alone.
Failure App::open_store() {
  const bool is_begun = bool{node_->identity().cluster};
  const auto kind = choose_store(data_, options_.store, is_begun);
  if (!kind) {
    const bool is_usage = kind.code() == raft::Errc::invalid_argument;
    return {is_usage ? exit_code::usage : exit_code::storage, kind.error().detail};
  }
  if (*kind == StoreKind::memory) {
    store_ = make_memory_store(options_.watch_history_bytes);
    return {};
  }
  RocksOptions options;
  options.warn = [this](std::string_view line) {
    log_.write(raft::LogLevel::warning, "store", line);
  };
  auto store = open_rocks_store(data_ + "/kv", options, options_.watch_history_bytes);
  if (!store) return {exit_code_of(store.code()), store.error().detail};
  store_ = *std::move(store);
  return {};
}

raft::NodeOptions App::node_options() {
  raft::NodeOptions options;
  options.id = options_.node;
  options.data_dir = data_;
  options.listen = to_string(options_.raft);
  options.advertise = options_.advertise_raft;
  options.log_level = options_.log_levels.lowest();
  options.log = [this](raft::LogLevel level, std::string_view component, std::string_view line) {
    log_.write(level, component, line);
  };
  options.on_failure = [this](raft::GroupId, const raft::Error& error) { fail(error); };
  return options;
}

raft::GroupOptions App::group_options(raft::Founding founding) const {
  raft::GroupOptions options;
  options.founding = std::move(founding);
  options.attributes = http_address();
  options.timing.heartbeat = options_.heartbeat;
  options.timing.election_timeout = options_.election_timeout;
  options.limits.command_bytes_max =
      std::max(options.limits.command_bytes_max, options_.value_bytes_max + command_overhead);
  options.limits.log_cache_bytes = options_.log_cache_bytes;
  options.retention.snapshot_log_bytes = options_.snapshot_log_bytes;
  return options;
}

// Clients are answered from the start on: to find a cluster may take long, and a node that says
// nothing meanwhile looks dead to whoever watches it.
asio::awaitable<void> App::begin() {
  start_serving();
  auto founding = co_await found();
  if (!founding || stopping_) co_return;
  if (!start_group(*std::move(founding)) || stopping_) co_return;
  greet();
  notify("READY=1");
}

// How this node comes into a cluster. Absent: it does not, and fail() has said why.
asio::awaitable<std::optional<raft::Founding>> App::found() {
  const raft::NodeIdentity identity = node_->identity();
  // Who was being taken in, which may have come to nothing, still asks whom it is told to ask.
  const bool asks_again = identity.joining && !options_.join.empty();
  if (identity.cluster && !asks_again) co_return go_on_in(identity);
  if (!options_.join.empty()) co_return co_await join();
  raft::Founding founding;
  founding.bootstrap = options_.bootstrap;
  founding.wait_to_be_added = options_.join_wait;
  // A node that waits to be added does so after a restart, too, without a word.
  if (options_.bootstrap || options_.join_wait || identity.joining) co_return founding;
  fail(exit_code::usage, data_ + " belongs to no cluster yet. " + ways_to_begin);
  co_return std::nullopt;
}

// The directory belongs to a cluster, or is on its way into one: what was begun goes on, whatever
// the flags say. Only a founding that was interrupted still heeds --bootstrap: libraft knows.
raft::Founding App::go_on_in(const raft::NodeIdentity& identity) {
  raft::Founding founding;
  founding.bootstrap = options_.bootstrap;
  founding.join_timeout = options_.join_timeout;
  if (options_.join_wait) log_.info(ignored("--join", identity));
  if (!options_.join.empty()) {
    asio::co_spawn(node_->executor(), compare_clusters(identity), asio::detached);
  }
  return founding;
}

// Somebody may mean another cluster than the one whose data this is. The node serves meanwhile:
// when all nodes start at once, the ones to ask are not up yet, and they wait for this one.
asio::awaitable<void> App::compare_clusters(raft::NodeIdentity identity) {
  const auto target = co_await ask_for_cluster(options_.join);
  if (stopping_) co_return;
  if (!target || target->cluster == identity.cluster) {
    log_.info(ignored("--join", identity) + (target ? "" : " (" + target.error().detail + ")"));
    co_return;
  }
  fail(exit_code::identity,
       data_ + " belongs to a node of cluster " + raft::to_string(identity.cluster) +
           ", but --join leads to cluster " + raft::to_string(target->cluster) +
           "; start this node without --join, or give it an empty directory with --data");
}

std::string App::ignored(const std::string& flag, const raft::NodeIdentity& identity) const {
  return flag + " is ignored: " + data_ + " belongs to a node of cluster " +
         raft::to_string(identity.cluster) + " already";
}

asio::awaitable<std::optional<raft::Founding>> App::join() {
  const auto started = std::chrono::steady_clock::now();
  auto target = co_await find_cluster(options_.join, options_.join_timeout, log_);
  if (stopping_) co_return std::nullopt;
  if (!target) {
    fail(exit_code::unreachable, "nobody to join answers: " + target.error().detail);
    co_return std::nullopt;
  }
  raft::Founding founding;
  founding.cluster = target->cluster;
  founding.join = std::move(target->raft);
  // Some is left at least: 0 would mean for ever.
  founding.join_timeout =
      std::max<raft::Duration>(options_.join_timeout - (std::chrono::steady_clock::now() - started),
                               std::chrono::milliseconds(100));
  log_.info("joining cluster " + raft::to_string(founding.cluster) + " through " +
            founding.join.front());
  co_return founding;
}

bool App::start_group(raft::Founding founding) {
  auto group = node_->start_group(group_options(std::move(founding)), store_->machine());
  if (!group) {
    const bool is_usage = group.code() == raft::Errc::invalid_argument;
    std::string advice;
    if (group.code() == raft::Errc::conflict) advice = conflict_advice;
    fail(is_usage ? exit_code::usage : exit_code_of(group.code()), group.error().detail + advice);
    return false;
  }
  group_ = *group;
  backend_->attach(*group_);
  caretaker_ = std::make_unique<Caretaker>(*node_, *group_, *backend_, http_address(), log_);
  caretaker_->start();
  return true;
}

void App::start_serving() {
  RouteLimits limits;
  limits.value_bytes_max = options_.value_bytes_max;
  HttpLimits http_limits;
  http_limits.body_bytes_max = std::max(options_.value_bytes_max, document_bytes_max);
  backend_ = std::make_unique<GroupBackend>(*node_, *store_, log_folder());
  service_ = std::make_unique<Service>(*backend_, limits, counters_);
  // Connections are served where the group runs, so that no request crosses threads.
  server_ = std::make_unique<HttpServer>(
      listener_->take(node_->executor()), *service_, counters_, http_limits,
      [this](const std::string& line) { log_.write(raft::LogLevel::warning, "http", line); });
  server_->start();
}

void App::greet() const {
  const raft::Status status = group_->status();
  std::string role = "not yet a member";
  if (status.is_member) {
    const raft::Member* self = status.membership.membership->find(status.id);
    role = self != nullptr ? std::string(to_string(self->role)) : "member";
  }
  log_.info(version_line() + " node " + raft::to_string(options_.node) + ": http " + listening_ +
            ", raft " + node_->address() + ", data " + data_ + ", " + role + ", last index " +
            raft::to_string(status.last_index));
}

void App::watch_signals() {
  signals_.async_wait([this](error_code error, int signal) {
    if (error) return;
    log_.info(std::string(signal == SIGINT ? "SIGINT" : "SIGTERM") +
              ": handing over and finishing; a second one ends at once");
    // From now on these signals do what they do by default: they end the process.
    signals_.clear();
    stop();
  });
  watch_hangups();
}

void App::watch_hangups() {
  hangups_.async_wait([this](error_code error, int) {
    if (error) return;
    log_.info("SIGHUP: there is nothing to reload");
    watch_hangups();
  });
}

void App::stop() {
  if (stopping_) return;
  stopping_ = true;
  notify("STOPPING=1");
  asio::co_spawn(node_->executor(), take_apart(), asio::detached);
}

// New requests are refused at once. Those under way end with the node, and their replies go out
// before the connections are closed.
asio::awaitable<void> App::take_apart() {
  error_code ignored;
  asio::steady_timer replies(node_->executor());
  replies.expires_after(stop_grace + last_replies_grace);
  bool drained = server_ == nullptr;
  if (caretaker_) caretaker_->stop();
  if (server_) {
    service_->drain();
    server_->drain([&] {
      drained = true;
      replies.cancel();
    });
  }
  co_await node_->async_stop(stop_grace, asio::redirect_error(asio::use_awaitable, ignored));
  if (!drained) {
    replies.expires_after(last_replies_grace);
    co_await replies.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (server_) server_->close();
  log_.info("stopped");
  context_.stop();
}

void App::fail(int code, const std::string& text) {
  log_.error(text);
  if (exit_code_ == exit_code::success) exit_code_ = code;
  stop();
}

// What libraft says when the group cannot go on.
void App::fail(const raft::Error& error) {
  const std::string why =
      error.detail.empty() ? std::string(raft::message(error.code)) : error.detail;
  std::string advice;
  if (error.code == raft::Errc::id_taken) advice = removal_advice();
  if (error.code == raft::Errc::removed) advice = return_advice();
  fail(exit_code_of(error.code), why + advice);
}

int App::end(const Failure& failure) {
  log_.error(failure.text);
  return failure.exit_code;
}

// Where clients reach this node. An address that names all interfaces is no address to dial: then
// the host is the one that other nodes dial.
std::string App::http_address() const {
  if (!options_.advertise_http.empty()) return options_.advertise_http;
  Address address = options_.http;
  // The real one, where port 0 asked for any.
  if (const auto listening = parse_address(listening_)) address.port = listening->port;
  if (is_wildcard(address)) {
    if (const auto raft = parse_address(node_->address())) address.host = raft->host;
  }
  return to_string(address);
}

std::string App::removal_advice() const {
  const std::string where = options_.join.empty() ? "HOST:PORT" : to_string(options_.join.front());
  return "; to give the id to this directory, remove that member first: curl -X DELETE http://" +
         where + "/v1/cluster/members/" + raft::to_string(options_.node);
}

// What a removed node knows is of a past that the cluster has left behind.
std::string App::return_advice() const {
  return "; to come back as a new member, empty " + data_ +
         " and start this node with --join=HOST:PORT, the --http address of any member";
}

}  // namespace

int run(const Configuration& configuration) {
  // A client or peer that goes away is an error of its connection, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // What clients keep here is nobody else's business, and RocksDB leaves modes to the process.
  ::umask(S_IRWXG | S_IRWXO);
  return App(configuration).run();
}

}  // namespace kv
