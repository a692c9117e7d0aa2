// Catches names that clients, scripts and operators match on and that changed unnoticed.
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include <libraft/error.hpp>
#include <libraft/types.hpp>

namespace raft {

TEST_CASE("ids are written as people type them", "[util][text]") {
  CHECK(to_string(Index{7}) == "7");
  CHECK(to_string(Term{8}) == "8");
  CHECK(to_string(NodeId{9}) == "9");
  CHECK(to_string(GroupId{0}) == "0");
  CHECK(to_string(EntryId{Term{3}, Index{41}}) == "3/41");
  CHECK(to_string(InstanceId{0x0123456789abcdef, 0x10}) == "0123456789abcdef0000000000000010");
  CHECK(to_string(ClusterId{}) == std::string(32, '0'));
}

// An error without a text of its own would reach a user as nothing at all.
TEST_CASE("every error has a name and a sentence of its own", "[util][text]") {
  std::set<std::string> names;
  std::set<std::string> sentences;
  for (std::size_t code = 1; code < errc_count; ++code) {
    names.insert(to_string(static_cast<Errc>(code)));
    sentences.insert(message(static_cast<Errc>(code)));
  }
  CHECK(names.size() == errc_count - 1);
  CHECK(sentences.size() == errc_count - 1);
  CHECK(names.count("not_leader") == 1);
  CHECK(names.count("unknown_outcome") == 1);
  CHECK(names.count("unknown") == 0);
  CHECK(std::string(to_string(static_cast<Errc>(errc_count))) == "unknown");
}

}  // namespace raft
