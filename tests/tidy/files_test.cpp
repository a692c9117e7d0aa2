// Catches what a reader stumbles over: a file that nobody builds, a folder without a word on what
// it is, a link to nowhere, a stray name at the top.
#include <algorithm>
#include <catch2/catch.hpp>
#include <regex>
#include <set>

#include "tidy/source_tree.hpp"

namespace tidy {

namespace {

// Where a path in a CMakeLists.txt leads, from the root.
fs::path resolve(const fs::path& list, const std::string& path) {
  for (const std::string start : {"${PROJECT_SOURCE_DIR}/", "${libraft_SOURCE_DIR}/"}) {
    if (path.starts_with(start)) return path.substr(start.size());
  }
  return (list.parent_path() / path).lexically_normal();
}

// Every source file that one of CMake's names.
std::set<fs::path> listed_sources() {
  static const std::regex pattern(R"path([^\s()";]+\.cpp)path");
  std::set<fs::path> sources;
  for (const fs::path& file : files_below("")) {
    if (file.filename() != "CMakeLists.txt" && file.extension() != ".cmake") continue;
    const std::string text = text_of(file);
    for (std::sregex_iterator name(text.begin(), text.end(), pattern), end; name != end; ++name) {
      sources.insert(resolve(file, name->str()));
    }
  }
  return sources;
}

// The folders that a reader opens: each layer, each kind of test, and those above them.
std::set<fs::path> folders_to_explain() {
  std::set<fs::path> folders;
  for (const fs::path& file : files_below("")) {
    const auto depth = std::distance(file.begin(), file.end()) - 1;
    const bool is_layer = is_below(file, "libraft/src") && depth == 3;
    const bool is_part = is_below(file, "libraft") && depth == 2;
    const bool is_test = is_below(file, "tests") && depth <= 2;
    const bool is_other = depth == 1;
    if (is_layer || is_part || is_test || is_other) folders.insert(file.parent_path());
  }
  return folders;
}

}  // namespace

// Were the walk to find nothing, every other test here would pass.
TEST_CASE("the walk finds the sources and leaves out what is built", "[tidy][files]") {
  const auto files = files_below("");
  CHECK(std::count(files.begin(), files.end(), "tests/tidy/source_tree.cpp") == 1);
  CHECK(std::count(files.begin(), files.end(), "libraft/include/libraft/raft.hpp") == 1);
  for (const fs::path& file : files) {
    CHECK_FALSE(is_below(file, "build"));
    CHECK_FALSE(is_below(file, ".git"));
  }
}

TEST_CASE("every source file is built", "[tidy][files]") {
  const std::set<fs::path> listed = listed_sources();
  for (const fs::path& file : with_extension(files_below(""), {".cpp"})) {
    if (!listed.contains(file)) FAIL_CHECK(file.native() << " is in no file of CMake's");
  }
}

TEST_CASE("every folder says in a README what lives there", "[tidy][files]") {
  for (const fs::path& folder : folders_to_explain()) {
    if (!fs::exists(root() / folder / "README.md")) {
      FAIL_CHECK(folder.native() << " has no README.md");
    }
  }
}

TEST_CASE("relative links in documents lead somewhere", "[tidy][files]") {
  static const std::regex pattern(R"(\]\(([^)#\s]+)[^)]*\))");
  for (const fs::path& file : with_extension(files_below(""), {".md"})) {
    for (const Line& line : lines_of(file)) {
      for (std::sregex_iterator link(line.text.begin(), line.text.end(), pattern), end; link != end;
           ++link) {
        const std::string target = (*link)[1].str();
        if (target.find(':') != std::string::npos) continue;  // http:, https:, mailto:
        if (!fs::exists(root() / file.parent_path() / target)) {
          FAIL_CHECK(file.native() << ":" << line.number << ": nothing at " << target);
        }
      }
    }
  }
}

TEST_CASE("nothing but the agreed names lies at the top", "[tidy][files]") {
  static const std::set<std::string> agreed = {"CMakeLists.txt", "README.md", "libraft", "kvserver",
                                               "tests",          "docs",      "build",   "data"};
  for (const auto& entry : fs::directory_iterator(root())) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') && !agreed.contains(name)) {
      FAIL_CHECK(name << " is not one of the agreed names at the top");
    }
  }
}

}  // namespace tidy
