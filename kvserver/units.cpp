#include "kvserver/units.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace kv {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Ascending, so that formatting can walk from the largest down.
constexpr std::array<Unit, 4> duration_units{
    {{"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}}};
constexpr std::array<Unit, 4> size_units{
    {{"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}}};

// The number and what follows it.
struct Quantity {
  std::uint64_t count;
  std::string_view unit;
};

std::optional<Quantity> split(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  const auto count = parse_number(text.substr(0, digits));
  if (!count) return std::nullopt;
  return Quantity{*count, digits == text.npos ? std::string_view{} : text.substr(digits)};
}

template <std::size_t N>
std::optional<std::uint64_t> scale(const Quantity& quantity, const std::array<Unit, N>& units,
                                   std::uint64_t limit) {
  for (const Unit& unit : units) {
    if (unit.name != quantity.unit) continue;
    if (quantity.count > limit / unit.factor) return std::nullopt;
    return quantity.count * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string format(std::uint64_t value, const std::array<Unit, N>& units) {
  for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
    if (value >= unit->factor && value % unit->factor == 0) {
      return std::to_string(value / unit->factor) + std::string(unit->name);
    }
  }
  return std::to_string(value / units.front().factor) + std::string(units.front().name);
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<raft::Duration> parse_duration(std::string_view text) {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto nanoseconds = scale(*quantity, duration_units, limit);
  if (!nanoseconds) return std::nullopt;
  return raft::Duration(static_cast<std::int64_t>(*nanoseconds));
}

std::string format_duration(raft::Duration duration) {
  return format(static_cast<std::uint64_t>(duration.count()), duration_units);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  auto quantity = split(text);
  if (!quantity) return std::nullopt;
  if (quantity->unit.empty()) quantity->unit = "B";
  return scale(*quantity, size_units, std::numeric_limits<std::uint64_t>::max());
}

std::string format_size(std::uint64_t bytes) { return format(bytes, size_units); }

}  // namespace kv
