#include "scenarios/test_cases.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>

namespace scenarios {
namespace {

namespace fs = std::filesystem;

/// What adjacent literals come to.
std::string joined(const std::string& literals) {
  static const std::regex literal(R"re("((?:[^"\\]|\\.)*)")re");
  std::string text;
  for (std::sregex_iterator one(literals.begin(), literals.end(), literal), end; one != end;
       ++one) {
    text += (*one)[1].str();
  }
  return text;
}

std::vector<std::string> split_tags(const std::string& text) {
  static const std::regex bracketed(R"(\[([^\]]+)\])");
  std::vector<std::string> tags;
  for (std::sregex_iterator one(text.begin(), text.end(), bracketed), end; one != end; ++one) {
    tags.push_back((*one)[1].str());
  }
  return tags;
}

}  // namespace

// A formatted test begins and ends in the first column.
std::vector<TestCase> test_cases_in(std::string_view text, const fs::path& file) {
  static const std::regex head(
      R"re((?:^|\n)(?:TEMPLATE_)?TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*((?:"[^"]*"\s*)+)[,)])re");
  std::vector<TestCase> found;
  const std::string whole(text);
  for (std::sregex_iterator one(whole.begin(), whole.end(), head), end; one != end; ++one) {
    const auto begin = static_cast<std::size_t>(one->position() + one->length());
    const std::string body = whole.substr(begin, whole.find("\n}\n", begin) - begin);
    found.push_back({joined((*one)[1].str()), split_tags(joined((*one)[2].str())), file,
                     body.find("for_each_variant(") != std::string::npos});
  }
  return found;
}

std::vector<TestCase> all_test_cases(const fs::path& root) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root / "tests")) {
    if (entry.path().extension() == ".cpp") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<TestCase> all;
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const auto found = test_cases_in(text, file.lexically_relative(root));
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

}  // namespace scenarios
