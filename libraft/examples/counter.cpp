// A counter that outlives its process: run it again and it goes on from where it was.
#include <boost/asio.hpp>
#include <iostream>
#include <libraft/raft.hpp>

namespace asio = boost::asio;

class Counter final : public raft::StateMachine {
 public:
  raft::Bytes apply(const raft::AppliedEntry&) override { return std::to_string(++count_); }
  bool may_block() const override { return false; }

  std::unique_ptr<raft::SnapshotReader> capture() override {
    struct View final : raft::SnapshotReader {
      raft::Bytes rest;
      raft::Result<raft::Bytes> read(std::size_t) override { return std::exchange(rest, {}); }
    };
    auto view = std::make_unique<View>();
    view->rest = std::to_string(count_);
    return view;
  }
  raft::Result<void> restore(raft::SnapshotReader& snapshot) override {
    raft::Bytes all;
    for (;;) {
      const raft::Result<raft::Bytes> part = snapshot.read(64);
      if (!part) return part.error();
      if (part->empty()) break;
      all += *part;
    }
    count_ = std::stol(all);
    return {};
  }

 private:
  long count_ = 0;
};

asio::awaitable<void> count_once(raft::Node& node, raft::Group& group) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  for (;;) {
    const auto [error, applied] =
        co_await group.async_propose("count", asio::as_tuple(asio::use_awaitable));
    if (error != raft::Errc::no_leader) {
      (error ? std::cerr << error.message() : std::cout << applied.reply) << std::endl;
      break;
    }
    pause.expires_after(std::chrono::milliseconds(10));  // The first election is under way.
    co_await pause.async_wait(asio::use_awaitable);
  }
  co_await node.async_stop(std::chrono::seconds(1), asio::use_awaitable);
}

int main(int argc, char** argv) {
  asio::io_context context(1);
  Counter counter;
  raft::NodeOptions options;
  options.id = {1};
  options.data_dir = argc > 1 ? argv[1] : "counter-data";
  options.listen = "127.0.0.1:0";
  const auto node = raft::Node::open(context.get_executor(), options);
  if (!node) return std::cerr << node.error().detail << std::endl, 1;
  raft::GroupOptions founding;
  founding.founding.bootstrap = true;  // Ignored once the directory holds a member.
  const auto group = (*node)->start_group(founding, counter);
  if (!group) return std::cerr << group.error().detail << std::endl, 1;
  asio::co_spawn(context, count_once(**node, **group), asio::detached);
  context.run();
}
