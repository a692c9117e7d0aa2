// What has to be shown by some test: scenarios by id, bugs that others had, bugs that we had.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace scenarios {

/// A numbered list of demands. Their ids are the prefix, a hyphen and the number.
struct Family {
  std::string prefix;  ///< "RP"
  std::string title;   ///< "Replication"
  int count = 0;       ///< Numbers from 1 on, each of which needs a test.
  int digits = 2;      ///< "RP-01", but "bug-1".
  /// At least one test of each is played with and without pre-vote, and with messages getting lost.
  bool in_variants = false;
};

const std::vector<Family>& families();

/// The id of a demand of the family.
std::string id_of(const Family& family, int number);

/// Demands that concern functions, files or one exchange, so that variants make no difference.
const std::map<std::string, std::string>& without_variants();

}  // namespace scenarios
