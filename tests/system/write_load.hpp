// Clients that write without pause while nodes die, and remember what they were told.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "system/cluster.hpp"

namespace system_test {

/// What came of all writes. Every key is written once, so every value tells who wrote it.
struct Written {
  std::map<std::string, std::string> acknowledged;  ///< Key to value.
  std::set<std::string> refused;                    ///< Keys whose write was certainly not applied.
};

/// One thread per address, each keeping to its node while that answers.
class WriteLoad {
 public:
  explicit WriteLoad(std::vector<std::string> addresses);
  ~WriteLoad();
  WriteLoad(const WriteLoad&) = delete;
  WriteLoad& operator=(const WriteLoad&) = delete;

  std::size_t acknowledged() const;
  /// Waits until so many more writes have been acknowledged.
  void wait_more(std::size_t count) const;
  Written stop();

 private:
  void write(std::size_t writer);

  std::vector<std::string> addresses_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  Written written_;
  std::vector<std::thread> writers_;
};

/// Clients that write the same few large values over and over, so that the log grows fast and the
/// state does not: many small snapshots, and a log that is cut again and again. What becomes of a
/// single write is not followed.
class Churn {
 public:
  explicit Churn(std::vector<std::string> addresses);

 private:
  void write(std::size_t writer, const std::stop_token& stop);

  static constexpr std::size_t writers_per_address = 4;

  const std::vector<std::string> addresses_;
  std::vector<std::jthread> writers_;
};

/// Fails the test if any node lacks an acknowledged write or has a refused one.
void require_all_there(Cluster& cluster, const Written& written);

}  // namespace system_test
