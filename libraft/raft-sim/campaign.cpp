#include "campaign.hpp"

#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "record.hpp"

namespace raft_sim {
namespace {

using raft::sim::Summary;
using Clock = std::chrono::steady_clock;

/// What is lost when a campaign is interrupted, at most.
constexpr std::uint64_t seeds_per_batch = 100;
constexpr std::size_t violations_max = 10;

Summary run_batch(std::uint64_t first, std::uint64_t last, const Plan& plan,
                  const raft::sim::Subject& subject) {
  std::atomic<std::uint64_t> next = first;
  std::mutex mutex;
  Summary total;
  std::map<std::uint64_t, std::uint64_t> hashes;
  const auto work = [&] {
    for (std::uint64_t seed = next++; seed <= last; seed = next++) {
      const Summary summary = raft::sim::run(seed, plan.options, subject);
      const std::lock_guard lock(mutex);
      total.add(summary);
      hashes[seed] = summary.trace_hash;
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t job = 1; job < plan.jobs; ++job) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (plan.prints_hashes) {
    for (const auto& [seed, hash] : hashes) std::cout << seed << ' ' << hash << '\n';
  }
  return total;
}

void show_progress(const Summary& summary, std::uint64_t done, Clock::time_point begun) {
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::uint64_t faults = 0;
  for (const auto& [fault, hits] : summary.hits) faults += hits;
  std::cerr << '\r' << summary.seeds << " seeds, "
            << static_cast<std::uint64_t>(static_cast<double>(done) / seconds) << "/s, "
            << std::chrono::duration_cast<std::chrono::minutes>(summary.simulated).count()
            << " simulated minutes, " << faults << " faults, " << summary.violations.size()
            << " violations " << std::flush;
}

}  // namespace

Summary run(const Plan& plan, const raft::sim::Subject& subject) {
  Record record;
  record.next = plan.first;
  if (!plan.resume_file.empty()) {
    const Record kept = load(plan.resume_file);
    if (kept.summary.seeds > 0) record = kept;
  }
  const Clock::time_point begun = Clock::now();
  std::uint64_t done = 0;
  while (record.next <= plan.last && record.summary.violations.size() < violations_max) {
    const std::uint64_t last = std::min(plan.last, record.next + seeds_per_batch - 1);
    const Summary batch = run_batch(record.next, last, plan, subject);
    record.summary.add(batch);
    if (!plan.label.empty()) record.labels[plan.label] += batch.seeds;
    record.next = last + 1;
    done += batch.seeds;
    if (!plan.resume_file.empty()) save(plan.resume_file, record);
    show_progress(record.summary, done, begun);
  }
  std::cerr << '\n';
  for (const auto& [label, seeds] : record.labels) {
    std::cout << "  " << seeds << " seeds on " << label << '\n';
  }
  return record.summary;
}

}  // namespace raft_sim
