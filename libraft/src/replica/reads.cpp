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

void Reads::wait_for_function(Read read) {
  const std::uint64_t ticket = read.ticket;
  serving_.emplace(ticket, std::move(read));
  ++size_;
}

std::optional<Read> Reads::take_served(std::uint64_t ticket) {
  auto found = serving_.extract(ticket);
  if (found.empty()) return std::nullopt;
  --size_;
  return std::move(found.mapped());
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
  const auto take_from = [&](auto& waiting) {
    for (auto at = waiting.begin(); at != waiting.end();) {
      if (!matches(at->second)) {
        ++at;
        continue;
      }
      taken.push_back(std::move(at->second));
      at = waiting.erase(at);
    }
  };
  take_from(applying_);
  take_from(serving_);
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
