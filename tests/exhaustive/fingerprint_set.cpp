#include "exhaustive/fingerprint_set.hpp"

#include <cstring>
#include <utility>

namespace raft::exhaustive {
namespace {

constexpr std::size_t slots_at_start = 64;

}  // namespace

Fingerprint fingerprint_of(BytesView bytes) {
  Fingerprinter fingerprinter;
  fingerprinter.add(bytes.size());
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = bytes.size() < sizeof word ? bytes.size() : sizeof word;
    std::memcpy(&word, bytes.data(), size);
    fingerprinter.add(word);
    bytes.remove_prefix(size);
  }
  return fingerprinter.finish();
}

bool FingerprintSet::insert(std::uint64_t fingerprint) {
  if (fingerprint == 0) fingerprint = 1;  // 0 marks an empty slot.
  const bool fresh = shards_[fingerprint >> 56].insert(fingerprint);
  size_ += fresh ? 1 : 0;
  return fresh;
}

bool FingerprintSet::Shard::insert(std::uint64_t fingerprint) {
  if (used * 8 >= slots.size() * 7) grow();
  std::size_t at = place_of(fingerprint);
  while (slots[at] != 0) {
    if (slots[at] == fingerprint) return false;
    if (++at == slots.size()) at = 0;
  }
  slots[at] = fingerprint;
  ++used;
  return true;
}

/// Spread over any number of slots below 2^32 without a division.
std::size_t FingerprintSet::Shard::place_of(std::uint64_t fingerprint) const {
  return (fingerprint & 0xffffffffu) * slots.size() >> 32;
}

void FingerprintSet::Shard::grow() {
  const std::size_t size = slots.empty() ? slots_at_start : slots.size() * 4 / 3;
  const std::vector<std::uint64_t> old = std::exchange(slots, std::vector<std::uint64_t>(size));
  used = 0;
  for (const std::uint64_t fingerprint : old) {
    if (fingerprint != 0) insert(fingerprint);
  }
}

}  // namespace raft::exhaustive
