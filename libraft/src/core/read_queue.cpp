#include "core/read_queue.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "util/assert.hpp"

namespace raft::core {
namespace {

bool is_newer(const ReadRequest& request, const ReadRequest& other) {
  return std::tie(request.boot, request.sequence) > std::tie(other.boot, other.sequence);
}

}  // namespace

std::uint64_t ReadQueue::join(std::uint64_t fresh) {
  if (!waiting_.ticket) waiting_.ticket = fresh;
  return *waiting_.ticket;
}

// A follower asks for one batch at a time: a new request replaces one whose answer was lost. A late
// copy of an old one does not; its answer would be ignored, and the newer one never given.
void ReadQueue::join(RemoteRead read) {
  const auto same = std::find_if(waiting_.remote.begin(), waiting_.remote.end(),
                                 [&](const RemoteRead& other) { return other.from == read.from; });
  if (same == waiting_.remote.end()) {
    waiting_.remote.push_back(read);
  } else if (is_newer(read.request, same->request)) {
    same->request = read.request;
  }
}

void ReadQueue::begin(Index commit, Instant now) {
  RAFT_ASSERT(!under_way_);
  ++newest_.value;
  under_way_ = Round{newest_, commit, now, std::exchange(waiting_, {})};
}

ReadQueue::Round ReadQueue::confirm() {
  RAFT_ASSERT(under_way_.has_value());
  Round round = *std::exchange(under_way_, std::nullopt);
  return round;
}

std::vector<ReadBatch> ReadQueue::abandon() {
  std::vector<ReadBatch> batches;
  if (under_way_) batches.push_back(std::exchange(under_way_, std::nullopt)->reads);
  if (!waiting_.empty()) batches.push_back(std::exchange(waiting_, {}));
  return batches;
}

std::size_t ReadQueue::remote_count() const {
  return waiting_.remote.size() + (under_way_ ? under_way_->reads.remote.size() : 0);
}

}  // namespace raft::core
