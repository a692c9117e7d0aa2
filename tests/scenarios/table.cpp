#include "scenarios/table.hpp"

#include <algorithm>
#include <regex>
#include <set>

#include "scenarios/demands.hpp"

namespace scenarios {
namespace {

using Tests = std::vector<TestCase>;

const char* const introduction =
    "# Scenarios and the tests that show them\n"
    "\n"
    "Generated from the tags of the tests by `scenario_table --write`; a test fails when it is "
    "stale or when an\n"
    "id has no test. Tests in four variants are played plain, with one message in ten lost and one "
    "in ten doubled,\n"
    "without pre-vote, and with both.\n";

Tests with_tag(const Tests& tests, const std::string& tag) {
  Tests found;
  std::copy_if(tests.begin(), tests.end(), std::back_inserter(found), [&](const TestCase& test) {
    return std::count(test.tags.begin(), test.tags.end(), tag) > 0;
  });
  return found;
}

/// Those that are demanded, and those beyond them that tests have all the same.
std::vector<std::string> ids_of(const Family& family, const Tests& tests) {
  std::vector<std::string> ids;
  for (int number = 1; number <= family.count; ++number) ids.push_back(id_of(family, number));
  for (int number = family.count + 1; number < 100; ++number) {
    if (!with_tag(tests, id_of(family, number)).empty()) ids.push_back(id_of(family, number));
  }
  return ids;
}

/// A name may repeat the ids that its row shows already.
std::string without_ids(const std::string& name) {
  static const std::regex ids(R"(^(?:[A-Z]{2}-\d+ )+|^past bug \d+: |^found \d+: )");
  return std::regex_replace(name, ids, "");
}

std::string escaped(const std::string& text) {
  return std::regex_replace(text, std::regex(R"(\|)"), "\\|");
}

std::string row(const std::string& id, const TestCase& test) {
  const std::string file = test.file.generic_string();
  return "| " + id + " | " + escaped(without_ids(test.name)) + " | [" +
         file.substr(std::string("tests/").size()) + "](../" + file + ") | " +
         (test.in_variants ? "4" : "") + " |\n";
}

std::string section(const Family& family, const Tests& tests) {
  std::string text =
      "\n## " + family.title + "\n\n| id | test | file | variants |\n|---|---|---|---|\n";
  for (const std::string& id : ids_of(family, tests)) {
    for (const TestCase& test : with_tag(tests, id)) text += row(id, test);
  }
  return text;
}

void complain_about(const Family& family, const Tests& tests,
                    std::vector<std::string>& complaints) {
  for (int number = 1; number <= family.count; ++number) {
    const std::string id = id_of(family, number);
    const Tests shown_by = with_tag(tests, id);
    if (shown_by.empty()) complaints.push_back(id + ": no test has this tag");
    if (!family.in_variants || shown_by.empty()) continue;
    const bool in_variants = std::any_of(shown_by.begin(), shown_by.end(),
                                         [](const TestCase& test) { return test.in_variants; });
    if (in_variants == without_variants().contains(id)) {
      complaints.push_back(id + (in_variants ? ": is played in variants and is said not to be"
                                             : ": no test plays it in four variants"));
    }
  }
}

bool is_known(const std::string& tag) {
  return std::any_of(families().begin(), families().end(),
                     [&](const Family& family) { return tag.starts_with(family.prefix + "-"); });
}

/// "PR-01" shows nothing of "RP-01".
void complain_about_tags(const Tests& tests, std::vector<std::string>& complaints) {
  static const std::regex looks_like_an_id(R"((?:[A-Z]{2}|bug|found)-\d+)");
  std::set<std::string> unknown;
  for (const TestCase& test : tests) {
    for (const std::string& tag : test.tags) {
      if (std::regex_match(tag, looks_like_an_id) && !is_known(tag)) unknown.insert(tag);
    }
  }
  for (const std::string& tag : unknown) complaints.push_back(tag + ": nobody knows this id");
}

}  // namespace

std::string table_of(const Tests& tests) {
  std::string text = introduction;
  for (const Family& family : families()) text += section(family, tests);
  return text;
}

std::vector<std::string> complaints_about(const Tests& tests) {
  std::vector<std::string> complaints;
  for (const Family& family : families()) complain_about(family, tests, complaints);
  complain_about_tags(tests, complaints);
  return complaints;
}

}  // namespace scenarios
