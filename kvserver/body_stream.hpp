// A reply's body that is made while it is sent, for as long as somebody reads it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace kv {

/// Used on the server's executor only. Destroyed when the client is gone.
class BodyStream {
 public:
  virtual ~BodyStream() = default;

  /// Called once, before anything else: `wake` is to be called, never from within read(), whenever
  /// there may be more to read.
  virtual void start(std::function<void()> wake) = 0;

  /// Appends what there is, about `bytes` of it at most. False: with this the body ends.
  virtual bool read(std::string& out, std::size_t bytes) = 0;

  /// Appends something that means nothing, so that both sides notice if the other one is gone.
  virtual void beat(std::string& out) = 0;
};

}  // namespace kv
