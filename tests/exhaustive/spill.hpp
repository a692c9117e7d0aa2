// What is too much for memory and touched only in order: temporary files without a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

namespace raft::exhaustive {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using TemporaryFile = std::unique_ptr<std::FILE, CloseFile>;

/// First in, first out. One file is read while the other is written; then they change places.
class SpillQueue {
 public:
  SpillQueue();

  void push(const std::vector<std::uint8_t>& record);  ///< Below 64 KiB.
  /// Never when it is empty.
  void pop(std::vector<std::uint8_t>& record);

 private:
  TemporaryFile front_;
  TemporaryFile back_;
  std::size_t in_front_ = 0;
  std::size_t in_back_ = 0;
};

/// How a state was reached first: from which one, by which of its actions.
struct Step {
  std::uint32_t from;
  std::uint16_t action;
};

/// One step for each state, by its number.
class SpillSteps {
 public:
  SpillSteps();

  void push(Step step);
  std::size_t size() const { return size_; }
  Step at(std::size_t number);

 private:
  TemporaryFile file_;
  std::size_t size_ = 0;
};

}  // namespace raft::exhaustive
