// A snapshot that is all in memory.
#pragma once

#include <utility>

#include <libraft/state_machine.hpp>

namespace raft::sim {

class FrozenBytes final : public SnapshotReader {
 public:
  explicit FrozenBytes(Bytes bytes) : bytes_(std::move(bytes)) {}

  Result<Bytes> read(std::size_t max) override {
    Bytes slice = bytes_.substr(offset_, max);
    offset_ += slice.size();
    return slice;
  }

 private:
  const Bytes bytes_;
  std::size_t offset_ = 0;
};

inline Result<Bytes> read_all(SnapshotReader& reader) {
  Bytes all;
  while (true) {
    Result<Bytes> slice = reader.read(std::size_t{1} << 20);
    if (!slice) return slice.error();
    if (slice->empty()) return all;
    all += *slice;
  }
}

}  // namespace raft::sim
