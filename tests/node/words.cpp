#include "node/words.hpp"

#include <utility>

namespace test {
namespace {

class Reader final : public raft::SnapshotReader {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}

  raft::Result<raft::Bytes> read(std::size_t max) override {
    raft::Bytes part = bytes_.substr(at_, max);
    at_ += part.size();
    return part;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

}  // namespace

raft::Bytes Words::apply(const raft::AppliedEntry& entry) {
  words_.emplace_back(entry.command);
  return std::to_string(words_.size());
}

std::unique_ptr<raft::SnapshotReader> Words::capture() {
  std::string all;
  for (const std::string& word : words_) all += word + '\n';
  return std::make_unique<Reader>(std::move(all));
}

raft::Result<void> Words::restore(raft::SnapshotReader& snapshot) {
  std::string all;
  while (true) {
    const raft::Result<raft::Bytes> part = snapshot.read(1000);
    if (!part) return part.error();
    if (part->empty()) break;
    all += *part;
  }
  words_.clear();
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find('\n', at);
    words_.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  return {};
}

}  // namespace test
