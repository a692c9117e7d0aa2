#include "campaign.hpp"

#include <poll.h>

#include <chrono>
#include <iostream>
#include <list>
#include <map>
#include <stdexcept>
#include <utility>

#include "attempt.hpp"

namespace raft_sim {
namespace {

using raft::sim::Summary;
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr std::size_t violations_max = 10;
/// Of the progress and of the file.
constexpr seconds report_interval{1};

class Campaign {
 public:
  explicit Campaign(const Plan& plan) : plan_(plan) {
    outcome_.record.next = plan.first;
    if (!plan.resume_file.empty()) go_on_with(load(plan.resume_file));
    outcome_.record.configuration = describe(plan.options);
    next_to_start_ = outcome_.record.next;
  }

  Outcome run() {
    for (;;) {
      start_some();
      if (running_.empty()) break;
      wait_for_some();
      take_in_what_is_next();
      if (Clock::now() - last_report_ >= report_interval) report();
    }
    report();
    if (!plan_.prints_hashes) std::cerr << '\n';
    return std::move(outcome_);
  }

 private:
  void go_on_with(Record kept) {
    if (kept.parts.empty()) return;
    // Files of earlier versions do not say.
    const bool is_same =
        kept.configuration.empty() || kept.configuration == describe(plan_.options);
    if (!is_same) {
      throw std::runtime_error(plan_.resume_file + " is of a campaign with " + kept.configuration);
    }
    outcome_.record = std::move(kept);
  }

  void start_some() {
    while (running_.size() < plan_.jobs && next_to_start_ <= plan_.last &&
           outcome_.found.size() < violations_max) {
      const std::uint64_t seed = next_to_start_++;
      running_.emplace_back(raft::sim::script_of(seed, plan_.options));
    }
  }

  /// Until one of them has something to say, or it is time for a report.
  void wait_for_some() {
    std::vector<pollfd> files;
    for (const Attempt& attempt : running_) files.push_back({attempt.file(), POLLIN, 0});
    poll(files.data(), files.size(), 1000);
    std::size_t number = 0;
    for (auto attempt = running_.begin(); attempt != running_.end(); ++number) {
      const auto one = attempt++;
      if (files[number].revents == 0 || one->goes_on()) continue;
      ended_[one->seed()] = one->summary();
      running_.erase(one);
    }
  }

  /// In the order of the seeds, so that the file can say where to go on.
  void take_in_what_is_next() {
    Record& record = outcome_.record;
    for (auto ended = ended_.begin(); ended != ended_.end() && ended->first == record.next;
         ended = ended_.erase(ended), ++record.next) {
      const Summary& summary = ended->second;
      record.of(plan_.label).add(summary);
      faults_ += faults_of(summary);
      outcome_.found.insert(outcome_.found.end(), summary.violations.begin(),
                            summary.violations.end());
      ++done_;
      if (plan_.prints_hashes) std::cout << ended->first << ' ' << summary.trace_hash << '\n';
    }
  }

  static std::uint64_t faults_of(const Summary& summary) {
    std::uint64_t faults = 0;
    for (const auto& [fault, hits] : summary.hits) faults += hits;
    return faults;
  }

  void report() {
    last_report_ = Clock::now();
    if (!plan_.resume_file.empty()) save(plan_.resume_file, outcome_.record);
    if (plan_.prints_hashes) return;
    const auto millis =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun_).count();
    const std::uint64_t tenths = done_ * 10'000 / (static_cast<std::uint64_t>(millis) + 1);
    const auto simulated =
        std::chrono::duration_cast<std::chrono::minutes>(outcome_.record.of(plan_.label).simulated);
    std::cerr << '\r' << done_ << " seeds, " << tenths / 10 << '.' << tenths % 10 << "/s, "
              << simulated.count() << " simulated minutes, " << faults_ << " faults, "
              << outcome_.found.size() << " violations " << std::flush;
  }

  const Plan& plan_;
  Outcome outcome_;
  std::list<Attempt> running_;
  std::map<std::uint64_t, Summary> ended_;  ///< Before an earlier seed.
  std::uint64_t next_to_start_ = 1;

  const Clock::time_point begun_ = Clock::now();
  Clock::time_point last_report_ = begun_;
  std::uint64_t done_ = 0;
  std::uint64_t faults_ = 0;
};

}  // namespace

Outcome run(const Plan& plan) { return Campaign(plan).run(); }

}  // namespace raft_sim
