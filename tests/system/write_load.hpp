// Clients that write without pause while nodes die, and remember what they were told.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
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

/// Fails the test if any node lacks an acknowledged write or has a refused one.
void require_all_there(Cluster& cluster, const Written& written);

}  // namespace system_test
