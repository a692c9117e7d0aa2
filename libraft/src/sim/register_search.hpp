// The search for an order that explains what was done to one register.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace raft::sim {

/// Values are small numbers; 0 is in the register at the beginning.
struct RegisterOperation {
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  std::uint32_t sees = none;    ///< Takes effect on this value only.
  std::uint32_t writes = none;  ///< Leaves this value.
  /// Must be in the order. Otherwise it may be left out, and must write.
  bool is_required = true;
  std::uint64_t called = 0;
  std::uint64_t returned = 0;
};

enum class OrderFound : std::uint8_t { yes, no, unknown };

/// Whether the operations, given in the order of their calls, can take effect one after the other,
/// each between its call and its return. Unknown after so many steps.
OrderFound find_order(const std::vector<RegisterOperation>& operations, std::size_t steps_max);

}  // namespace raft::sim
