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

std::unique_ptr<raft::SnapshotReader> read_words(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += word + '\n';
  return std::make_unique<Reader>(std::move(all));
}

raft::Result<std::vector<std::string>> words_of(raft::SnapshotReader& snapshot) {
  std::string all;
  while (true) {
    const raft::Result<raft::Bytes> part = snapshot.read(1000);
    if (!part) return part.error();
    if (part->empty()) break;
    all += *part;
  }
  std::vector<std::string> words;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find('\n', at);
    words.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

raft::Bytes Words::apply(const raft::AppliedEntry& entry) {
  words_.emplace_back(entry.command);
  return std::to_string(words_.size());
}

std::unique_ptr<raft::SnapshotReader> Words::capture() { return read_words(words_); }

raft::Result<void> Words::restore(raft::SnapshotReader& snapshot) {
  auto words = words_of(snapshot);
  if (!words) return words.error();
  words_ = *std::move(words);
  return {};
}

}  // namespace test
