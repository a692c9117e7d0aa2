#include "exhaustive/model_cache.hpp"

#include <utility>

namespace raft::exhaustive {

std::shared_ptr<const NodeModel> ModelCache::find(std::uint64_t key) {
  if (const auto young = younger_.find(key); young != younger_.end()) return young->second;
  const auto old = older_.find(key);
  if (old == older_.end()) return nullptr;
  const std::shared_ptr<const NodeModel> model = old->second;
  insert(key, model);
  return model;
}

void ModelCache::insert(std::uint64_t key, std::shared_ptr<const NodeModel> model) {
  if (younger_.size() >= generation_max) older_ = std::exchange(younger_, {});
  younger_[key] = std::move(model);
}

}  // namespace raft::exhaustive
