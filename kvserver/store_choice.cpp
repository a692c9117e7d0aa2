// store := ( "memory" | "rocksdb" ) "\n"
//
// No checksum: no few flipped bits turn one of the two words into the other.
#include "kvserver/store_choice.hpp"

#include <filesystem>
#include <system_error>

#include "kvserver/small_file.hpp"

namespace kv {
namespace {

using raft::Errc;
using raft::Error;
using raft::Result;

std::string line_of(StoreKind kind) { return std::string(to_string(kind)) + "\n"; }

Result<std::optional<StoreKind>> read_choice(const std::string& path) {
  const auto content = read_small_file(path);
  if (!content) return content.error();
  if (!*content) return std::optional<StoreKind>{};
  for (const StoreKind kind : {StoreKind::memory, StoreKind::rocksdb}) {
    if (**content == line_of(kind)) return std::optional<StoreKind>{kind};
  }
  return Error{Errc::corrupt,
               path +
                   " names no store; it holds one line, memory or rocksdb: what this directory "
                   "was begun with"};
}

// A directory that was begun before stores were written down. Only one of them has a folder.
StoreKind look_for_store(const std::string& data) {
  std::error_code ignored;
  return std::filesystem::exists(data + "/kv", ignored) ? StoreKind::rocksdb : StoreKind::memory;
}

Error other_store(const std::string& data, StoreKind asked, StoreKind present) {
  const std::string name(to_string(present));
  return {Errc::invalid_argument,
          "--store=" + std::string(to_string(asked)) + ": " + data +
              " was begun with --store=" + name +
              "; leave --store out, or, to change it, remove this member from the cluster, "
              "empty the directory and join again"};
}

}  // namespace

std::string_view to_string(StoreKind kind) {
  return kind == StoreKind::memory ? "memory" : "rocksdb";
}

std::optional<StoreKind> parse_store(std::string_view name) {
  for (const StoreKind kind : {StoreKind::memory, StoreKind::rocksdb}) {
    if (name == to_string(kind)) return kind;
  }
  return std::nullopt;
}

Result<StoreKind> choose_store(const std::string& data, std::optional<StoreKind> asked,
                               bool is_begun) {
  const std::string path = data + "/store";
  const auto recorded = read_choice(path);
  if (!recorded) return recorded.error();
  std::optional<StoreKind> present = *recorded;
  if (!present && is_begun) present = look_for_store(data);
  if (present && asked && *asked != *present) return other_store(data, *asked, *present);
  const StoreKind chosen = present.value_or(asked.value_or(StoreKind::memory));
  if (!*recorded) {
    if (auto written = replace_small_file(path, line_of(chosen)); !written) return written.error();
  }
  return chosen;
}

}  // namespace kv
