#include "sim/network.hpp"

#include "util/assert.hpp"

namespace raft::sim {

using Side = Stream::Side;

Network::Network(Events& events, Trace& trace, Effects& effects, std::uint64_t seed)
    : context_{events, trace, effects, core::Random(seed)} {}

Network::~Network() {
  for (const auto& stream : streams_) stream->abandon();
}

// --- What goes wrong ---

template <class Function>
void Network::for_each_between(NodeId a, NodeId b, Function function) {
  for (const auto& stream : streams_) {
    if (stream->connects(a, b)) function(*stream);
  }
}

void Network::set_blocked(NodeId from, NodeId to, bool is_blocked) {
  path(from, to).is_blocked = is_blocked;
  for_each_between(from, to, [](Stream& stream) { stream.paths_changed(); });
}

void Network::cut(NodeId a, NodeId b) {
  cuts_.insert(unordered(a, b));
  reset(a, b);
}

void Network::reset(NodeId a, NodeId b) {
  for_each_between(a, b, [](Stream& stream) { stream.reset(); });
}

void Network::silence(NodeId a, NodeId b) {
  for_each_between(a, b, [](Stream& stream) { stream.fall_silent(); });
}

void Network::limit(NodeId from, NodeId to, std::uint64_t bytes_per_second) {
  Path& limited = path(from, to);
  limited.bytes_per_second = bytes_per_second;
  limited.busy_until = Duration{0};
}

void Network::heal(NodeId a, NodeId b) {
  cuts_.erase(unordered(a, b));
  for (const auto& [from, to] : {NodePair{a, b}, NodePair{b, a}}) {
    limit(from, to, 0);
    path(from, to).is_blocked = false;
  }
  for_each_between(a, b, [](Stream& stream) { stream.paths_changed(); });
}

void Network::heal_all() {
  cuts_.clear();
  for (auto& [nodes, each] : paths_) {
    each.is_blocked = false;
    each.bytes_per_second = 0;
    each.busy_until = Duration{0};
  }
  for (const auto& stream : streams_) stream->paths_changed();
}

std::size_t Network::connections_between(NodeId a, NodeId b) const {
  return static_cast<std::size_t>(std::count_if(
      streams_.begin(), streams_.end(),
      [&](const auto& stream) { return !stream->is_over() && stream->connects(a, b); }));
}

// --- Processes ---

std::shared_ptr<Port> Network::attach(NodeId node, const std::string& address, Loop& loop,
                                      Acceptor& acceptor) {
  Place& place = places_[address];
  RAFT_ASSERT(!place.port, address);
  place.node = node;
  place.port = std::make_shared<Port>(Port{node, loop, acceptor});
  return place.port;
}

void Network::detach(Port& port) {
  port.is_attached = false;
  for (auto& [address, place] : places_) {
    if (place.port.get() == &port) place.port = nullptr;
  }
  for (const auto& stream : streams_) {
    for (const Side side : {Side::dialler, Side::listener}) {
      if (stream->belongs_to(side, port)) stream->died(side);
    }
  }
}

// --- Dialling ---

std::shared_ptr<Dial> Network::dial(const std::shared_ptr<Port>& from, const std::string& address,
                                    DialTimes times, Dial::Done done) {
  const auto dial = std::make_shared<Dial>(std::move(done));
  from->loop.after(times.pause, [this, from, address, dial, timeout = times.timeout] {
    if (dial->is_over()) return;
    from->loop.after(timeout, [address, dial] {
      dial->finish(Error{Errc::timed_out, address + ": no answer in time"});
    });
    const Duration latency = draw_latency(context_.random, context_.weather);
    context_.events.after(latency, [this, from, address, dial] { knock(from, address, dial); });
  });
  return dial;
}

void Network::knock(const std::shared_ptr<Port>& from, const std::string& address,
                    const std::shared_ptr<Dial>& dial) {
  if (!from->is_attached || dial->is_over()) return;
  const auto found = places_.find(address);
  if (found == places_.end()) return refuse(*from, address, dial);
  const Place& place = found->second;
  if (is_unreachable(from->node, place.node)) return;
  if (cuts_.contains(unordered(from->node, place.node))) {
    context_.effects.hit(Fault::partition);
    return refuse(*from, address, dial);
  }
  if (place.port) return connect(from, place.port, dial);
  // Where the machine is down as well as the process, nobody even refuses.
  if (!happens(context_.random, context_.weather.half_open)) refuse(*from, address, dial);
}

bool Network::is_unreachable(NodeId from, NodeId to) {
  const bool is_deaf = path(from, to).is_blocked;
  const bool is_dumb = path(to, from).is_blocked;
  if (!is_deaf && !is_dumb) return false;
  context_.effects.hit(block_between(path(from, to), path(to, from)));
  context_.trace.event(from, "no_answer", {to.value});
  return true;
}

void Network::connect(const std::shared_ptr<Port>& from, const std::shared_ptr<Port>& to,
                      const std::shared_ptr<Dial>& dial) {
  std::erase_if(streams_, [](const auto& stream) { return stream->is_over(); });
  const auto stream = std::make_shared<Stream>(context_, ++last_stream_,
                                               Stream::Terminal{from, path(from->node, to->node)},
                                               Stream::Terminal{to, path(to->node, from->node)});
  streams_.push_back(stream);
  context_.trace.event(to->node, "connect", {from->node.value, last_stream_});

  to->loop.after(Duration{0}, [to, socket = Socket(stream, Side::listener)]() mutable {
    if (to->is_attached) to->acceptor.arrived(std::move(socket));
  });
  const Duration latency = draw_latency(context_.random, context_.weather);
  from->loop.after(latency, [dial, socket = Socket(stream, Side::dialler)]() mutable {
    dial->finish(std::move(socket));
  });
}

void Network::refuse(Port& from, const std::string& address, const std::shared_ptr<Dial>& dial) {
  const Duration latency = draw_latency(context_.random, context_.weather);
  from.loop.after(latency, [address, dial] {
    dial->finish(Error{Errc::timed_out, address + ": nobody listens"});
  });
}

}  // namespace raft::sim
