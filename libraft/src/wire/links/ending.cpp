#include "wire/links/ending.hpp"

#include <utility>

namespace raft::wire {
namespace {

std::string describe(const Closed& verdict) {
  switch (verdict.cause) {
    case Closed::Cause::refused_by_peer:
    case Closed::Cause::refused_by_us: {
      const bool by_us = verdict.cause == Closed::Cause::refused_by_us;
      const std::string who = by_us ? "we refused it" : "it refused us";
      if (!verdict.refused) return who + ": " + verdict.detail;
      return who + ": " + to_string(verdict.refused->reason) + ", " + verdict.refused->detail;
    }
    case Closed::Cause::bad_frame:
      return "bad frame: " + verdict.detail;
    case Closed::Cause::wrong_sender:
      return "wrong sender: " + verdict.detail;
    case Closed::Cause::overflow:
      return "more is to be sent than it takes: " + verdict.detail;
  }
  return verdict.detail;
}

}  // namespace

Ending Ending::by(Closed verdict) {
  std::string text = describe(verdict);
  return {std::move(verdict), std::move(text)};
}

std::string Ending::kind() const {
  if (!verdict) return text;
  const char* reason = verdict->refused ? to_string(verdict->refused->reason) : "";
  return std::to_string(static_cast<unsigned>(verdict->cause)) + reason;
}

bool Ending::is_refusal() const {
  return verdict && (verdict->cause == Closed::Cause::refused_by_peer ||
                     verdict->cause == Closed::Cause::refused_by_us);
}

const Refused* Ending::refused_by_peer() const {
  const bool is_refusal = verdict && verdict->cause == Closed::Cause::refused_by_peer;
  return is_refusal && verdict->refused ? &*verdict->refused : nullptr;
}

}  // namespace raft::wire
