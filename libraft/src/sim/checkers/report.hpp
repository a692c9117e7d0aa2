// The verdict of the checkers: the first violation, which is the one to understand.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <libraft/types.hpp>

namespace raft::sim {

struct Violation {
  std::string invariant;  ///< Its id in docs/testing.md: "C2".
  std::string what;       ///< One line for a person.
  Duration at{0};         ///< In true time.
};

class Report {
 public:
  void violated(std::string_view invariant, std::string what) {
    if (!first_) first_ = Violation{std::string(invariant), std::move(what), now_};
  }
  void at(Duration now) { now_ = now; }
  const std::optional<Violation>& first() const { return first_; }

 private:
  std::optional<Violation> first_;
  Duration now_{0};
};

}  // namespace raft::sim
