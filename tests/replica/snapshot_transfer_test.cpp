// Moving a snapshot file: whatever gets lost, repeated or mixed up, the file is whole or not there.
#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>

#include "history.hpp"
#include "replica/snapshot_receiver.hpp"
#include "replica/snapshot_sender.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t chunk_bytes = std::size_t{256} << 10;
constexpr std::size_t padding = 6 * chunk_bytes;  // About seven chunks.

/// The sender's disk, without its sender.
struct Source {
  sim::Disk disk;
  storage::SnapshotFiles files{disk.files(), history_group};
  SnapshotInfo info;

  explicit Source(std::uint64_t index = 10, std::size_t bytes = padding) {
    auto saved = save_snapshot(files, index, 1, bytes);
    REQUIRE(saved);
    info = *saved;
  }
  Chunk answer(const ChunkRequest& request) const {
    auto bytes = files.read_at(info, request.offset, request.bytes_max);
    REQUIRE(bytes);
    return {request.transfer, request.offset, *std::move(bytes)};
  }
};

/// One life of a receiver; the disk may be another's.
struct Target {
  explicit Target(sim::Disk& on) : disk(on) {}

  sim::Disk& disk;
  storage::SnapshotFiles files{disk.files(), history_group};
  HandOutbox outbox;
  HandWorker worker;
  HandDriver driver;
  SerialQueue queue{worker, true};
  std::optional<bool> ended;
  core::SnapshotWanted ended_for;
  SnapshotReceiver receiver{NodeId{2},
                            transfer_limits({}),
                            outbox,
                            queue,
                            driver,
                            files,
                            [this](const core::SnapshotWanted& wanted, const Result<void>& result) {
                              ended = result.has_value();
                              ended_for = wanted;
                            }};

  void start(const Source& source, std::uint64_t session = 1) {
    receiver.start({NodeId{1}, Term{4}, PeerSession{session}, source.info});
    worker.run_all();
  }
  std::vector<ChunkRequest> take_requests() {
    std::vector<ChunkRequest> requests;
    for (const ServiceMessage& message : outbox.bulk) {
      CHECK(message.to == NodeId{1});
      requests.push_back(std::get<ChunkRequest>(message.body));
    }
    outbox.bulk.clear();
    return requests;
  }
  void give(Chunk chunk) {
    receiver.received(std::move(chunk));
    worker.run_all();
  }
  /// Answers everything as it is asked.
  void serve(const Source& source) {
    while (!outbox.bulk.empty()) {
      for (const ChunkRequest& request : take_requests()) give(source.answer(request));
    }
  }
  void check_whole(const Source& source) {
    REQUIRE(ended);
    CHECK(*ended);
    const auto got = files.read_at(source.info, 0, source.info.bytes + 1);
    const auto sent = source.files.read_at(source.info, 0, source.info.bytes + 1);
    REQUIRE(got);
    REQUIRE(sent);
    CHECK(*got == *sent);
  }
};

}  // namespace

// --- the receiver ---

TEST_CASE("a receiver asks several chunks ahead and ends with the whole file",
          "[SN-16][replica][snapshot]") {
  const Source source;
  sim::Disk disk;
  Target target(disk);
  target.start(source);
  CHECK(target.outbox.bulk.size() == 4);
  CHECK(target.receiver.bytes_total() == source.info.bytes);
  target.serve(source);
  target.check_whole(source);
  CHECK(target.ended_for.snapshot.meta.last == source.info.meta.last);
  CHECK(target.receiver.bytes_total() == 0);
}

