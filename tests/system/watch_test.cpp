// Watchers of real nodes, with the real curl. Catches a change that is lost, doubled or out of
// order when a watcher goes on at another member, or when its own comes back.
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>
#include <utility>

#include "system/cluster.hpp"

namespace system_test {
namespace {

struct Event {
  std::uint64_t index = 0;
  std::string kind;
  std::string data;
};

// What curl shows of one watch.
class Watch {
 public:
  Watch(const Cluster& cluster, int id, std::uint64_t from)
      : curl_({{"/usr/bin/curl", "-s", "-N",
                "http://" + cluster.http(id) + "/v1/watch?prefix=w/&from=" + std::to_string(from)},
               {},
               folder_.path(),
               folder_.path() / "events"}) {}

  Event next() {
    wait_for("an event", [&] { return events().size() > taken_; });
    return events()[taken_++];
  }

  bool ends() { return curl_.wait(patience()) && events().size() == taken_; }

 private:
  // All that have come as a whole.
  std::vector<Event> events() const {
    std::vector<Event> all;
    std::ifstream file(folder_.path() / "events");
    Event event;
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("id: ")) event.index = std::stoull(line.substr(4));
      if (line.starts_with("event: ")) event.kind = line.substr(7);
      if (line.starts_with("data: ")) event.data = line.substr(6);
      if (line.empty() && !event.kind.empty()) all.push_back(std::exchange(event, {}));
    }
    return all;
  }

  TemporaryFolder folder_;
  Process curl_;
  std::size_t taken_ = 0;
};

std::uint64_t write(Cluster& cluster, int id, int number) {
  const std::string key = "/v1/kv/w/" + std::to_string(number % 3);
  HttpClient client = cluster.client(id);
  HttpReply reply;
  wait_for("a write through node " + std::to_string(id), [&] {
    reply = client.put(key, std::to_string(number));
    return reply.status / 100 == 2;
  });
  return std::stoull(reply.headers["x-raft-index"]);
}

bool tells(const Event& event, int number) {
  return event.kind == "put" &&
         event.data.find("\"value\":\"" + std::to_string(number) + "\"") != std::string::npos;
}

}  // namespace

TEST_CASE("a watcher goes on at another member and misses nothing", "[bug-46][system][watch]") {
  Cluster cluster(any_store());
  cluster.found();
  const std::uint64_t first = write(cluster, 1, 0);
  const int follower = cluster.some_follower();
  const int leader = cluster.wait_leader();
  std::uint64_t last = 0;
  {
    Watch watch(cluster, follower, first);
    for (int number = 1; number < 10; ++number) write(cluster, leader, number);
    for (int number = 0; number < 10; ++number) {
      const Event event = watch.next();
      REQUIRE(tells(event, number));
      REQUIRE(event.index > last);
      last = event.index;
    }
    cluster.kill(follower);
    REQUIRE(watch.ends());
  }
  // Not yet written: whoever has got that far elsewhere is told nothing old.
  Watch watch(cluster, leader, last + 1);
  for (int number = 10; number < 20; ++number) write(cluster, leader, number);
  for (int number = 10; number < 20; ++number) {
    const Event event = watch.next();
    REQUIRE(tells(event, number));
    REQUIRE(event.index > last);
    last = event.index;
  }

  // Back again, it tells what it applies from now on, and of what was before only if it has it.
  cluster.restart(follower);
  cluster.wait_ready(follower);
  Watch again(cluster, follower, last + 1);
  const std::uint64_t newest = write(cluster, leader, 20);
  const Event event = again.next();
  CHECK(tells(event, 20));
  CHECK(event.index == newest);
}

TEST_CASE("a long poll at a follower hears of a write at the leader", "[system][watch]") {
  Cluster cluster(any_store());
  cluster.found();
  const int leader = cluster.wait_leader();
  const std::uint64_t before = write(cluster, leader, 0);
  const int follower = cluster.some_follower();
  HttpReply polled;
  // Longer than the client waits: nothing but the change can answer it.
  std::thread poller([&polled, client = cluster.client(follower), before]() mutable {
    polled = client.get("/v1/kv/w/0?wait=10m&index=" + std::to_string(before));
  });
  HttpClient observer = cluster.client(follower);
  wait_for("the poll to wait", [&] {
    return observer.get("/metrics").body.find("\nkv_watchers 1\n") != std::string::npos;
  });
  const std::uint64_t after = write(cluster, leader, 3);
  poller.join();
  CHECK(polled.status == 200);
  CHECK(polled.body == "3");
  CHECK(polled.headers["etag"] == "\"" + std::to_string(after) + "\"");
}

}  // namespace system_test
