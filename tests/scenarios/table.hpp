// Which test shows which demand: as a document, and as complaints about what nobody shows.
#pragma once

#include <string>
#include <vector>

#include "scenarios/test_cases.hpp"

namespace scenarios {

/// The whole document, in Markdown.
std::string table_of(const std::vector<TestCase>& tests);

/// One line for each demand without a test, or without its variants; for each id in a tag that
/// nobody demands; for each exception that is none.
std::vector<std::string> complaints_about(const std::vector<TestCase>& tests);

}  // namespace scenarios
