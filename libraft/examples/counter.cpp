// A counter that outlives its process: run it again and it goes on from where it was.
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <libraft/raft.hpp>

struct Digits final : raft::SnapshotReader {
  explicit Digits(long count) : rest(std::to_string(count)) {}
  raft::Result<raft::Bytes> read(std::size_t) override { return std::exchange(rest, {}); }
  raft::Bytes rest;
};

struct Counter final : raft::StateMachine {
  raft::Bytes apply(const raft::AppliedEntry&) override { return std::to_string(++count); }
  std::unique_ptr<raft::SnapshotReader> capture() override {
    return std::make_unique<Digits>(count);
  }
  raft::Result<void> restore(raft::SnapshotReader& snapshot) override {
    raft::Bytes all;
    auto part = snapshot.read(64);
    for (; part && !part->empty(); part = snapshot.read(64)) all += *part;
    if (!part) return part.error();
    count = std::stol(all);
    return {};
  }
  long count = 0;
};

int main(int argc, char** argv) {
  boost::asio::io_context context(1);
  Counter counter;
  raft::NodeOptions options;
  options.id = {1};
  options.data_dir = argc > 1 ? argv[1] : "counter-data";
  options.listen = "127.0.0.1:0";
  raft::Group* group = nullptr;
  options.on_leader_change = [&](raft::GroupId, raft::NodeId leader, raft::Term) {
    if (!leader) return;
    group->async_propose("count", [&](auto error, const raft::Applied& applied) {
      (error ? std::cerr << error.message() : std::cout << applied.reply) << std::endl;
      context.stop();
    });
  };
  options.on_failure = [&](raft::GroupId, const raft::Error& error) {
    std::cerr << error.detail << std::endl;
    context.stop();
  };
  const auto node = raft::Node::open(context.get_executor(), options);
  if (!node) return std::cerr << node.error().detail << std::endl, 1;
  raft::GroupOptions group_options;
  group_options.founding.bootstrap = true;  // Ignored once the directory holds a member.
  const auto started = (*node)->start_group(group_options, counter);
  if (!started) return std::cerr << started.error().detail << std::endl, 1;
  group = *started;
  context.run();
}
