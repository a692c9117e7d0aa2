// What happened, one line per event, and a hash over all of it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <libraft/types.hpp>
#include "sim/events.hpp"
#include "util/unique_function.hpp"

namespace raft::sim {

/// Two runs that differ anywhere have different hashes: numbers and instants go into the hash
/// whether or not anyone prints, and the text is only made for a reader.
class Trace {
 public:
  /// Receives whole lines, without the newline. Empty: nothing is printed.
  using Sink = util::UniqueFunction<void(NodeId node, const std::string& text)>;

  explicit Trace(Sink sink = {}) : sink_(std::move(sink)) {}

  /// From now on an event's instant is part of it. The clock must outlive what is told afterwards.
  void tell_time_by(const Events& clock) { clock_ = &clock; }

  /// `name` says what kind of event this is; `describe()` makes the rest of the line.
  template <class Describe>
  void event(NodeId node, std::string_view name, std::initializer_list<std::uint64_t> numbers,
             Describe describe) {
    if (clock_ != nullptr) mix(static_cast<std::uint64_t>(clock_->now().count()));
    mix(node.value);
    for (const char c : name) mix(static_cast<unsigned char>(c));
    for (const std::uint64_t number : numbers) mix(number);
    if (sink_) sink_(node, std::string(name) + " " + describe());
  }
  void event(NodeId node, std::string_view name, std::initializer_list<std::uint64_t> numbers = {});
  /// For the reader alone.
  void remark(NodeId node, std::string_view text) {
    if (sink_) sink_(node, std::string(text));
  }

  bool prints() const { return static_cast<bool>(sink_); }
  std::uint64_t hash() const { return hash_; }

 private:
  /// A step of FNV-1a on whole numbers.
  void mix(std::uint64_t number) {
    hash_ = (hash_ ^ number) * 0x100000001b3u;
    hash_ ^= hash_ >> 29;
  }

  Sink sink_;
  const Events* clock_ = nullptr;
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace raft::sim
