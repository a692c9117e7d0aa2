// What can go wrong, as one vocabulary, and the value that carries it. Standard library only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace raft {

/// Every failure says what is known about the request, and so what its caller should do.
enum class Errc : std::uint8_t {
  not_leader = 1,    ///< Not applied. Ask the leader that status() names.
  no_leader,         ///< Not applied. No leader is known; try again after an election.
  busy,              ///< Not applied. Too much is in flight; back off.
  dropped,           ///< Certainly not applied: another entry was committed in its place.
  unknown_outcome,   ///< May or may not be applied. Retry only with a session.
  session_expired,   ///< Not executed now; whether an earlier try was is no longer known.
  conflict,          ///< The state does not allow it now; the detail says what stands against it.
  id_taken,          ///< The node id belongs to another instance. Remove that member first.
  invalid_argument,  ///< The request can never succeed as it is.
  too_large,         ///< The command exceeds Limits::command_bytes_max, or a member its bounds.
  timed_out,         ///< It did not end in time, or was cancelled; no data changed.
  removed,           ///< This node is no longer a member.
  storage_full,      ///< Not applied. The disk is full; goes on by itself once there is space.
  corrupt,           ///< Stored or received bytes are not what was written.
  storage_failed,    ///< The disk failed. Final for this process.
  stopped,           ///< Not applied. The group is shutting down.
  data_missing,      ///< A file of the data directory is gone. Restore it, or join anew.
  newer_format,      ///< Stored data was written by a newer version. Start that one.
  transferring,      ///< Not applied. Leadership is being handed over; try again in a moment.
  machine_failed,    ///< The state machine threw or broke its contract. Final for this process.
};

/// Tables by Errc have so many places; [0] is for success.
inline constexpr std::size_t errc_count = static_cast<std::size_t>(Errc::machine_failed) + 1;

/// The name of the value, as in the source: "not_leader".
const char* to_string(Errc);
/// One sentence for a person.
const char* message(Errc);

/// A failure with what a person needs to act on it: the file, the key, the address.
struct Error {
  Errc code;
  std::string detail;
};

namespace detail {

/// Somebody asks for the error of a success: whatever follows would rest on what never happened.
[[noreturn]] inline void no_error() {
  std::fputs("libraft: a result that succeeded was asked for its error\n", stderr);
  std::abort();
}

/// Somebody takes the value of a failure without having looked.
[[noreturn]] inline void no_value() {
  std::fputs("libraft: a result that failed was asked for its value\n", stderr);
  std::abort();
}

}  // namespace detail

/// A value or the reason why there is none. Whoever asks for one looks first which it is.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Errc code) : state_(std::in_place_index<1>, Error{code, {}}) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& operator*() & { return *present(std::get_if<0>(&state_)); }
  const T& operator*() const& { return *present(std::get_if<0>(&state_)); }
  T&& operator*() && { return std::move(*present(std::get_if<0>(&state_))); }
  T* operator->() { return present(std::get_if<0>(&state_)); }
  const T* operator->() const { return present(std::get_if<0>(&state_)); }

  const Error& error() const {
    if (has_value()) detail::no_error();
    return *std::get_if<1>(&state_);
  }
  Errc code() const { return error().code; }

 private:
  template <class Pointer>
  static Pointer present(Pointer value) {
    if (value == nullptr) detail::no_value();
    return value;
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Errc code) : error_{code, {}}, failed_(true) {}
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const {
    if (has_value()) detail::no_error();
    return error_;
  }
  Errc code() const { return error().code; }

 private:
  Error error_{};
  bool failed_ = false;
};

}  // namespace raft
