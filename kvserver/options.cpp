#include "kvserver/options.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

#include "kvserver/change_history.hpp"
#include "kvserver/exit_code.hpp"
#include "kvserver/help_page.hpp"
#include "kvserver/target.hpp"
#include "kvserver/units.hpp"

namespace kv {
namespace {

namespace po = boost::program_options;

// Wrong usage. Thrown and caught in this file only, as Program_options does with its own.
struct Usage {
  std::string text;
};

constexpr std::string_view environment_prefix = "KVSERVER_";
// An entry travels in one frame of the Raft port, which has at most 8 MiB.
constexpr std::size_t value_bytes_limit = std::size_t{4} << 20;

struct Flag {
  const char* name;
  const char* otherwise;  ///< Its value when nothing gives one.
  const char* help;
  bool is_switch = false;  ///< Alone it means true.
};

constexpr Flag flags[] = {
    {"http", "127.0.0.1:6000", "address for clients, HOST:PORT"},
    {"raft", "127.0.0.1:7000", "address for other nodes, HOST:PORT"},
    {"node", "", "this node's id, a number from 1; needed"},
    {"data", "", "data directory; empty: data/node-ID"},
    {"bootstrap", "false", "found a new cluster; only on its very first node", true},
    {"join", "",
     "join a cluster: HTTP addresses A,B,C of any of its nodes; wait: wait to be added"},
    {"join-timeout", "30s", "how long joining may take"},
    {"store", "",
     "memory or rocksdb: where the keys are kept; empty: what the data directory was begun with, "
     "memory for a new one"},
    {"dev", "false", "one node with temporary data, to try things out", true},
    {"insecure", "false", "accept a --raft address that other machines can reach", true},
    {"advertise-http", "", "what clients are told to dial; empty: --http"},
    {"advertise-raft", "", "what other nodes dial; empty: --raft"},
    {"max-value", "1MiB", "largest value"},
    {"snapshot-log-bytes", "64MiB", "a snapshot is due after this much log"},
    {"log-cache-bytes", "32MiB", "newest part of the log kept in memory"},
    {"watch-history", "16MiB", "newest changes kept in memory for watchers"},
    {"election-timeout", "500ms", "a follower waits one to two of these for its leader"},
    {"heartbeat", "50ms", "how often a leader makes itself heard"},
    {"log-level", "info",
     "debug, info, warning or error; by component: raft=debug,http=warning,info"},
    {"log-format", "text", "text or json"},
    {"config", "", "file with lines NAME = VALUE; flags and KVSERVER_NAME go first"},
    {"print-config", "false", "print every setting and where it comes from, and end", true},
    {"check-config", "false", "check the settings, and end", true},
    {"version", "false", "print the version, and end", true},
    {"help", "false", "print this, and end", true},
};

po::options_description describe() {
  po::options_description all("Flags (--name=VALUE or --name VALUE)", 100, 60);
  for (const Flag& flag : flags) {
    auto* const value = po::value<std::string>()->default_value(flag.otherwise);
    all.add_options()(flag.name, flag.is_switch ? value->implicit_value("true") : value, flag.help);
  }
  return all;
}

bool is_switch(std::string_view name) {
  return std::any_of(std::begin(flags), std::end(flags),
                     [&](const Flag& flag) { return flag.is_switch && flag.name == name; });
}

// "-http=A" is "--http=A", and "--bootstrap true" is "--bootstrap=true": Program_options would
// take the first for letters and the second for a stray word.
std::vector<std::string> normalize(const std::vector<std::string>& arguments) {
  std::vector<std::string> normal;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    std::string word = arguments[at];
    if (word == "-h") word = "--help";
    if (word.size() > 2 && word[0] == '-' && word[1] >= 'a' && word[1] <= 'z') word.insert(0, "-");
    if (word.starts_with("--") && is_switch(std::string_view(word).substr(2)) &&
        at + 1 < arguments.size() &&
        (arguments[at + 1] == "true" || arguments[at + 1] == "false")) {
      word += "=" + arguments[++at];
    }
    // "--data=" gives an empty value, which Program_options takes only as a word of its own.
    const bool is_empty =
        word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1;
    if (is_empty) word.pop_back();
    normal.push_back(std::move(word));
    if (is_empty) normal.emplace_back();
  }
  return normal;
}

// All settings, each from the first source that has it.
class Settings {
 public:
  explicit Settings(const po::options_description& description) : description_(description) {}

  void add(const po::parsed_options& parsed, const std::string& origin) {
    for (const auto& option : parsed.options) {
      if (option.string_key.empty() || option.position_key != -1) {
        const std::string word = option.value.empty() ? "" : option.value.front();
        throw Usage{"stray word '" + printable(word) + "'; flags begin with --"};
      }
      origins_.emplace(option.string_key, origin);
    }
    po::store(parsed, values_);
  }

  void add_command_line(const std::vector<std::string>& arguments) {
    using style = po::command_line_style::style_t;
    const int long_only = style::allow_long | style::long_allow_adjacent | style::long_allow_next;
    // Without positional names, a stray word must not be taken for a value of anything.
    add(po::command_line_parser(normalize(arguments)).options(description_).style(long_only).run(),
        "command line");
  }