// Chunks written in the order of their arrival would give a file that only its checksum refuses.
TEST_CASE("chunks may come in any order and more than once", "[SN-15][replica][snapshot]") {
  const Source source;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    core::Random random(seed);
    sim::Disk disk;
    Target target(disk);
    target.start(source);
    std::vector<Chunk> under_way;
    for (int step = 0; step < 10'000 && !target.ended; ++step) {
      for (const ChunkRequest& request : target.take_requests()) {
        under_way.push_back(source.answer(request));
        if (random.between(0, 3) == 0) under_way.push_back(source.answer(request));
      }
      REQUIRE_FALSE(under_way.empty());
      const auto at = static_cast<std::ptrdiff_t>(random.between(0, under_way.size()));
      target.give(under_way[static_cast<std::size_t>(at)]);
      if (random.between(0, 4) != 0) under_way.erase(under_way.begin() + at);
    }
    target.check_whole(source);
  }
}

TEST_CASE("a chunk that got lost is asked for again", "[replica][snapshot]") {
  const Source source;
  sim::Disk disk;
  Target target(disk);
  target.start(source);
  const auto asked = target.take_requests();
  target.give(source.answer(asked[1]));  // The first is lost.
  target.driver.time += milliseconds(900);
  target.receiver.tick();
  CHECK(target.outbox.bulk.empty());
  target.driver.time += milliseconds(200);
  target.receiver.tick();
  REQUIRE_FALSE(target.outbox.bulk.empty());
  CHECK(std::get<ChunkRequest>(target.outbox.bulk.front().body).offset == 0);
  target.serve(source);
  target.check_whole(source);
}

// A slow transfer is not a dead one, yet a dead one must not hold its place for ever.
TEST_CASE("a receiver gives up after half a minute without progress", "[replica][snapshot]") {
  const Source source;
  sim::Disk disk;
  Target target(disk);
  target.start(source);
  for (int second = 0; second < 29; ++second) {
    target.driver.time += seconds(1);
    target.receiver.tick();
  }
  CHECK_FALSE(target.ended);
  const auto asked = target.take_requests();
  target.give(source.answer(asked.back()).offset == 0 ? source.answer(asked.back())
                                                      : source.answer(asked.front()));
  for (int second = 0; second < 29; ++second) {
    target.driver.time += seconds(1);
    target.receiver.tick();
  }
  CHECK_FALSE(target.ended);
  target.driver.time += seconds(3);
  target.receiver.tick();
  REQUIRE(target.ended);
  CHECK_FALSE(*target.ended);
}

// Bytes of another offer are bytes of another file, even of the same index.
TEST_CASE("chunks of another transfer are ignored", "[SN-15][replica][snapshot]") {
  const Source source;
  sim::Disk disk;
  Target target(disk);
  target.start(source);
  const Chunk good = source.answer(target.take_requests().front());
  for (int other = 0; other < 3; ++other) {
    Chunk wrong = good;
    wrong.bytes.assign(wrong.bytes.size(), 'x');
    if (other == 0) ++wrong.transfer.term.value;
    if (other == 1) ++wrong.transfer.session.value;
    if (other == 2) ++wrong.transfer.last.value;
    target.give(wrong);
  }
  Chunk none = good;
  none.transfer.last.value += 1;
  none.bytes.clear();
  target.give(none);
  CHECK_FALSE(target.ended);
  CHECK(target.receiver.bytes_received() == 0);
  target.give(good);
  CHECK(target.receiver.bytes_received() == chunk_bytes);
}

TEST_CASE("what was not asked for is ignored", "[SN-15][replica][snapshot]") {
  const Source source;
  sim::Disk disk;
  Target target(disk);
  target.start(source);
  Chunk chunk = source.answer(target.take_requests().front());
  Chunk far = chunk;
  far.offset = source.info.bytes;
  target.give(far);
  Chunk large = chunk;
  large.bytes += "x";
  target.give(large);
  CHECK(target.receiver.bytes_received() == 0);
  target.give(chunk);
  target.give(chunk);
  CHECK(target.receiver.bytes_received() == chunk_bytes);
}

TEST_CASE("an empty chunk says that the sender no longer has the file", "[replica][snapshot]") {
  const Source source;
  sim::Disk disk;
  Target target(disk);
  target.start(source);
  Chunk chunk = source.answer(target.take_requests().front());
  chunk.bytes.clear();
  target.give(chunk);
  REQUIRE(target.ended);
  CHECK_FALSE(*target.ended);
}

