#include "wire/allocations.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

std::size_t largest = 0;

}  // namespace

// All forms that are used without alignment are replaced: a sanitizer's own would not fit ours.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  largest = std::max(largest, size);
  return std::malloc(size == 0 ? 1 : size);
}

void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }

void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace raft::wire {

LargestAllocation::LargestAllocation() { largest = 0; }

std::size_t LargestAllocation::bytes() const { return largest; }

}  // namespace raft::wire
