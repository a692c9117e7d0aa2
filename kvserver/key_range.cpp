#include "kvserver/key_range.hpp"

namespace kv {
namespace {

// The least key above all that begin with the prefix.
std::optional<raft::Bytes> end_of(raft::BytesView prefix) {
  raft::Bytes end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace

std::optional<raft::Bytes> bound_above(const Range& range) {
  auto end = end_of(range.prefix);
  if (range.after && (!end || *range.after < *end)) return raft::Bytes(*range.after);
  return end;
}

}  // namespace kv
