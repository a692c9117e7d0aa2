#include "replica/reads.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace raft::replica {

void Reads::wait_for_grant(std::uint64_t core_ticket, Read read) {
  asking_[core_ticket].push_back(std::move(read));
  ++size_;
}

std::vector<Read> Reads::take_granted(std::uint64_t core_ticket) {
  const auto found = asking_.find(core_ticket);
  if (found == asking_.end()) return {};
  std::vector<Read> reads = std::move(found->second);
  asking_.erase(found);
  size_ -= reads.size();
  return reads;
}

void Reads::wait_for_apply(Index index, Read read) {
  applying_.emplace(index, std::move(read));
  ++size_;
}

std::vector<Read> Reads::take_ready(Index applied) {
  std::vector<Read> reads;
  while (!applying_.empty() && applying_.begin()->first <= applied) {
    reads.push_back(std::move(applying_.begin()->second));
    applying_.erase(applying_.begin());
  }
  size_ -= reads.size();
  return reads;
}

template <class Predicate>
std::vector<Read> Reads::take_if(Predicate matches) {
  std::vector<Read> taken;
  for (auto batch = asking_.begin(); batch != asking_.end();) {
    std::vector<Read>& reads = batch->second;
    const auto kept = std::stable_partition(reads.begin(), reads.end(),
                                            [&](const Read& read) { return !matches(read); });
    std::move(kept, reads.end(), std::back_inserter(taken));
    reads.erase(kept, reads.end());
    batch = reads.empty() ? asking_.erase(batch) : std::next(batch);
  }
  for (auto at = applying_.begin(); at != applying_.end();) {
    if (!matches(at->second)) {
      ++at;
      continue;
    }
    taken.push_back(std::move(at->second));
    at = applying_.erase(at);
  }
  size_ -= taken.size();
  return taken;
}

std::vector<Read> Reads::take_expired(Instant now) {
  return take_if([&](const Read& read) { return read.deadline <= now; });
}

std::vector<Read> Reads::take(std::uint64_t ticket) {
  return take_if([&](const Read& read) { return read.ticket == ticket; });
}

std::vector<Read> Reads::take_all() {
  return take_if([](const Read&) { return true; });
}

}  // namespace raft::replica
