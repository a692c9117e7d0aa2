// The table of scenarios itself: an id that it overlooks would be thought shown.
#include "scenarios/table.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "scenarios/demands.hpp"

namespace scenarios {
namespace {

/// A test for everything that is demanded.
std::vector<TestCase> complete() {
  std::vector<TestCase> tests;
  for (const Family& family : families()) {
    for (int number = 1; number <= family.count; ++number) {
      const std::string id = id_of(family, number);
      tests.push_back({"shows " + id,
                       {id},
                       "tests/some_test.cpp",
                       family.in_variants && !without_variants().contains(id)});
    }
  }
  return tests;
}

std::vector<std::string> complaints_without(const std::string& id) {
  std::vector<TestCase> tests = complete();
  std::erase_if(tests, [&](const TestCase& test) { return test.tags.front() == id; });
  return complaints_about(tests);
}

using Lines = std::vector<std::string>;

}  // namespace

// Would catch a test that is not seen because of how it is written.
TEST_CASE("tests are found in sources however they are broken", "[scenarios]") {
  // The name of the macro is put together, so that this text is not taken for tests of its own.
  const std::string macro = std::string("TEST") + "_CASE";
  const std::string source = "// " + macro + "(\"none\", \"[none]\") {\n" +  //
                             macro + "(\"one\", \"[RP-01][log]\") {\n  body();\n}\n\n" + macro +
                             "(\n    \"in two \"\n    \"parts\",\n    \"[a]\"\n    \"[b]\") {\n" +
                             "  for_each_variant([] {});\n}\n\n" +  //
                             macro + "(\"with \\\"quotes\\\"\",\n          \"[c]\") {\n}\n";
  const auto found = test_cases_in(source, "x.cpp");
  REQUIRE(found.size() == 3);
  CHECK(found[0].name == "one");
  CHECK(found[0].tags == Lines{"RP-01", "log"});
  CHECK_FALSE(found[0].in_variants);
  CHECK(found[1].name == "in two parts");
  CHECK(found[1].tags == Lines{"a", "b"});
  CHECK(found[1].in_variants);
  CHECK(found[2].tags == Lines{"c"});
}

// Would catch a table that is content with less than everything.
TEST_CASE("every single demand that nobody shows is complained about", "[scenarios]") {
  CHECK(complaints_about(complete()).empty());
  for (const Family& family : families()) {
    for (int number = 1; number <= family.count; ++number) {
      const std::string id = id_of(family, number);
      CHECK(complaints_without(id) == Lines{id + ": no test has this tag"});
    }
  }
}

// Would catch exceptions that outlive their reason, and tags with a slip of the pen.
TEST_CASE("variants, exceptions and unknown ids are complained about", "[scenarios]") {
  std::vector<TestCase> tests = complete();
  for (TestCase& test : tests) test.in_variants = test.tags.front() != "MB-07";
  const Lines complaints = complaints_about(tests);
  CHECK(complaints.size() == without_variants().size() + 1);
  CHECK(std::count(complaints.begin(), complaints.end(),
                   "MB-07: no test plays it in four variants") == 1);
  tests = complete();
  tests.push_back({"shows nothing", {"PR-01"}, "tests/some_test.cpp", false});
  CHECK(complaints_about(tests) == Lines{"PR-01: nobody knows this id"});
}

// Would catch a row that is lost, or one that breaks the table.
TEST_CASE("the table has a row for each id of each test", "[scenarios]") {
  std::vector<TestCase> tests = complete();
  tests.push_back({"PV-17 RD-16 either|or", {"PV-17", "RD-16", "read"}, "tests/a/b.cpp", true});
  const std::string table = table_of(tests);
  CHECK(table.find("| PV-17 | either\\|or | [a/b.cpp](../tests/a/b.cpp) | 4 |\n") !=
        std::string::npos);
  CHECK(table.find("| RD-16 | either\\|or | [a/b.cpp](../tests/a/b.cpp) | 4 |\n") !=
        std::string::npos);
}

}  // namespace scenarios
