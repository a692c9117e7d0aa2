#include "sim/disk_faults.hpp"

namespace raft::sim {
namespace {

// True when the countdown is over; then it is gone, so that it happens once.
bool is_due(std::optional<std::uint64_t>& left) {
  if (!left) return false;
  if (*left == 0) {
    left.reset();
    return true;
  }
  --*left;
  return false;
}

}  // namespace

void DiskFaults::forget() {
  reads_fail_ = false;
  changes_left_.reset();
  writes_left_.reset();
  syncs_left_.reset();
}

void DiskFaults::begin_life() { errors_ = {}; }

Error DiskFaults::met(DiskOperation operation, const std::string& what) {
  ++errors_[static_cast<std::size_t>(operation)];
  return {Errc::storage_failed, what};
}

void DiskFaults::power_on() {
  powered_ = true;
  forget();
  begin_life();
  ++life_;
}

Result<void> DiskFaults::allow(DiskOperation operation, const std::string& name) {
  const bool changes = operation != DiskOperation::read;
  if (powered_ && changes && is_due(changes_left_)) powered_ = false;
  if (!powered_) return Error{Errc::storage_failed, name + ": the power is off"};

  switch (operation) {
    case DiskOperation::read:
      if (reads_fail_) return met(operation, name + ": read error");
      return {};
    case DiskOperation::write:
      if (full_) return Error{Errc::storage_full, name + ": no space"};
      if (is_due(writes_left_)) return met(operation, name + ": write error");
      break;
    case DiskOperation::sync:
      if (is_due(syncs_left_)) return met(operation, name + ": sync error");
      break;
    case DiskOperation::rename:
    case DiskOperation::count_:
      break;
  }
  ++changes_;
  return {};
}

}  // namespace raft::sim
