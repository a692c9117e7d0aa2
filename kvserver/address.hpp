// "host:port" as flags and membership requests name it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kv {

struct Address {
  std::string host;  ///< A name or a number; IPv6 without its brackets.
  std::string port;  ///< A decimal number up to 65535.

  bool operator==(const Address&) const = default;
};

/// "127.0.0.1:6000", "node1.example:6000", "[::1]:6000", ":6000" (all interfaces). Absent: not of
/// that form.
std::optional<Address> parse_address(std::string_view text);

/// With brackets where IPv6 needs them.
std::string to_string(const Address& address);

/// Whether only this machine can reach it.
bool is_loopback(const Address& address);

/// Whether it names all interfaces, and so nothing that others could dial.
bool is_wildcard(const Address& address);

}  // namespace kv