  void add_environment(const Environment& environment, std::vector<std::string>& warnings) {
    po::parsed_options parsed(&description_);
    for (const auto& [variable, value] : environment) {
      if (!variable.starts_with(environment_prefix)) continue;
      std::string name = variable.substr(environment_prefix.size());
      std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
      });
      if (description_.find_nothrow(name, false) == nullptr) {
        // Orchestrators set variables named after services, so this cannot be an error.
        warnings.push_back("the variable " + printable(variable) + " names no setting; ignored");
        continue;
      }
      parsed.options.emplace_back(name, std::vector<std::string>{value});
    }
    add(parsed, "environment");
  }

  void add_file(const std::string& path) {
    std::ifstream file(path);
    // A directory can be opened, and only reading it fails.
    if (!file || (file.peek() == std::ifstream::traits_type::eof() && file.bad())) {
      throw Usage{"cannot read the configuration file " + path};
    }
    try {
      add(po::parse_config_file(file, description_), path);
    } catch (const po::error& error) {
      throw Usage{path + ": " + error.what()};
    }
  }

  const std::string& text(const std::string& name) const { return values_[name].as<std::string>(); }

  bool is_given(const std::string& name) const { return origins_.count(name) != 0; }

  std::vector<Setting> list() const {
    std::vector<Setting> list;
    for (const auto& option : description_.options()) {
      const std::string& name = option->long_name();
      const auto origin = origins_.find(name);
      list.push_back({name, text(name), origin == origins_.end() ? "default" : origin->second});
    }
    return list;
  }

  [[noreturn]] void reject(const std::string& name, const std::string& expected) const {
    throw Usage{"--" + name + "=" + printable(text(name)) + ": " + expected};
  }

 private:
  const po::options_description& description_;
  po::variables_map values_;
  std::map<std::string, std::string> origins_;
};

bool read_switch(const Settings& settings, const std::string& name) {
  const std::string& text = settings.text(name);
  if (text != "true" && text != "false") settings.reject(name, "true or false is meant");
  return text == "true";
}

Address read_address(const Settings& settings, const std::string& name) {
  const auto address = parse_address(settings.text(name));
  if (!address) settings.reject(name, "an address is HOST:PORT, for example 127.0.0.1:6000");
  return *address;
}

std::string read_advertised(const Settings& settings, const std::string& name) {
  if (settings.text(name).empty()) return {};
  const Address address = read_address(settings, name);
  if (is_wildcard(address)) settings.reject(name, "nobody can dial this address");
  return to_string(address);
}

raft::Duration read_duration(const Settings& settings, const std::string& name,
                             raft::Duration least, raft::Duration most) {
  const auto duration = parse_duration(settings.text(name));
  if (!duration || *duration < least || *duration > most) {
    settings.reject(name, "a duration from " + format_duration(least) + " to " +
                              format_duration(most) + " is meant, for example 500ms, 30s, 5m");
  }
  return *duration;
}

std::size_t read_size(const Settings& settings, const std::string& name, std::size_t least,
                      std::size_t most) {
  const auto size = parse_size(settings.text(name));
  if (!size || *size < least || *size > most) {
    settings.reject(name, "a size from " + format_size(least) + " to " + format_size(most) +
                              " is meant, for example 64MiB");
  }
  return static_cast<std::size_t>(*size);
}

raft::NodeId read_node(const Settings& settings, bool dev) {
  if (settings.text("node").empty()) {
    if (dev) return {1};
    throw Usage{"say which node this is: --node=1, another number for each node of a cluster"};
  }
  const auto id = parse_number(settings.text("node"));
  if (!id || *id == 0) {
    settings.reject("node", "a node's id is a number from 1 to " +
                                std::to_string(std::numeric_limits<std::uint64_t>::max()));
  }
  return {*id};
}

void read_founding(const Settings& settings, Options& options) {
  options.bootstrap = read_switch(settings, "bootstrap") || options.dev;
  options.join_timeout = read_duration(settings, "join-timeout", std::chrono::milliseconds(100),
                                       std::chrono::hours(24));
  const std::string& join = settings.text("join");
  if (join.empty()) return;
  if (options.bootstrap) throw Usage{"--bootstrap founds a cluster, --join joins one: choose"};
  if (join == "wait") {
    options.join_wait = true;
    return;
  }
  // Up to the end: what follows the last comma counts, also when it is nothing.
  for (std::size_t at = 0; at <= join.size();) {
    const std::size_t comma = std::min(join.find(',', at), join.size());
    const std::string part = join.substr(at, comma - at);
    at = comma + 1;
    const auto address = parse_address(part);
    if (!address) settings.reject("join", "give HOST:PORT of the others' --http, or wait");
    options.join.push_back(*address);
  }
}