// Installing a file that is not what was announced would be the end of state-machine safety.
TEST_CASE("a file with one wrong byte is never complete", "[SN-15][replica][snapshot]") {
  const Source source(10, 1000);
  sim::Disk disk;
  Target target(disk);
  target.start(source);
  Chunk chunk = source.answer(target.take_requests().front());
  REQUIRE(chunk.bytes.size() == source.info.bytes);
  chunk.bytes[chunk.bytes.size() / 2] ^= 1;
  target.give(chunk);
  REQUIRE(target.ended);
  CHECK_FALSE(*target.ended);
  // And the next try begins anew instead of going on with the rotten bytes.
  target.ended.reset();
  target.start(source, 2);
  target.serve(source);
  target.check_whole(source);
}

// Hours of transfer must not be lost by a restart.
TEST_CASE("a receiver goes on where an earlier life stopped", "[replica][snapshot]") {
  const Source source;
  sim::Disk disk;
  {
    Target target(disk);
    target.start(source);
    const auto asked = target.take_requests();
    target.give(source.answer(asked[0]));
    target.give(source.answer(asked[1]));
  }
  Target target(disk);
  target.start(source, 7);
  CHECK(target.receiver.bytes_received() == 2 * chunk_bytes);
  CHECK(std::get<ChunkRequest>(target.outbox.bulk.front().body).offset == 2 * chunk_bytes);
  target.serve(source);
  target.check_whole(source);
}

// After a power cut the kept bytes may be torn: the end decides, and then all is asked again.
TEST_CASE("a resumed file that a power cut has torn is refused and received anew",
          "[SN-15][replica][snapshot]") {
  const Source source;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    core::Random random(seed);
    sim::Disk disk;
    {
      Target target(disk);
      target.start(source);
      for (const ChunkRequest& request : target.take_requests()) {
        target.give(source.answer(request));
      }
      disk.faults().power_off();
    }
    disk.power_on(random);
    Target target(disk);
    target.start(source, 2);
    target.serve(source);
    REQUIRE(target.ended);
    if (!*target.ended) {
      target.ended.reset();
      target.start(source, 3);
      target.serve(source);
    }
    target.check_whole(source);
  }
}

TEST_CASE("a newer offer replaces the transfer under way", "[SN-08][replica][snapshot]") {
  const Source old_source(10);
  const Source new_source(12);
  sim::Disk disk;
  Target target(disk);
  target.start(old_source);
  const auto asked = target.take_requests();
  target.receiver.received(old_source.answer(asked[0]));  // Its write is still to come.
  target.start(new_source, 2);
  target.give(old_source.answer(asked[1]));
  target.serve(new_source);
  target.check_whole(new_source);
  CHECK(target.ended_for.snapshot.meta.last.index == Index{12});
}

TEST_CASE("a full disk ends the transfer", "[replica][snapshot]") {
  const Source source;
  sim::Disk disk;
  Target target(disk);
  target.start(source);
  const auto asked = target.take_requests();
  disk.faults().set_full(true);
  target.give(source.answer(asked[0]));
  REQUIRE(target.ended);
  CHECK_FALSE(*target.ended);
  disk.faults().set_full(false);
  target.ended.reset();
  for (std::uint64_t session = 2; session < 5 && !target.ended.value_or(false); ++session) {
    target.start(source, session);
    target.serve(source);
  }
  target.check_whole(source);
}

// The disk would be full before the last chunk came, and the log would find no room.
TEST_CASE("a receiver asks for nothing that its disk has no room for",
          "[replica][snapshot][space]") {
  const Source source;
  sim::Disk disk;
  Target target(disk);
  disk.faults().set_free_bytes(source.info.bytes);
  target.start(source);
  REQUIRE(target.ended);
  CHECK_FALSE(*target.ended);
  CHECK(target.outbox.bulk.empty());
  disk.faults().set_free_bytes(~std::uint64_t{0});
  target.ended.reset();
  target.start(source, 2);
  target.serve(source);
  target.check_whole(source);
}

