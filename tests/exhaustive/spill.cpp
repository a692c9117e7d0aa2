#include "exhaustive/spill.hpp"

#include <stdexcept>
#include <utility>

namespace raft::exhaustive {
namespace {

TemporaryFile make_file() {
  TemporaryFile file(std::tmpfile());
  if (!file) throw std::runtime_error("no temporary file");
  return file;
}

void write(std::FILE* file, const void* bytes, std::size_t size) {
  if (std::fwrite(bytes, 1, size, file) != size) throw std::runtime_error("temporary file: full");
}

void read(std::FILE* file, void* bytes, std::size_t size) {
  if (std::fread(bytes, 1, size, file) != size) throw std::runtime_error("temporary file: short");
}

}  // namespace

SpillQueue::SpillQueue() : front_(make_file()), back_(make_file()) {}

void SpillQueue::push(const std::vector<std::uint8_t>& record) {
  const auto size = static_cast<std::uint16_t>(record.size());
  write(back_.get(), &size, sizeof size);
  write(back_.get(), record.data(), record.size());
  ++in_back_;
}

void SpillQueue::pop(std::vector<std::uint8_t>& record) {
  if (in_front_ == 0) {
    front_ = std::exchange(back_, make_file());
    in_front_ = std::exchange(in_back_, 0);
    std::rewind(front_.get());
  }
  std::uint16_t size = 0;
  read(front_.get(), &size, sizeof size);
  record.resize(size);
  read(front_.get(), record.data(), size);
  --in_front_;
}

SpillSteps::SpillSteps() : file_(make_file()) {}

void SpillSteps::push(Step step) {
  write(file_.get(), &step, sizeof step);
  ++size_;
}

Step SpillSteps::at(std::size_t number) {
  Step step{};
  std::fseek(file_.get(), static_cast<long>(number * sizeof step), SEEK_SET);
  read(file_.get(), &step, sizeof step);
  std::fseek(file_.get(), 0, SEEK_END);
  return step;
}

}  // namespace raft::exhaustive
