#include "storage/kv_engine.hpp"

#include <iterator>

namespace raft::storage {
namespace {

struct BytesOf {
  std::size_t operator()(const KvBatch::Put& put) const {
    return put.key.size() + put.value.size();
  }
  std::size_t operator()(const KvBatch::Erase& erase) const { return erase.key.size(); }
  std::size_t operator()(const KvBatch::EraseRange& range) const {
    return range.first.size() + range.last.size();
  }
};

}  // namespace

void KvBatch::append(KvBatch other) {
  if (operations_.empty()) {
    operations_ = std::move(other.operations_);
    return;
  }
  operations_.insert(operations_.end(), std::make_move_iterator(other.operations_.begin()),
                     std::make_move_iterator(other.operations_.end()));
}

std::size_t KvBatch::bytes() const {
  std::size_t bytes = 0;
  for (const Operation& operation : operations_) bytes += std::visit(BytesOf{}, operation);
  return bytes;
}

}  // namespace raft::storage
