#include "kvserver/address.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "kvserver/units.hpp"

namespace kv {
namespace {

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_host(std::string_view host, bool bracketed) {
  if (!bracketed) return host.size() <= 253 && std::all_of(host.begin(), host.end(), is_host_char);
  boost::system::error_code error;
  boost::asio::ip::make_address_v6(std::string(host), error);
  return !error;
}

std::optional<boost::asio::ip::address> numeric(const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (error) return std::nullopt;
  return address;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const auto number = parse_number(port);
  if (!number || *number > 65535 || port.size() > 5) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!is_host(host, bracketed)) return std::nullopt;
  return Address{host.empty() ? "0.0.0.0" : std::string(host), std::string(port)};
}

std::string to_string(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + address.port;
}

bool is_loopback(const Address& address) {
  if (address.host == "localhost") return true;
  const auto number = numeric(address.host);
  return number && number->is_loopback();
}

bool is_wildcard(const Address& address) {
  const auto number = numeric(address.host);
  return number && number->is_unspecified();
}

}  // namespace kv
