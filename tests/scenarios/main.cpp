// scenario_table --check|--write ROOT: whether docs/scenarios.md says what the tests say, or makes
// it so.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "scenarios/table.hpp"

namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool check(const std::vector<scenarios::TestCase>& tests, const std::filesystem::path& document) {
  const auto complaints = scenarios::complaints_about(tests);
  for (const std::string& complaint : complaints) std::cout << complaint << '\n';
  const bool is_stale = content_of(document) != scenarios::table_of(tests);
  if (is_stale) std::cout << document.native() << " is stale: run scenario_table --write\n";
  return complaints.empty() && !is_stale;
}

bool write(const std::vector<scenarios::TestCase>& tests, const std::filesystem::path& document) {
  std::ofstream stream(document, std::ios::binary);
  stream << scenarios::table_of(tests);
  return stream.flush().good();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string mode = count == 3 ? arguments[1] : "";
  if (mode != "--check" && mode != "--write") {
    std::cerr << "scenario_table --check|--write ROOT\n";
    return 2;
  }
  const std::filesystem::path root = arguments[2];
  const auto tests = scenarios::all_test_cases(root);
  const std::filesystem::path document = root / "docs" / "scenarios.md";
  return (mode == "--check" ? check : write)(tests, document) ? 0 : 1;
}
