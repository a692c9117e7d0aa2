// Errc as boost::system::error_code, which Asio's handlers carry.
#pragma once

#include <boost/system/error_code.hpp>
#include <libraft/error.hpp>

namespace raft {

const boost::system::error_category& raft_category() noexcept;

inline boost::system::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), raft_category()};
}

}  // namespace raft

template <>
struct boost::system::is_error_code_enum<raft::Errc> : std::true_type {};
