// One line per message: "2>1 t5 append request prev 4/10 entries 11-13 terms 4-5 commit 9 session
// 2". What is absent or zero is left out, so that the usual line stays short.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "protocol/message.hpp"

namespace raft {
namespace {

class Line {
 public:
  explicit Line(std::string start) : text_(std::move(start)) {}

  Line& say(std::string_view word) {
    text_.append(" ").append(word);
    return *this;
  }
  Line& say(std::string_view label, std::string_view value) { return say(label).say(value); }
  Line& say_if(bool fact, std::string_view word) { return fact ? say(word) : *this; }
  Line& say_unless_zero(std::string_view label, std::uint64_t value) {
    return value == 0 ? *this : say(label, std::to_string(value));
  }
  Line& say_granted(bool granted) { return say(granted ? "granted" : "refused"); }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add(Line& line, const LeaderMark& mark) {
  const auto lease_ms = std::chrono::duration_cast<std::chrono::milliseconds>(mark.lease_asked);
  line.say("commit", to_string(mark.commit))
      .say("session", std::to_string(mark.session.value))
      .say_unless_zero("round", mark.round.value)
      .say_unless_zero("lease-ms", static_cast<std::uint64_t>(lease_ms.count()));
}

void add(Line& line, const PeerMark& mark) {
  line.say("commit", to_string(mark.commit))
      .say("session", std::to_string(mark.session.value))
      .say_unless_zero("round", mark.round.value);
}

void add(Line& line, const PreVoteRequest& body) {
  line.say("campaign", to_string(body.campaign)).say("last", to_string(body.last));
}

void add(Line& line, const PreVoteReply& body) {
  line.say("campaign", to_string(body.campaign)).say_granted(body.granted);
}

void add(Line& line, const VoteRequest& body) {
  line.say("last", to_string(body.last)).say_if(body.forced, "forced");
}

void add(Line& line, const VoteReply& body) { line.say_granted(body.granted); }

void add(Line& line, const AppendRequest& body) {
  line.say("prev", to_string(body.prev));
  if (!body.entries.empty()) {
    const Entry& first = *body.entries.front();
    const Entry& last = *body.entries.back();
    line.say("entries", to_string(first.index) + "-" + to_string(last.index));
    // Terms never fall within one append, so the two ends tell whether they differ.
    line.say("terms", first.term == last.term ? to_string(first.term)
                                              : to_string(first.term) + "-" + to_string(last.term));
  }
  add(line, body.mark);
}

void add(Line& line, const AppendAccepted& body) {
  line.say("match", to_string(body.match));
  add(line, body.mark);
}

void add(Line& line, const AppendRejected& body) {
  line.say("rejected", to_string(body.rejected)).say("hint", to_string(body.hint));
  add(line, body.mark);
}

void add(Line& line, const Heartbeat& body) { add(line, body.mark); }

void add(Line& line, const HeartbeatReply& body) { add(line, body.mark); }

void add(Line& line, const SnapshotOffer& body) {
  const SnapshotMeta& meta = body.snapshot.meta;
  line.say("last", to_string(meta.last)).say("bytes", std::to_string(body.snapshot.bytes));
  if (meta.membership.membership != nullptr) {
    line.say("membership", "{" + to_string(*meta.membership.membership) + "}");
  }
  add(line, body.mark);
}

void add(Line& line, const SnapshotDeclined& body) {
  line.say("last", to_string(body.last));
  add(line, body.mark);
}

void add(Line& line, const ReadRequest& body) {
  line.say("boot", std::to_string(body.boot.value))
      .say("sequence", std::to_string(body.sequence))
      .say_if(body.lease, "lease");
}

void add(Line& line, const ReadReply& body) {
  line.say("boot", std::to_string(body.boot.value))
      .say("sequence", std::to_string(body.sequence))
      .say_granted(body.granted)
      .say_unless_zero("index", body.index.value);
}

void add(Line&, const TimeoutNow&) {}

void add(Line& line, const Removed& body) { line.say("membership", to_string(body.membership)); }

}  // namespace

std::string describe(const Message& message) {
  Line line(to_string(message.from) + ">" + to_string(message.to) + " t" + to_string(message.term));
  line.say(name_of(message.body));
  std::visit([&line](const auto& body) { add(line, body); }, message.body);
  return line.take();
}

}  // namespace raft
