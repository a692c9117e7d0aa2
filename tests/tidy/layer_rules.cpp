#include "tidy/layer_rules.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <set>
#include <string_view>

namespace tidy {

namespace {

using Names = std::set<std::string, std::less<>>;

// Each layer with those whose headers it may use besides its own. docs/architecture.md draws it.
const std::map<std::string, Names, std::less<>>& layers() {
  static const std::map<std::string, Names, std::less<>> table = {
      {"util", {}},
      {"protocol", {"util"}},
      {"core", {"util", "protocol"}},
      {"wire", {"util", "protocol"}},
      {"storage", {"util", "protocol"}},
      {"replica", {"util", "protocol", "core", "storage"}},
      {"net", {"util", "protocol", "wire"}},
      {"node", {"util", "protocol", "core", "wire", "storage", "replica", "net"}},
      {"sim", {"util", "protocol", "core", "wire", "storage", "replica"}},
  };
  return table;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](std::string_view start) { return text.starts_with(start); });
}

bool is_threads(std::string_view header) {
  static const Names names = {"thread",     "mutex",     "shared_mutex", "condition_variable",
                              "future",     "semaphore", "latch",        "barrier",
                              "stop_token", "pthread.h"};
  return names.contains(header);
}

// What gives other results on another machine, library or run.
bool is_nondeterministic(std::string_view header) {
  return header == "random" || header == "ctime" || header.starts_with("unordered_");
}

// The layers that the simulator runs as they are: no threads, no clock, no chance.
bool is_simulated(std::string_view layer) {
  static const Names names = {"protocol", "core", "wire", "replica", "sim"};
  return names.contains(layer);
}

// "core" for libraft/src/core/log.cpp, "" for what is not of a layer.
std::string layer_of(const fs::path& file) {
  if (!is_below(file, "libraft/src")) return {};
  return std::next(file.begin(), 2)->string();
}

std::optional<std::string> why_not_public(const fs::path& file, std::string_view header) {
  const bool boost = header.starts_with("boost/");
  if (header.starts_with("boost/asio/") && file.filename() == "node.hpp") return {};
  if (header.starts_with("boost/system/") && file.filename() == "error_code.hpp") return {};
  if (boost)
    return "of the public headers only node.hpp knows Asio, and error_code.hpp Boost.System";
  if (header.starts_with("rocksdb/")) return "no public header includes RocksDB";
  if (header.find('/') != header.npos && !header.starts_with("libraft/")) {
    return "public headers include the standard library and each other";
  }
  return {};
}

std::optional<std::string> why_not_server(const fs::path& file, std::string_view header) {
  if (layers().contains(header.substr(0, header.find('/')))) {
    return "kvserver uses the public headers of libraft only";
  }
  if (header.starts_with("libraft/src")) return "kvserver uses the public headers of libraft only";
  if (header.starts_with("rocksdb/") && file.stem() != "rocks_store" &&
      file.stem() != "rocks_database") {
    return "of kvserver only rocks_store and rocks_database name RocksDB";
  }
  if (header == "kvserver/rocks_database.hpp" && file.stem() != "rocks_store" &&
      file.stem() != "rocks_database") {
    return "it brings RocksDB with it";
  }
  if (header.starts_with("boost/beast") && file.extension() == ".hpp") {
    return "Beast takes seconds to compile: include it in a .cpp file";
  }
  return {};
}

// The parts of storage that are for real disks and threads; the rest is logic.
bool is_real_storage(std::string_view header) {
  return starts_with_any(header, {"storage/storage_thread", "storage/rocks_engine",
                                  "storage/posix_files", "storage/directory_lock"});
}

std::optional<std::string> why_not_layer(const std::string& layer, const fs::path& file,
                                         std::string_view header) {
  const auto rules = layers().find(layer);
  if (rules == layers().end()) return "libraft/src/" + layer + " is not a known layer";

  const std::string_view first = header.substr(0, header.find('/'));
  if (first != header && first != layer && layers().contains(first) &&
      !rules->second.contains(first)) {
    return layer + " must not know " + std::string(first);
  }
  if (header.starts_with("boost/asio") && layer != "net" && layer != "node") {
    return "only net and node know Asio";
  }
  if (header.starts_with("boost/beast")) return "libraft knows no HTTP";
  if (header.starts_with("rocksdb/") && file.filename() != "rocks_engine.cpp") {
    return "only rocks_engine.cpp names RocksDB";
  }
  if (header.starts_with("boost/") && (layer == "core" || layer == "protocol")) {
    return layer + " uses the standard library only";
  }
  if (layer == "core" && header == "util/log.hpp") return "core tells what happened by notes";
  if (!is_simulated(layer)) return {};
  if (is_threads(header) || header == "util/mutex.hpp") return layer + " has no threads";
  if (is_nondeterministic(header)) return layer + " must give the same results everywhere";
  if (is_real_storage(header)) return layer + " knows storage's logic, not its disk";
  return {};
}

}  // namespace

std::optional<std::string> included(const std::string& line) {
  static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)");
  std::smatch match;
  if (!std::regex_match(line, match, pattern)) return {};
  return match[1].str();
}

std::optional<std::string> why_not_include(const fs::path& file, const std::string& header) {
  if (is_below(file, "libraft/include")) return why_not_public(file, header);
  if (is_below(file, "kvserver")) return why_not_server(file, header);
  if (const std::string layer = layer_of(file); !layer.empty()) {
    return why_not_layer(layer, file, header);
  }
  return {};
}

std::optional<std::string> why_not_line(const fs::path& file, const std::string& line) {
  static const std::regex pattern(
      R"(\b(steady_clock|system_clock|high_resolution_clock|clock_gettime|gettimeofday)\b|)"
      R"(\bstd::(thread|jthread|mutex|rand|random_device|unordered_\w+)\b)");
  const std::string layer = layer_of(file);
  std::smatch match;
  if (!is_simulated(layer) || !std::regex_search(line, match, pattern)) return {};
  return layer + " must not use " + match.str();
}

}  // namespace tidy