namespace {

/// All bytes are written, and the job that syncs and verifies them is still to run.
struct Finishing {
  Source source{10, 1000};
  sim::Disk disk;
  Target target{disk};

  Finishing() {
    target.start(source);
    target.receiver.received(source.answer(target.take_requests().front()));
    target.worker.run_one();
    REQUIRE(target.worker.waiting.size() == 1);
  }
  void wait(int duration) {
    for (int second = 0; second < duration; ++second) {
      target.driver.time += seconds(1);
      target.receiver.tick();
    }
  }
};

}  // namespace

// A large file on a slow disk was given up when it was complete, and received anew without end.
TEST_CASE("a receiver waits for the disk as long as it takes", "[replica][snapshot]") {
  Finishing finishing;
  finishing.wait(300);
  CHECK_FALSE(finishing.target.ended);
  finishing.target.worker.run_all();
  finishing.target.check_whole(finishing.source);
}

// And so does the sender, which would let go of the log behind the snapshot otherwise.
TEST_CASE("a sender hears from a receiver that syncs and verifies", "[replica][snapshot]") {
  Finishing finishing;
  finishing.wait(25);
  const auto asked = finishing.target.take_requests();
  REQUIRE(asked.size() == 2);
  CHECK(asked.front().offset == finishing.source.info.bytes);
  const Chunk nothing = finishing.source.answer(asked.front());
  CHECK(nothing.bytes.empty());
  finishing.target.receiver.received(nothing);
  CHECK_FALSE(finishing.target.ended);
  finishing.target.worker.run_all();
  finishing.target.check_whole(finishing.source);
}

TEST_CASE("a file being verified is not received again for who offers it next",
          "[replica][snapshot]") {
  Finishing finishing;
  finishing.target.receiver.start({NodeId{3}, Term{5}, PeerSession{9}, finishing.source.info});
  finishing.target.worker.run_all();
  CHECK(finishing.target.outbox.bulk.empty());
  finishing.target.check_whole(finishing.source);
  CHECK(finishing.target.ended_for.from == NodeId{3});
  CHECK(finishing.target.ended_for.session == PeerSession{9});
}

TEST_CASE("a file that was finished for nobody is taken when it is offered again",
          "[replica][snapshot]") {
  Finishing finishing;
  Target& target = finishing.target;
  const Source other(12);
  target.start(other, 2);
  CHECK_FALSE(target.ended);
  target.outbox.bulk.clear();
  target.start(finishing.source, 3);
  CHECK(target.outbox.bulk.empty());
  target.check_whole(finishing.source);
}

// --- the sender ---

namespace {

/// A leader whose log begins at 11, and node 2, a learner that has nothing.
struct Leading {
  sim::Disk disk;
  storage::SnapshotFiles files{disk.files(), history_group};
  HandOutbox outbox;
  HandWorker worker;
  HandDriver driver;
  std::unique_ptr<core::Core> core;
  std::unique_ptr<SnapshotSender> sender;
  std::vector<core::SnapshotSend> wanted;
  std::vector<SnapshotOffer> offers;
  PeerMark mark;

  Leading() {
    write_log(disk.engine(), 10, 12);
    storage::LogStore store(disk.engine(), history_group);
    auto log = store.recover();
    REQUIRE(log);
    core::Options options;
    options.id = NodeId{1};
    options.instance = {1, 1};
    options.boot = BootNumber{1};
    core = std::make_unique<core::Core>(options, core::Recovered{*std::move(log), Index{12}},
                                        driver.time);
    sender =
        std::make_unique<SnapshotSender>(transfer_limits({}), *core, outbox, worker, driver, files);
    while (!core->is_leader()) tick(milliseconds(10));
    ask_for_snapshot();
  }

