// The node models in use: each takes kilobytes, and most are never asked for again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "exhaustive/node_model.hpp"

namespace raft::exhaustive {

/// Two generations: whatever is asked for moves to the younger one; once that is full, the older
/// one is forgotten.
class ModelCache {
 public:
  /// Null if it is not here.
  std::shared_ptr<const NodeModel> find(std::uint64_t key);
  void insert(std::uint64_t key, std::shared_ptr<const NodeModel> model);

 private:
  static constexpr std::size_t generation_max = 20'000;

  using Generation = std::unordered_map<std::uint64_t, std::shared_ptr<const NodeModel>>;
  Generation younger_;
  Generation older_;
};

}  // namespace raft::exhaustive
