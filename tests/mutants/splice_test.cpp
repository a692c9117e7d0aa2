// Catches mutants that are not where they were thought to be: a hunt for a bug that nobody seeded
// finds nothing, or something else.
#include "mutants/splice.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

namespace mutants {
namespace {

Edit edit(std::uint32_t number, Kind kind, const std::string& original,
          const std::string& instead) {
  return {number, "mutant " + std::to_string(number), {"a.cpp", kind, original, instead}};
}

std::string spliced(const std::string& source, const std::vector<Edit>& edits) {
  const std::string text = splice(source, edits);
  return text.substr(text.find('\n') + 1);  // Behind the include.
}

}  // namespace

TEST_CASE("a mutant becomes a choice at run time", "[mutants]") {
  CHECK(spliced("x = a + b;", {edit(7, Kind::expression, "a + b", "a")}) ==
        "x = (::mutants::is_on(7) ? (a) : (a + b));");
  CHECK(spliced("go(); stop();", {edit(7, Kind::statement, "go();", "wait();")}) ==
        "if (::mutants::is_on(7)) { wait(); } else { go(); } stop();");
  CHECK(spliced("int a;", {edit(7, Kind::declaration, "int a;", "int b;")}) == "int b;\nint a;");
}

TEST_CASE("mutants of one fragment exclude each other", "[mutants]") {
  CHECK(spliced("x = a;",
                {edit(1, Kind::expression, "a", "b"), edit(2, Kind::expression, "a", "c")}) ==
        "x = (::mutants::is_on(1) ? (b) : ::mutants::is_on(2) ? (c) : (a));");
}

TEST_CASE("a fragment may lie within another", "[mutants]") {
  CHECK(spliced("f(a);",
                {edit(1, Kind::expression, "a", "b"), edit(2, Kind::statement, "f(a);", ";")}) ==
        "if (::mutants::is_on(2)) { ; } else { f((::mutants::is_on(1) ? (b) : (a))); }");
}

TEST_CASE("a line break somewhere else hides no fragment", "[mutants]") {
  CHECK(spliced("x = a +\n    b;", {edit(1, Kind::expression, "a + b", "0")}) ==
        "x = (::mutants::is_on(1) ? (0) : (a +\n    b));");
}

TEST_CASE("a fragment that is not there exactly once stops the build", "[mutants]") {
  using Catch::Contains;
  CHECK_THROWS_WITH(splice("x = a;", {edit(1, Kind::expression, "b", "c")}),
                    Contains("mutant 1") && Contains("not in a.cpp"));
  CHECK_THROWS_WITH(splice("x = a + a;", {edit(1, Kind::expression, "a", "c")}),
                    Contains("more than once in a.cpp"));
  CHECK_THROWS_WITH(splice("x = a + b + c;", {edit(1, Kind::expression, "a + b", "0"),
                                              edit(2, Kind::expression, "b + c", "0")}),
                    Contains("overlaps"));
}

}  // namespace mutants
