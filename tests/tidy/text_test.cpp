// Catches unfinished work, tests that wait for time to pass, and code that is not formatted.
#include <catch2/catch.hpp>
#include <cstdio>
#include <regex>
#include <set>

#include "tidy/source_tree.hpp"

namespace tidy {

namespace {

void expect_nowhere(const std::vector<fs::path>& files, const std::regex& pattern,
                    const std::string& reason) {
  for (const fs::path& file : files) {
    for (const Line& line : lines_of(file)) {
      if (std::regex_search(line.text, pattern)) {
        FAIL_CHECK(file.native() << ":" << line.number << ": " << reason << ": " << line.text);
      }
    }
  }
}

// What a command prints, and how it ended.
struct Printed {
  std::string text;
  int status = -1;
};

Printed run(const std::string& command) {
  Printed printed;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return printed;
  char buffer[4096];
  while (const std::size_t size = fread(buffer, 1, sizeof buffer, pipe)) {
    printed.text.append(buffer, size);
  }
  printed.status = pclose(pipe);
  return printed;
}

// The files in "file:line:column: error: ..." lines.
std::set<std::string> complained_about(const std::string& complaints) {
  static const std::regex pattern("(^|\n)([^:\n]+):\\d+:\\d+: error:");
  std::set<std::string> files;
  for (std::sregex_iterator line(complaints.begin(), complaints.end(), pattern), end; line != end;
       ++line) {
    files.insert((*line)[2].str());
  }
  return files;
}

}  // namespace

// The words are put together here so that this file does not find itself.
TEST_CASE("no work is left open in a comment", "[tidy][text]") {
  auto files = files_below("");
  std::erase_if(files, [](const fs::path& file) { return is_below(file, "tests/fuzz/corpus"); });
  files = with_extension(files, {".cpp", ".hpp", ".md", ".txt", ".cmake", ".sh", ""});
  expect_nowhere(files,
                 std::regex("\\b(TO"
                            "DO|FIX"
                            "ME|XX"
                            "X|HA"
                            "CK)\\b"),
                 "left open");
}

// A test that sleeps is slow where it passes and fails where the machine is busy. Only the tests
// with real processes have to wait for real time.
TEST_CASE("no test sleeps outside tests/system and tests/bench", "[tidy][text]") {
  auto files = with_extension(files_below("tests"), {".cpp", ".hpp"});
  std::erase_if(files, [](const fs::path& file) {
    return is_below(file, "tests/system") || is_below(file, "tests/bench");
  });
  expect_nowhere(files,
                 std::regex("\\b(sleep"
                            "_for|sleep"
                            "_until|us"
                            "leep|nano"
                            "sleep)\\b"),
                 "sleeps");
}

// The formatting changes from one version of clang-format to the next; ours is 14.
TEST_CASE("all code is formatted", "[tidy][text]") {
  const std::string tool = CLANG_FORMAT;
  const Printed version = run(tool + " --version");
  INFO("looked for clang-format-14: " << version.text);
  REQUIRE(version.status == 0);
  if (version.text.find("version 14.") == std::string::npos) {
    WARN("not checked: " << tool << " is not version 14");
    return;
  }
  std::string command = "cd '" + root().native() + "' && " + tool + " --dry-run --Werror";
  for (const fs::path& file : with_extension(files_below(""), {".cpp", ".hpp"})) {
    command += " '" + file.native() + "'";
  }
  const Printed complaints = run(command);
  for (const std::string& file : complained_about(complaints.text)) {
    FAIL_CHECK("clang-format-14 -i " << file);
  }
  CHECK(complaints.status == 0);
}

}  // namespace tidy
