// The value that is a result or the reason why there is none.
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <csignal>
#include <string>

#include <libraft/error.hpp>

namespace raft {
namespace {

/// Whether a process that does this ends itself by an assertion.
template <class Action>
bool aborts(Action action) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // The test framework's would report it as a failure.
    ::close(STDERR_FILENO);
    action();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace

TEST_CASE("a result is a value or an error", "[util][error]") {
  const Result<std::string> value = std::string("x");
  REQUIRE(value);
  CHECK(*value == "x");
  const Result<std::string> error = Error{Errc::busy, "why"};
  REQUIRE_FALSE(error);
  CHECK(error.code() == Errc::busy);
  CHECK(error.error().detail == "why");
  CHECK(Result<void>{}.has_value());
  CHECK(Result<void>{Errc::dropped}.code() == Errc::dropped);
}

// Whoever asks for the other one has not looked, and would go on with what never was.
TEST_CASE("a result that succeeded has no error, one that failed no value", "[util][error]") {
  CHECK(aborts([] { static_cast<void>(Result<int>{7}.code()); }));
  CHECK(aborts([] { static_cast<void>(Result<int>{7}.error().detail.size()); }));
  CHECK(aborts([] { static_cast<void>(Result<void>{}.code()); }));
  CHECK(aborts([] { static_cast<void>(Result<void>{}.error().detail.size()); }));
  CHECK_FALSE(aborts([] { static_cast<void>(Result<int>{Errc::busy}.code()); }));
  CHECK(aborts([] { static_cast<void>(*Result<int>{Errc::busy}); }));
  CHECK(aborts([] { static_cast<void>(Result<std::string> { Errc::busy } -> size()); }));
  CHECK_FALSE(aborts([] { static_cast<void>(*Result<int>{7}); }));
}

}  // namespace raft
