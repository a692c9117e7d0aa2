// "host:port" as people write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <libraft/error.hpp>

namespace raft::net {

/// A host, numeric or named, and a port. IPv6 addresses stand in brackets when written as text.
struct Address {
  std::string host;  ///< Without brackets.
  std::uint16_t port = 0;

  bool operator==(const Address&) const = default;
};

/// Errors: invalid_argument, naming the text and what is wrong with it.
Result<Address> parse_address(std::string_view text);

std::string to_string(const Address& address);

}  // namespace raft::net
