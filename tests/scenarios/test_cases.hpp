// The tests of this repository as their sources show them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace scenarios {

struct TestCase {
  std::string name;
  std::vector<std::string> tags;  ///< Without brackets, in their order.
  std::filesystem::path file;     ///< From the root of the repository.
  bool in_variants = false;       ///< Its body is played by for_each_variant().
};

/// In one source text, in their order.
std::vector<TestCase> test_cases_in(std::string_view text, const std::filesystem::path& file);

/// In all sources below `root`/tests: by path, then in their order.
std::vector<TestCase> all_test_cases(const std::filesystem::path& root);

}  // namespace scenarios
