#include "net/address.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace raft::net {
namespace {

Error invalid(std::string_view text, const char* what) {
  return {Errc::invalid_argument,
          "'" + std::string(text) + "' is not an address of the form host:port: " + what};
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Nothing else can be part of a host name or of an IPv4 address.
bool is_name_character(char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; }

// '%' begins the zone of a link-local address, which is the name of an interface.
bool is_ipv6_character(char c) { return is_name_character(c) || c == ':' || c == '%'; }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped_at, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stopped_at != end) {
    return std::nullopt;
  }
  return port;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return invalid(text, "the port is missing");
  }
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) {
    return invalid(text, "the port must be a number from 0 to 65535");
  }
  std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.size() > 1 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return invalid(text, "an IPv6 address must stand in brackets");
  }
  if (host.empty()) {
    return invalid(text, "the host is missing");
  }
  if (!std::all_of(host.begin(), host.end(),
                   is_bracketed ? is_ipv6_character : is_name_character)) {
    return invalid(text, "the host has a character that no host can have");
  }
  return Address{std::string(host), *port};
}

std::string to_string(const Address& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? "[" + address.host + "]" : address.host;
  return host + ":" + std::to_string(address.port);
}

}  // namespace raft::net
