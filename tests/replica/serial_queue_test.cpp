// What may block runs elsewhere, one after the other; what cannot runs here and now.
#include "replica/serial_queue.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "hand_ports.hpp"

namespace raft::replica {

// Two jobs of one machine at the same time would be a data race in the user's code.
TEST_CASE("jobs that may block run one at a time and in order", "[bug-40][replica][serial-queue]") {
  test::HandWorker worker;
  SerialQueue queue(worker, true);
  std::string trace;
  for (const char name : {'a', 'b', 'c'}) {
    queue.run([&trace, name] { trace += name; }, [&trace, name] { trace += {name, '.'}; });
  }
  CHECK(trace.empty());
  CHECK_FALSE(queue.is_idle());
  CHECK(worker.waiting.size() == 1);
  worker.run_one();
  CHECK(trace == "aa.");
  CHECK(worker.waiting.size() == 1);
  worker.run_all();
  CHECK(trace == "aa.bb.cc.");
  CHECK(queue.is_idle());
}

// What a completion queues comes behind what waited before it.
TEST_CASE("a completion may queue the next job", "[replica][serial-queue]") {
  test::HandWorker worker;
  SerialQueue queue(worker, true);
  std::string trace;
  queue.run([&] { trace += 'a'; },
            [&] { queue.run([&] { trace += 'c'; }, [&] { trace += '.'; }); });
  queue.run([&] { trace += 'b'; }, [&] { trace += '.'; });
  worker.run_all();
  CHECK(trace == "ab.c.");
  CHECK(queue.is_idle());
}

TEST_CASE("jobs that never block are done before the call returns", "[replica][serial-queue]") {
  test::HandWorker worker;
  SerialQueue queue(worker, false);
  std::string trace;
  queue.run([&] { trace += 'a'; }, [&] { trace += '.'; });
  CHECK(trace == "a.");
  CHECK(worker.waiting.empty());
  CHECK(queue.is_idle());
}

// A restore of a machine that is quick otherwise: what was queued before must be done, and what
// comes behind it must wait, or entries are applied to a state that is being replaced.
TEST_CASE("a long job among short ones keeps its place", "[bug-40][replica][serial-queue]") {
  test::HandWorker worker;
  SerialQueue queue(worker, false);
  std::string trace;
  const auto say = [&trace](std::string what) {
    return [&trace, what = std::move(what)] { trace += what; };
  };
  queue.run(say("a"), say("."));
  queue.run_on_worker(say("B"), [&] {
    trace += "!";
    queue.run(say("e"), say("."));  // Behind what waits.
  });
  queue.run(say("c"), say("."));
  queue.run_on_worker(say("D"), say("!"));
  CHECK(trace == "a.");
  CHECK_FALSE(queue.is_idle());
  worker.run_one();
  CHECK(trace == "a.B!c.");
  worker.run_one();
  CHECK(trace == "a.B!c.D!e.");
  CHECK(queue.is_idle());
  queue.run(say("f"), say("."));
  CHECK(trace == "a.B!c.D!e.f.");
}

}  // namespace raft::replica
