#include <libraft/types.hpp>

namespace raft {
namespace {

void append_hexadecimal(std::string& out, std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back(digits[(value >> shift) & 0xf]);
}

std::string hexadecimal(std::uint64_t high, std::uint64_t low) {
  std::string out;
  out.reserve(32);
  append_hexadecimal(out, high);
  append_hexadecimal(out, low);
  return out;
}

}  // namespace

std::string to_string(Index index) { return std::to_string(index.value); }

std::string to_string(Term term) { return std::to_string(term.value); }

std::string to_string(NodeId id) { return std::to_string(id.value); }

std::string to_string(GroupId id) { return std::to_string(id.value); }

std::string to_string(InstanceId id) { return hexadecimal(id.high, id.low); }

std::string to_string(ClusterId id) { return hexadecimal(id.high, id.low); }

std::string to_string(EntryId id) { return to_string(id.term) + "/" + to_string(id.index); }

}  // namespace raft
