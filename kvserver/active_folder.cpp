#include "kvserver/active_folder.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "kvserver/small_file.hpp"

namespace kv {
namespace {

namespace fs = std::filesystem;
using raft::Errc;
using raft::Error;
using raft::Result;

constexpr std::string_view name_prefix = "db-";
constexpr std::size_t digits = 6;

std::string name_of(std::uint64_t generation) {
  std::string number = std::to_string(generation);
  if (number.size() < digits) number.insert(0, digits - number.size(), '0');
  return std::string(name_prefix) + number;
}

// Only names that name_of() makes; absent for all others.
std::optional<std::uint64_t> generation_of(std::string_view name) {
  if (!name.starts_with(name_prefix)) return std::nullopt;
  const std::string_view number = name.substr(name_prefix.size());
  std::uint64_t generation = 0;
  std::from_chars(number.data(), number.data() + number.size(), generation);
  if (generation == 0 || name_of(generation) != name) return std::nullopt;
  return generation;
}

std::vector<std::uint64_t> list_generations(const std::string& folder) {
  std::vector<std::uint64_t> generations;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const auto generation = generation_of(at->path().filename().string());
    if (generation) generations.push_back(*generation);
  }
  return generations;
}

Result<void> write_active(const std::string& folder, std::uint64_t generation) {
  return replace_small_file(folder + "/ACTIVE", name_of(generation) + "\n");
}

Result<void> create_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), S_IRWXU) != 0) {
    if (errno == EEXIST) return {};
    return file_error("create", folder, errno);
  }
  const std::string parent = fs::path(folder).parent_path().string();
  return sync_folder(parent.empty() ? "." : parent);
}

}  // namespace

Result<ActiveFolder> ActiveFolder::open(const std::string& folder) {
  if (auto created = create_folder(folder); !created) return created.error();
  const std::string path = folder + "/ACTIVE";
  const auto content = read_small_file(path);
  if (!content) return content.error();
  if (*content) {
    const std::string_view line = **content;
    const auto generation = line.ends_with('\n') ? generation_of(line.substr(0, line.size() - 1))
                                                 : std::optional<std::uint64_t>{};
    if (!generation) return Error{Errc::corrupt, path + " does not name a database folder"};
    return ActiveFolder(folder, *generation);
  }
  // ACTIVE is written before the first generation is made. So one without it was not left by a
  // crash: somebody removed the file, and to guess would be to choose between old and new data.
  if (!list_generations(folder).empty()) {
    return Error{Errc::data_missing, path + " is missing beside database folders"};
  }
  if (auto written = write_active(folder, 1); !written) return written.error();
  return ActiveFolder(folder, 1);
}

std::string ActiveFolder::path() const { return folder_ + "/" + name_of(generation_); }

std::string ActiveFolder::next_path() const { return folder_ + "/" + name_of(generation_ + 1); }

void ActiveFolder::remove_others() const {
  std::error_code ignored;
  for (const std::uint64_t generation : list_generations(folder_)) {
    if (generation != generation_) fs::remove_all(folder_ + "/" + name_of(generation), ignored);
  }
  fs::remove(folder_ + "/ACTIVE.tmp", ignored);
}

Result<void> ActiveFolder::switch_to_next() {
  // First the name of the new generation, then what points at it.
  if (auto synced = sync_folder(folder_); !synced) return synced;
  if (auto written = write_active(folder_, generation_ + 1); !written) return written;
  ++generation_;
  return {};
}

}  // namespace kv
