// The command line and its other sources: environment and configuration file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <libraft/types.hpp>
#include "kvserver/address.hpp"
#include "kvserver/logging.hpp"
#include "kvserver/store_choice.hpp"

namespace kv {

/// Checked as a whole: a value here can be used.
struct Options {
  Address http;
  Address raft;
  std::string advertise_http;  ///< Empty: the address that is listened on.
  std::string advertise_raft;
  raft::NodeId node;
  std::string data;  ///< Empty with --dev: temporary.
  bool bootstrap = false;
  std::vector<Address> join;  ///< HTTP addresses.
  bool join_wait = false;
  raft::Duration join_timeout{0};
  std::optional<StoreKind> store;  ///< Absent: the data directory says, memory for a new one.
  bool dev = false;
  std::size_t value_bytes_max = 0;
  std::size_t snapshot_log_bytes = 0;
  std::size_t log_cache_bytes = 0;
  std::size_t watch_history_bytes = 0;
  raft::Duration election_timeout{0};
  raft::Duration heartbeat{0};
  LogLevels log_levels;
  LogFormat log_format = LogFormat::text;
};

/// A flag's value and where it comes from: "command line", "environment", a file, "default".
struct Setting {
  std::string name;
  std::string value;
  std::string origin;
};

struct Configuration {
  Options options;
  std::vector<Setting> settings;      ///< All of them, in the order of --help.
  std::vector<std::string> warnings;  ///< Variables that look like ours but are none.
};

/// The process is done before it began: print, and end.
struct EarlyExit {
  int code = 0;
  std::string text;  ///< For stdout when the code is 0, else for stderr.
};

using Environment = std::map<std::string, std::string>;

/// Command line over KVSERVER_* over --config FILE over defaults. Reads the file and nothing else.
/// `arguments`: without the program's name.
std::variant<Configuration, EarlyExit> parse_options(const std::vector<std::string>& arguments,
                                                     const Environment& environment);

}  // namespace kv
