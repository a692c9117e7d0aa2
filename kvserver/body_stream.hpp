// A reply's body that is made while it is sent, for as long as somebody reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace kv {

/// Used on the server's executor only. Destroyed when the client is gone.
class BodyStream {
 public:
  /// When there is more to read.
  enum class More : std::uint8_t {
    now,
    later,  ///< After the next wake.
    never,  ///< The body ends.
  };

  virtual ~BodyStream() = default;

  /// Called once, before anything else: `wake` is to be called, never from within read(), whenever
  /// there may be more to read.
  virtual void start(std::function<void()> wake) = 0;

  /// Appends the next part and does not take long. It stops once it has `bytes` of it, which the
  /// last piece may exceed.
  virtual More read(std::string& out, std::size_t bytes) = 0;

  /// Appends something that changes nothing, so that both sides notice if the other one is gone.
  virtual void beat(std::string& out) = 0;
};

}  // namespace kv
