#include "sim/network/stream.hpp"

#include <algorithm>
#include <utility>

#include "sim/network/fate.hpp"

namespace raft::sim {

Stream::Stream(NetworkContext& context, std::uint64_t number, const Terminal& dialler,
               const Terminal& listener)
    : context_(context), number_(number), ends_{End(dialler), End(listener)} {}

// --- Sending ---

void Stream::open(Side side, Owner& owner) {
  End& here = end(side);
  if (!here.is_open) {  // It broke before anybody was here to be told.
    loop(side).after(Duration{0}, [self = shared_from_this(), side] {
      if (Owner* late = std::exchange(self->end(side).owner, nullptr)) late->broken();
    });
  }
  here.owner = &owner;
  wake_for_next(side);
}

void Stream::send(Side side, Bytes frames) {
  End& from = end(side);
  if (!from.is_open || frames.empty()) return;
  if (is_broken_ || !end(other(side)).is_open) {
    if (std::exchange(from.learns_by_sending, false)) {
      tell_after(side, 2 * draw_latency(context_.random, context_.weather));
    }
    return;
  }
  // What leaves in one write is mostly one frame, which is then not copied.
  std::size_t size = first_frame_bytes(frames);
  if (size == frames.size()) return ship(other(side), std::move(frames));
  for (std::size_t at = 0; at < frames.size(); at += size) {
    size = first_frame_bytes(BytesView(frames).substr(at));
    ship(other(side), frames.substr(at, size));
  }
}

// One draw of the network per packet, whatever the weather: another fault, or another rate of it,
// leaves the fates of all other packets as they are.
void Stream::ship(Side to, Bytes frame) {
  core::Random dice(context_.random.next());
  const NetworkWeather& weather = context_.weather;
  const Fate fate = draw_fate(weather, frame, dice);
  if (fate.is_dropped) return drop(to, frame);

  Path& path = end(other(to)).path_out;
  Pipe& pipe = end(to).arriving;
  Packet packet;
  packet.is_message = type_of(frame) == wire::FrameType::message;
  packet.due = departure(to, frame.size(), packet.marks) + fate.latency;
  if (packet.is_message && weather.late_replay > 0) path.old_frames.saw(frame, dice);
  if (fate.is_delayed) packet.marks.add(Fault::delay);
  const Duration due = packet.due;

  if (fate.is_doubled) {
    Packet twin;
    twin.bytes = frame;
    twin.is_message = true;
    twin.due = due + fate.latency * static_cast<Duration::rep>(dice.between(0, 16));
    twin.marks.add(Fault::duplicate);
    pipe.push_aside(std::move(twin));
  }
  if (fate.flipped_bit) {
    char& byte = frame[*fate.flipped_bit / 8];
    byte = static_cast<char>(byte ^ (1 << (*fate.flipped_bit % 8)));
    packet.marks.add(Fault::bit_flip);
  }
  if (fate.breaks_at) {
    frame.resize(*fate.breaks_at);
    packet.then = Packet::Then::broken;
  }
  packet.bytes = std::move(frame);

  if (!fate.is_reordered || packet.then != Packet::Then::more) {
    pipe.push(std::move(packet));
  } else if (pipe.can_be_overtaken()) {
    pipe.push_before_last(std::move(packet));
  } else {
    packet.due += fate.latency * static_cast<Duration::rep>(dice.between(1, 16));
    packet.waits_for_overtaking = true;
    pipe.push_aside(std::move(packet));
  }
  if (fate.brings_old) bring_old(to, due, dice);
  wake_for_next(to);
}

void Stream::drop(Side to, BytesView frame) {
  context_.effects.hit(Fault::drop);
  context_.trace.event(
      node(to), "drop", {node(other(to)).value, number_, frame.size(), checksum_of(frame)},
      [&] { return "from " + to_string(node(other(to))) + ": " + describe_frame(frame); });
}

void Stream::bring_old(Side to, Duration due, core::Random& dice) {
  const OldFrames& old_frames = path_to(to).old_frames;
  if (old_frames.empty()) return;
  Packet packet;
  packet.bytes = old_frames.pick(dice);
  packet.is_message = true;
  packet.due = due + draw_latency(dice, context_.weather);
  packet.marks.add(Fault::late_replay);
  end(to).arriving.push_aside(std::move(packet));
}

Duration Stream::departure(Side to, std::size_t bytes, Marks& marks) {
  const NetworkWeather& weather = context_.weather;
  const Duration leaves = end(to).arriving.occupy(context_.now(), bytes, weather.bytes_per_second);
  Path& path = end(other(to)).path_out;
  if (path.bytes_per_second == 0) return leaves;
  path.busy_until = std::max(leaves, path.busy_until) + time_to_send(bytes, path.bytes_per_second);
  if (path.busy_until - leaves > weather.latency_max) marks.add(Fault::slow_link);
  return path.busy_until;
}

// --- Arriving ---

void Stream::wake_for_next(Side to) {
  End& here = end(to);
  const std::optional<Duration> due = here.arriving.next_due();
  if (!due || here.owner == nullptr || is_silent_) return;
  if (here.wakes_at && *here.wakes_at <= *due) return;
  here.wakes_at = due;
  loop(to).after(*due - context_.now(), [self = shared_from_this(), to] { self->deliver(to); });
}

// The process may have been paused: then all that came meanwhile is here at once.
void Stream::deliver(Side to) {
  End& here = end(to);
  here.wakes_at.reset();
  if (is_silent_) return;
  if (is_blocked(to)) {
    hold_arrivals(to);
    return wake_for_next(to);
  }
  while (here.owner != nullptr) {
    const std::optional<Duration> due = here.arriving.next_due();
    if (!due || *due > context_.now()) break;
    arrive(to, here.arriving.pop());
  }
  wake_for_next(to);
}

void Stream::hold_arrivals(Side to) {
  const Fault fault = block_between(path_to(to), path_to(other(to)));
  const std::size_t held = end(to).arriving.hold(context_.now());
  for (std::size_t i = 0; i < held; ++i) context_.effects.hit(fault);
  if (held > 0) {
    context_.trace.event(node(to), "hold", {node(other(to)).value, number_, held});
  }
}

void Stream::arrive(Side to, Packet packet) {
  for (const Fault fault : {Fault::delay, Fault::duplicate, Fault::late_replay, Fault::reorder,
                            Fault::bit_flip, Fault::slow_link}) {
    if (packet.marks.empty()) break;
    if (packet.marks.has(fault)) context_.effects.hit(fault);
  }
  if (!packet.bytes.empty()) {
    context_.trace.event(
        node(to), "arrive",
        {node(other(to)).value, number_, packet.bytes.size(), checksum_of(packet.bytes)},
        [&] { return "from " + to_string(node(other(to))) + ": " + describe_frame(packet.bytes); });
    end(to).owner->arrived(packet.bytes);
  }
  if (packet.then == Packet::Then::more) return;
  if (packet.then == Packet::Then::broken && !std::exchange(is_broken_, true)) {
    context_.effects.hit(Fault::reset);
    lose(other(to));
  }
  tell_broken(to);
}

// --- Ending ---

void Stream::close(Side side) {
  End& here = end(side);
  here.owner = nullptr;
  if (!std::exchange(here.is_open, false)) return;
  here.arriving.clear();
  End& there = end(other(side));
  if (!there.is_open || is_broken_) return;
  Packet last;
  last.due = context_.now() + draw_latency(context_.random, context_.weather);
  last.then = Packet::Then::closed;
  there.will_be_told = true;
  there.arriving.push(std::move(last));
  wake_for_next(other(side));
}

void Stream::died(Side side) {
  const bool is_news = end(side).is_open && end(other(side)).is_open && !is_broken_;
  if (!is_news || !happens(context_.random, context_.weather.half_open)) return close(side);
  // The machine died with its process: nothing says so, and what it had sent may still arrive.
  is_broken_ = true;
  end(side).is_open = false;
  end(side).owner = nullptr;
  end(side).arriving.clear();
  leave_untold(other(side));
}

void Stream::reset() {
  if (is_over() || std::exchange(is_broken_, true)) return;
  context_.effects.hit(Fault::reset);
  const std::optional<Side> untold = draw_untold();
  for (const Side side : {Side::dialler, Side::listener}) {
    Pipe& pipe = end(side).arriving;
    const bool breaks_a_frame = is_heads(context_.random);
    if (breaks_a_frame && side != untold && pipe.next_due() && !pipe.holds_any() &&
        pipe.first_bytes() > 0 && !is_obstructed()) {
      end(side).will_be_told = true;
      pipe.break_at(static_cast<std::size_t>(context_.random.between(0, pipe.first_bytes())));
    } else if (side != untold) {
      lose(side);
    } else {
      leave_untold(side);
    }
  }
}

std::optional<Stream::Side> Stream::draw_untold() {
  if (!happens(context_.random, context_.weather.half_open)) return std::nullopt;
  return is_heads(context_.random) ? Side::dialler : Side::listener;
}

// This end will soon be told. What was under way to it does not arrive.
void Stream::lose(Side side) {
  end(side).arriving.clear();
  tell_after(side, draw_latency(context_.random, context_.weather));
}

void Stream::leave_untold(Side side) {
  End& here = end(side);
  if (!here.is_open) return;
  context_.effects.hit(Fault::half_open);
  context_.trace.event(node(side), "half_open", {node(other(side)).value, number_});
  here.learns_by_sending = is_heads(context_.random);
  const Duration silence_max = context_.weather.silence_max;
  const bool early = is_heads(context_.random);
  const Duration late = draw_between(context_.random, Duration{0}, silence_max);
  tell_after(side, early ? late : silence_max);
}

void Stream::tell_after(Side side, Duration delay) {
  if (!end(side).is_open) return;
  end(side).will_be_told = true;
  loop(side).after(delay, [self = shared_from_this(), side] { self->tell_broken(side); });
}

void Stream::tell_broken(Side side) {
  End& here = end(side);
  if (!here.is_open) return;
  here.is_open = false;
  here.arriving.clear();
  context_.trace.event(node(side), "broken", {node(other(side)).value, number_});
  // The other system asks some day whether this one is still there.
  End& there = end(other(side));
  if (there.is_open && !there.will_be_told) {
    there.learns_by_sending = true;
    tell_after(other(side), context_.weather.silence_max);
  }
  if (Owner* owner = std::exchange(here.owner, nullptr)) owner->broken();
}

void Stream::abandon() {
  for (End& each : ends_) {
    each.is_open = false;
    each.owner = nullptr;
  }
}

// --- Obstructions ---

bool Stream::is_obstructed() const {
  return is_silent_ || is_blocked(Side::dialler) || is_blocked(Side::listener);
}

void Stream::fall_silent() {
  if (is_over() || std::exchange(is_silent_, true)) return;
  context_.effects.hit(Fault::half_open);
  watch_silence();
}

void Stream::paths_changed() {
  for (const Side side : {Side::dialler, Side::listener}) {
    Pipe& pipe = end(side).arriving;
    if (is_blocked(side) || !pipe.holds_any()) continue;
    const bool are_lost = is_heads(context_.random);
    const Duration due = context_.now() + draw_latency(context_.random, context_.weather);
    if (are_lost) {
      const std::size_t lost = pipe.lose_held(due);
      context_.trace.event(node(side), "lose", {node(other(side)).value, number_, lost});
    } else {
      pipe.release(due);
    }
    wake_for_next(side);
  }
  watch_silence();
}

// Each system asks the other from time to time whether it is still there, and needs its answer: a
// connection that is blocked in one direction only does not live longer.
void Stream::watch_silence() {
  if (is_obstructed() == was_obstructed_) return;
  was_obstructed_ = is_obstructed();
  const std::uint64_t obstruction = ++obstruction_;
  if (!was_obstructed_) return;
  for (const Side side : {Side::dialler, Side::listener}) {
    if (!end(side).is_open) continue;
    loop(side).after(context_.weather.silence_max, [self = shared_from_this(), side, obstruction] {
      if (self->obstruction_ == obstruction) self->tell_broken(side);
    });
  }
}

bool Stream::connects(NodeId a, NodeId b) const {
  const NodeId dialler = node(Side::dialler);
  const NodeId listener = node(Side::listener);
  return (dialler == a && listener == b) || (dialler == b && listener == a);
}

// --- Sockets ---

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    stream_ = std::move(other.stream_);
    side_ = other.side_;
  }
  return *this;
}

void Socket::close() {
  if (const auto stream = std::exchange(stream_, nullptr)) stream->close(side_);
}

}  // namespace raft::sim