void read_addresses(const Settings& settings, Options& options) {
  options.http = read_address(settings, "http");
  options.raft = read_address(settings, "raft");
  // Nobody will join it, so any port is as good.
  if (options.dev && !settings.is_given("raft")) options.raft.port = "0";
  if (options.http == options.raft && options.http.port != "0") {
    throw Usage{"--http and --raft are both " + to_string(options.http) +
                "; clients and other nodes need a port each"};
  }
  options.advertise_http = read_advertised(settings, "advertise-http");
  options.advertise_raft = read_advertised(settings, "advertise-raft");
  // Who can reach the Raft port can take over the cluster: it speaks neither TLS nor passwords.
  if (!is_loopback(options.raft) && !read_switch(settings, "insecure")) {
    settings.reject("raft",
                    "other machines can reach it and it is not encrypted; if only trusted "
                    "ones can, add --insecure");
  }
  if (is_wildcard(options.raft) && options.advertise_raft.empty()) {
    settings.reject("raft", "say which address others dial with --advertise-raft=HOST:PORT");
  }
}

void read_timing(const Settings& settings, Options& options) {
  options.election_timeout = read_duration(settings, "election-timeout",
                                           std::chrono::milliseconds(50), std::chrono::minutes(1));
  options.heartbeat =
      read_duration(settings, "heartbeat", std::chrono::milliseconds(10), std::chrono::minutes(1));
  if (options.heartbeat * 3 > options.election_timeout) {
    settings.reject("heartbeat",
                    "at most a third of --election-timeout is meant, or a lost "
                    "packet or two cause an election");
  }
}

Options read_options(const Settings& settings) {
  Options options;
  options.dev = read_switch(settings, "dev");
  options.node = read_node(settings, options.dev);
  read_addresses(settings, options);
  read_founding(settings, options);
  read_timing(settings, options);
  options.data = settings.text("data");
  if (options.dev && !options.data.empty()) throw Usage{"--dev has temporary data: no --data"};
  if (options.data.empty() && !options.dev) {
    options.data = "data/node-" + std::to_string(options.node.value);
  }
  const std::string& store = settings.text("store");
  options.store = parse_store(store);
  if (!store.empty() && !options.store) settings.reject("store", "memory or rocksdb is meant");
  options.value_bytes_max = read_size(settings, "max-value", 1, value_bytes_limit);
  options.snapshot_log_bytes =
      read_size(settings, "snapshot-log-bytes", std::size_t{4} << 10, std::size_t{1} << 40);
  options.log_cache_bytes =
      read_size(settings, "log-cache-bytes", std::size_t{64} << 10, std::size_t{1} << 36);
  // A run of entries that are applied at once must find room in it.
  options.watch_history_bytes =
      read_size(settings, "watch-history", ChangeHistory::bytes_max_usual, std::size_t{1} << 36);
  const auto levels = parse_log_levels(settings.text("log-level"));
  if (!levels) {
    settings.reject(
        "log-level",
        "debug, info, warning or error is meant, for all or by component: server, http, "
        "raft, net, storage; for example raft=debug,http=warning,info");
  }
  options.log_levels = *levels;
  const std::string& format = settings.text("log-format");
  if (format != "text" && format != "json") settings.reject("log-format", "text or json is meant");
  options.log_format = format == "json" ? LogFormat::json : LogFormat::text;
  return options;
}

EarlyExit help(const po::options_description& description) {
  std::ostringstream text;
  text << version_line() << ": a replicated key-value store\n\n"
       << "  kvserver --node=1 --bootstrap                                        the first node\n"
       << "  kvserver --node=2 --http=127.0.0.1:6001 --raft=127.0.0.1:7001 \\\n"
       << "           --join=127.0.0.1:6000                                       another one\n"
       << "  kvserver --dev                                                       just to try\n\n"
       << description;
  return {exit_code::success, text.str()};
}

std::string print(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& setting : settings) {
    text += setting.name + " = " + setting.value + "  # " + setting.origin + "\n";
  }
  return text;
}

EarlyExit wrong_usage(const std::string& text) {
  return {exit_code::usage, "kvserver: " + text + " (kvserver --help lists all flags)\n"};
}

}  // namespace

std::variant<Configuration, EarlyExit> parse_options(const std::vector<std::string>& arguments,
                                                     const Environment& environment) {
  const po::options_description description = describe();
  try {
    Configuration configuration;
    Settings settings(description);
    settings.add_command_line(arguments);
    settings.add_environment(environment, configuration.warnings);
    if (!settings.text("config").empty()) settings.add_file(settings.text("config"));
    if (read_switch(settings, "help")) return help(description);
    if (read_switch(settings, "version")) {
      return EarlyExit{exit_code::success, version_line() + "\n"};
    }
    configuration.settings = settings.list();
    // What is wrong is still worth printing together with where it comes from.
    if (read_switch(settings, "print-config")) {
      return EarlyExit{exit_code::success, print(configuration.settings)};
    }
    configuration.options = read_options(settings);
    if (read_switch(settings, "check-config")) {
      return EarlyExit{exit_code::success, "the configuration is good\n"};
    }
    return configuration;
  } catch (const Usage& usage) {
    return wrong_usage(usage.text);
  } catch (const po::error& error) {
    return wrong_usage(error.what());
  }
}

}  // namespace kv