  void turn() {
    while (core->has_ready()) {
      core::Ready ready = core->take_ready(driver.time);
      if (ready.persist) core->persisted(ready.persist->number, driver.time);
      if (!ready.apply.empty()) core->applied(ready.apply.back()->index);
      for (const Message& message : ready.send) heard(message);
      if (ready.persist) {
        for (const Message& message : ready.persist->then_send) heard(message);
      }
      wanted.insert(wanted.end(), ready.snapshot_to.begin(), ready.snapshot_to.end());
    }
  }
  void heard(const Message& message) {
    if (const auto* append = std::get_if<AppendRequest>(&message.body)) {
      mark.session = append->mark.session;
    } else if (const auto* offer = std::get_if<SnapshotOffer>(&message.body)) {
      offers.push_back(*offer);
    }
  }
  void tick(Duration by) {
    driver.time += by;
    core->tick(driver.time);
    sender->tick();
    turn();
  }
  void receive(MessageBody body) {
    core->receive({NodeId{2}, NodeId{1}, core->term(), std::move(body)}, driver.time);
    turn();
  }
  /// Node 2 says that it has nothing.
  void ask_for_snapshot() {
    wanted.clear();
    for (int tries = 0; tries < 100 && wanted.empty(); ++tries) {
      for (Index last = core->log().last_index(); last.value > 0 && wanted.empty();
           last = last.prev()) {
        receive(AppendRejected{mark, last, EntryId{}});
      }
      receive(HeartbeatReply{mark});
      if (wanted.empty()) tick(milliseconds(100));
    }
    REQUIRE(wanted.size() == 1);
    CHECK(wanted.front().to == NodeId{2});
    CHECK(wanted.front().minimum == Index{10});
  }
  SnapshotInfo save(std::uint64_t index) {
    auto saved = save_snapshot(files, index);
    REQUIRE(saved);
    return *saved;
  }
  /// What the sender answers to a request for bytes.
  Bytes ask(std::uint64_t last, std::uint64_t offset = 0, std::uint32_t max = 1000) {
    outbox.bulk.clear();
    const TransferId id{core->term(), mark.session, Index{last}};
    sender->received(NodeId{2}, {id, offset, max});
    worker.run_all();
    REQUIRE(outbox.bulk.size() == 1);
    CHECK(outbox.bulk.front().to == NodeId{2});
    const Chunk& chunk = std::get<Chunk>(outbox.bulk.front().body);
    CHECK(chunk.transfer == id);
    CHECK(chunk.offset == offset);
    return chunk.bytes;
  }
};

}  // namespace

TEST_CASE("a sender without a file waits for one and then offers it", "[replica][snapshot]") {
  Leading leading;
  CHECK_FALSE(leading.sender->send(leading.wanted.front()));
  CHECK_FALSE(leading.sender->is_idle());
  CHECK(leading.sender->have(leading.save(11)));
  leading.turn();
  REQUIRE(leading.offers.size() == 1);
  CHECK(leading.offers.front().snapshot.meta.last.index == Index{11});
  CHECK(leading.sender->transfers().contains(NodeId{2}));
}

TEST_CASE("a sender offers the file that it has at once", "[replica][snapshot]") {
  Leading leading;
  CHECK(leading.sender->have(leading.save(10)));
  CHECK(leading.sender->send(leading.wanted.front()));
  leading.turn();
  CHECK(leading.offers.size() == 1);
}

// A file that ends before the log begins would leave a gap that no append can fill.
TEST_CASE("a file below what is needed is not offered", "[replica][snapshot]") {
  Leading leading;
  CHECK(leading.sender->have(leading.save(8)));
  CHECK_FALSE(leading.sender->send(leading.wanted.front()));
  CHECK_FALSE(leading.sender->have(leading.save(9)));
  leading.turn();
  CHECK(leading.offers.empty());
  CHECK(leading.sender->have(leading.save(12)));
  leading.turn();
  CHECK(leading.offers.size() == 1);
}

