// The states that have been seen, at about 10 bytes each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exhaustive/fingerprint.hpp"

namespace raft::exhaustive {

/// Open addressing in shards that grow one by one, so that growing never needs twice the memory.
class FingerprintSet {
 public:
  /// False if it was there already.
  bool insert(std::uint64_t fingerprint);
  std::size_t size() const { return size_; }

 private:
  struct Shard {
    std::vector<std::uint64_t> slots;  ///< 0: empty.
    std::size_t used = 0;

    bool insert(std::uint64_t fingerprint);
    std::size_t place_of(std::uint64_t fingerprint) const;
    void grow();
  };

  std::array<Shard, 256> shards_;
  std::size_t size_ = 0;
};

}  // namespace raft::exhaustive
