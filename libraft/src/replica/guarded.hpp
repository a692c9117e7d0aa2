// What the user's code throws, as an error.
#pragma once

#include <exception>
#include <new>
#include <string>

#include <libraft/error.hpp>

namespace raft::replica {

/// The result of `call`, or an error with this code that says what `who` threw. bad_alloc goes on:
/// nothing can be promised without memory.
template <class Call>
auto guarded(Errc code, const char* who, Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return Error{code, std::string(who) + " threw: " + error.what()};
  } catch (...) {
    return Error{code, std::string(who) + " threw"};
  }
}

}  // namespace raft::replica
