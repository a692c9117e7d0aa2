#include "sim/process.hpp"

#include <algorithm>
#include <utility>

#include "sim/world.hpp"
#include "storage/snapshot_format.hpp"
#include "util/crc32c.hpp"

namespace raft::sim {
namespace {

constexpr GroupId group{};

/// A status is large, and copied for each look.
constexpr std::uint64_t looked_at_every = 16;

}  // namespace

Process::Process(World& world, Node& node)
    : world_(world),
      node_(node),
      life_(node.lives),
      options_(world.profile().group),
      observed_(std::make_unique<ObservedMachine>(node.id, world.subject(), world.checkers(),
                                                  world.executions(),
                                                  world.profile().machine_blocks)),
      store_(node.disk->engine(), group),
      files_(node.disk->files(), group),
      storage_(store_,
               {world.events(), *this, *node.disk, node.disk_weather, node.ledger,
                world.disk_random(), world.effects(), *this},
               world.profile().writes_inline),
      watched_log_(store_, *node.disk),
      worker_(*this, world.job_random()),
      greeter_(*this) {
  if (world.profile().is_durable) {
    flushed_ = std::make_unique<FlushedMachine>(*observed_, node.points, node.lives,
                                                [this](Index applied, std::uint64_t meta) {
                                                  world_.checkers().meta(node_.id, applied, meta);
                                                });
  }
  node.disk->files().renamed = [this](const std::string& from, const std::string& to) {
    tell_received(from, to);
  };
}

// The transport first: it tells nobody here any more, and others that this end is gone.
Process::~Process() {
  alive_.reset();
  transport_.reset();
  node_.disk->files().renamed = {};
}

// --- beginning ---

Result<void> Process::start(const Founding& founding) {
  options_.founding = founding;
  const bool has_log = !node_.disk->engine().backup().empty();
  auto file = storage::IdentityFile::open(node_.disk->root(), node_.id, node_.instance, has_log);
  if (!file) return file.error();
  if (const auto begun = file->begin_life(); !begun) return begun.error();
  identity_ = *std::move(file);
  node_.instance = identity().instance;
  transport_ = std::make_unique<SimulatedTransport>(world_.network(), *this, node_.id,
                                                    address_of(node_.id), *this);
  beginning_.emplace(
      options_, address_of(node_.id),
      replica::Beginning::Ports{*this, *this, *this, store_, node_.disk->engine(), log()});
  auto recovered = beginning_->open();
  if (!recovered) return recovered.error();
  return *recovered ? open_replica(**std::move(recovered)) : Result<void>{};
}

Result<void> Process::open_replica(RecoveredLog recovered) {
  // The founding entry is written before there is a storage that could tell.
  DiskView& view_of_disk = node_.ledger.view();
  if (view_of_disk.last().index.value == 0 && recovered.last.value == 1) {
    view_of_disk.synced(replica::founding_work(beginning_->self()));
  }
  view_of_disk.recovered(recovered);
  const replica::Self self{node_.id, identity().instance, identity().boot,
                           world_.seed_for(node_.id, life_)};
  StateMachine& machine = flushed_ ? static_cast<StateMachine&>(*flushed_) : *observed_;
  auto opened = replica::Replica::open(self, options_, std::move(recovered), machine,
                                       {*this, storage_, worker_, *this, files_, log()});
  if (!opened) return opened.error();
  replica_ = *std::move(opened);
  world_.checkers().life_begins(view(), world_.now());
  tell_restorable();
  beginning_->opened();
  peers_changed_ = true;
  is_woken_ = true;
  return {};
}

util::Log Process::log() {
  if (!world_.trace().prints()) return {};
  return util::Log(
      [this](LogLevel, std::string_view, std::string_view line) {
        world_.trace().remark(node_.id, "says " + std::string(line));
      },
      LogLevel::debug);
}

Checkers::View Process::view() const {
  return {node_.id, replica_->core(), node_.ledger.view(), watched_log_};
}

// --- what the checkers are told of the disk ---

void Process::log_synced() {
  if (replica_ && node_.ledger.view().base().last.index != told_base_) tell_restorable();
}

void Process::log_failed() { world_.checkers().disk_failed(node_.id); }

// Whoever fetches for a follower begins at what is applied or below; an apply begins above it.
void Process::log_unread(Index first) {
  if (!replica_ || first > replica_->core().applied_index()) return;
  ++unread_for_peers_;
  world_.effects().hit(Fault::read_error);
}

std::optional<Fault> Process::disk_error() const {
  const DiskFaults& faults = node_.disk->faults();
  if (faults.errors(DiskOperation::sync) > 0) return Fault::sync_error;
  if (faults.errors(DiskOperation::write) > 0) return Fault::write_error;
  if (faults.errors(DiskOperation::read) > unread_for_peers_) return Fault::read_error;
  return std::nullopt;
}

/// From the disk itself: what is there under a name that survives, and is of this log's history.
void Process::tell_restorable() {
  const DiskView& view = node_.ledger.view();
  Index newest = flushed_ ? flushed_->durable_index() : Index{};
  for (const auto& [name, content] : node_.disk->files().backup()) {
    const auto parsed = storage::parse_snapshot_name(name, group);
    if (!parsed || parsed->kind != storage::SnapshotName::Kind::complete) continue;
    if (view.term_at(parsed->last.index) == parsed->last.term) {
      newest = std::max(newest, parsed->last.index);
    }
  }
  world_.checkers().restorable(node_.id, newest);
  told_base_ = view.base().last.index;
}

/// A received file has got its final name: what lies in it now is what will be restored from.
void Process::tell_received(const std::string& temporary, const std::string& name) {
  const auto parsed = storage::parse_snapshot_name(temporary, group);
  if (!parsed || parsed->kind != storage::SnapshotName::Kind::received) return;
  const auto offer = std::find_if(offered_.begin(), offered_.end(), [&](const auto& info) {
    return storage::received_name(group, info) == temporary;
  });
  if (offer == offered_.end()) {
    return world_.checkers().violated(
        "P6", "node " + to_string(node_.id) + " has received what nobody offered: " + temporary);
  }
  const Bytes& content = *node_.disk->files().look_at(name);
  world_.checkers().received(node_.id, *offer, content.size(), util::crc32c(content));
}

// --- the turn ---

void Process::after(Duration delay, Events::Function function) {
  world_.on_node(node_.id, life_, delay, std::move(function));
}

void Process::turn() {
  while (std::exchange(is_woken_, false)) {
    if (!replica_) break;
    replica_->pump();
    if (std::exchange(peers_changed_, false)) update_peers();
    transport_->flush();
    // Whoever is answered may know of what this very turn has committed.
    world_.checkers().after_step(view(), world_.now());
    replica_->run_completions();
  }
  if (transport_) transport_->flush();
  if (replica_) world_.checkers().after_step(view(), world_.now());
  if (flushed_ && flushed_->take_flush_wanted()) {
    const Duration delay = std::chrono::milliseconds(world_.job_random().between(1, 60));
    after(delay, [this] {
      if (const auto flushed = flushed_->flush(); !flushed) failed(flushed.error());
    });
  }
}

void Process::tick() {
  beginning_->tick(replica_ ? &replica_->core() : nullptr);
  if (auto log = beginning_->take_founded()) {
    if (const auto opened = open_replica(*std::move(log)); !opened) failed(opened.error());
  }
  if (!replica_) return;
  replica_->tick();
  if (++ticks_ % looked_at_every != 0) return;
  const Status status = replica_->status();
  world_.checkers().waiting(view(), status.pending_proposals, status.pending_reads);
}

void Process::stop() {
  if (replica_) {
    replica_->stop();
    replica_->run_completions();
  }
  if (transport_) transport_->flush();
}

void Process::update_peers() {
  std::map<NodeId, std::string> peers;
  addresses_.collect(replica_->core(), peers);
  transport_->set_peers(peers);
}

Instant Process::now() { return node_.clock.at(world_.now()); }

void Process::failed(const Error& why) {
  world_.trace().event(node_.id, "fails", {static_cast<std::uint64_t>(why.code)},
                       [&] { return why.detail; });
  node_.failure = why;
}

// --- what leaves ---

void Process::send(const Message& message) {
  world_.checkers().sends(view(), message);
  world_.trace().event(node_.id, "sends",
                       {message.to.value, message.term.value, message.body.index()},
                       [&] { return describe(message); });
  transport_->send(group, message);
  count_limits(message);
}

/// A window or a batch that is full; what is asked in vain is counted by who asks.
void Process::count_limits(const Message& message) {
  if (!world_.profile().has(Fault::small_limits)) return;
  const core::Core& core = replica_->core();
  const Limits& limits = options_.limits;
  const auto* append = std::get_if<AppendRequest>(&message.body);
  if (append == nullptr || append->entries.empty() || !core.is_leader()) return;
  const auto peer = core.leader_state()->peers.find(message.to);
  if (peer == core.leader_state()->peers.end()) return;
  const bool is_full = limits.inflight_appends_max < Limits{}.inflight_appends_max &&
                       peer->second.inflight.appends() >= limits.inflight_appends_max;
  const bool is_cut =
      limits.append_bytes_max < Limits{}.append_bytes_max &&
      append->prev.index.value + append->entries.size() < core.log().last_index().value;
  if (is_full || is_cut) world_.effects().hit(Fault::small_limits);
}

void Process::send(const ServiceMessage& message) {
  world_.checkers().sends(view(), message);
  transport_->send(group, message);
}

void Process::send_bulk(const ServiceMessage& message) {
  const auto* chunk = std::get_if<Chunk>(&message.body);
  if (chunk != nullptr && chunk->offset > 0 && !chunk->bytes.empty() &&
      options_.limits.snapshot_chunk_bytes < Limits{}.snapshot_chunk_bytes) {
    world_.effects().hit(Fault::small_limits);
  }
  world_.checkers().sends(view(), message);
  transport_->send_bulk(group, message);
}

void Process::flush() { transport_->flush(); }

void Process::introduce(const std::string& address, std::optional<ServiceBody> request,
                        util::UniqueFunction<void(Result<Introduction>)> done) {
  transport_->introduce(address, group, std::move(request), std::move(done));
}

Result<void> Process::change_identity(const std::function<void(storage::Identity&)>& change) {
  storage::Identity changed = identity_->identity();
  change(changed);
  return identity_->change(changed);
}

// --- what arrives ---

replica::Greeter::Replicas Process::replicas() const {
  if (!replica_) return {};
  return {replica_.get()};
}

Hello Process::hello(Purpose purpose, NodeId target) {
  return greeter_.hello(purpose, target, address_of(node_.id), replicas());
}

std::optional<Refused> Process::judge(const Hello& hello) {
  auto refused = greeter_.judge(hello, replicas());
  if (refused) world_.refused(node_.id, hello, *refused);
  return refused;
}

void Process::refused(NodeId, const std::string&, const Refused& why) {
  if (replica_ && concerns(why, group)) replica_->refused(why);
}

void Process::connected(NodeId peer, const Hello&) {
  if (replica_) replica_->peer_connected(peer);
}

void Process::lost(NodeId peer) {
  if (replica_) replica_->peer_lost(peer);
}

void Process::received(GroupId, Message message) {
  if (!replica_) return;
  world_.trace().event(node_.id, "gets",
                       {message.from.value, message.term.value, message.body.index()},
                       [&] { return describe(message); });
  if (const auto* offer = std::get_if<SnapshotOffer>(&message.body)) {
    offered_.push_back(offer->snapshot);
  }
  world_.checkers().before_receive(view(), message);
  replica_->receive(message);
  world_.checkers().after_receive(view(), message);
}

void Process::received(GroupId, ServiceMessage message, Reply reply) {
  if (!replica_) {
    auto answer = greeter_.turn_away(message);
    if (reply && answer) reply(group, *std::move(answer));
    return;
  }
  world_.trace().event(node_.id, "gets", {message.from.value, message.body.index()},
                       [&] { return std::string(name_of(message.body)); });
  replica::Replica::Reply answer;
  if (reply) {
    answer = [this, alive = std::weak_ptr(alive_),
              reply = std::move(reply)](ServiceMessage body) mutable {
      if (alive.expired()) return;
      greeter_.sign(body);
      reply(group, std::move(body));
    };
  }
  replica_->receive(std::move(message), std::move(answer));
}

}  // namespace raft::sim