TEST_CASE("a sender gives the bytes that are asked for", "[SN-16][replica][snapshot]") {
  Leading leading;
  const SnapshotInfo file = leading.save(11);
  leading.sender->have(file);
  REQUIRE(leading.sender->send(leading.wanted.front()));
  const auto all = leading.files.read_at(file, 0, 1'000'000);
  REQUIRE(all);
  CHECK(leading.ask(11, 0, 100) == all->substr(0, 100));
  CHECK(leading.ask(11, 50, 1'000'000) == all->substr(50));
  CHECK(leading.sender->transfers().at(NodeId{2}).bytes_sent == file.bytes);
}

// The receiver then ends this transfer and is offered what there is now.
TEST_CASE("a sender answers with nothing for a file that it does not offer",
          "[bug-25][replica][snapshot]") {
  Leading leading;
  CHECK(leading.ask(11).empty());
  leading.sender->have(leading.save(11));
  REQUIRE(leading.sender->send(leading.wanted.front()));
  CHECK(leading.ask(10).empty());
  CHECK_FALSE(leading.ask(11).empty());
  leading.sender->stop(NodeId{2});
  CHECK(leading.ask(11).empty());
  CHECK(leading.sender->is_idle());
}

// A newer snapshot must not pull the file from under a transfer that is nearly done.
TEST_CASE("a file being sent is kept beside a newer one", "[replica][snapshot]") {
  Leading leading;
  leading.sender->have(leading.save(10));
  REQUIRE(leading.sender->send(leading.wanted.front()));
  leading.sender->have(leading.save(12));
  CHECK(leading.sender->oldest_needed() == Index{10});
  CHECK_FALSE(leading.ask(10).empty());
  leading.sender->stop(NodeId{2});
  leading.sender->have(leading.save(12));
  CHECK(leading.sender->oldest_needed() == Index{12});
}

TEST_CASE("a transfer that nobody asks for is given up after a minute", "[replica][snapshot]") {
  Leading leading;
  leading.sender->have(leading.save(11));
  REQUIRE(leading.sender->send(leading.wanted.front()));
  leading.turn();
  leading.tick(seconds(40));
  CHECK_FALSE(leading.ask(11).empty());
  leading.tick(seconds(59));
  CHECK_FALSE(leading.sender->is_idle());
  leading.tick(seconds(2));
  CHECK(leading.sender->is_idle());
  CHECK(leading.core->leader_state()->peers.at(NodeId{2}).state != core::Progress::State::snapshot);
}

TEST_CASE("a transfer ends when the peer needs it no more", "[replica][snapshot]") {
  Leading leading;
  leading.sender->have(leading.save(11));
  REQUIRE(leading.sender->send(leading.wanted.front()));
  leading.turn();
  CHECK(leading.sender->delivered() == 0);
  leading.receive(AppendAccepted{leading.mark, Index{11}});
  leading.tick(milliseconds(10));
  CHECK(leading.sender->is_idle());
  CHECK(leading.sender->delivered() == 1);
}

// Would tell operators of snapshots that nobody ever got.
TEST_CASE("a transfer that is given up is not counted as sent", "[replica][snapshot]") {
  Leading leading;
  leading.sender->have(leading.save(11));
  REQUIRE(leading.sender->send(leading.wanted.front()));
  leading.turn();
  SECTION("declined") { leading.receive(SnapshotDeclined{leading.mark, Index{11}}); }
  SECTION("nobody asks") { leading.tick(seconds(61)); }
  leading.tick(milliseconds(10));
  CHECK(leading.sender->is_idle());
  CHECK(leading.sender->delivered() == 0);
}

// Without this the core would wait for an offer that never comes.
TEST_CASE("a snapshot that cannot be made is tried again later", "[replica][snapshot]") {
  Leading leading;
  CHECK_FALSE(leading.sender->send(leading.wanted.front()));
  leading.sender->have_none();
  leading.turn();
  CHECK(leading.sender->is_idle());
  CHECK(leading.core->leader_state()->peers.at(NodeId{2}).state != core::Progress::State::snapshot);
  leading.ask_for_snapshot();
}

}  // namespace raft::replica
