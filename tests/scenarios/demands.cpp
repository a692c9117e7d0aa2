#include "scenarios/demands.hpp"

namespace scenarios {

const std::vector<Family>& families() {
  static const std::vector<Family> all{
      {"EL", "Election", 22},
      {"PV", "Pre-vote and check-quorum", 16},
      {"RP", "Replication", 20, 2, true},
      {"CM", "Commit", 10, 2, true},
      {"FC", "Flow control and overload", 9},
      {"SN", "Snapshots", 19, 2, true},
      {"MB", "Membership", 24, 2, true},
      {"LN", "Learners", 9},
      {"TR", "Leadership transfer", 12},
      {"RD", "Reads", 16},
      {"DU", "Restart and durability", 18},
      {"bug", "Bugs that other implementations had", 47, 1},
      {"found", "Bugs of our own that the simulator or a review found", 20, 1},
  };
  return all;
}

std::string id_of(const Family& family, int number) {
  std::string digits = std::to_string(number);
  while (static_cast<int>(digits.size()) < family.digits) digits.insert(digits.begin(), '0');
  return family.prefix + "-" + digits;
}

const std::map<std::string, std::string>& without_variants() {
  static const std::map<std::string, std::string> all{
      {"CM-10", "functions, against a twin"},
      {"MB-21", "functions, against a twin"},
      {"SN-10", "files of one node"},
      {"SN-12", "files of one node"},
      {"SN-15", "one transfer, all orders and damages"},
      {"SN-16", "one transfer"},
      {"SN-19", "files of one node"},
  };
  return all;
}

}  // namespace scenarios
