// Ports of loopback that nobody uses at the moment.
#pragma once

#include <cstdint>
#include <string>

namespace system_test {

/// "127.0.0.1:PORT", where nobody listens now. Never the same twice in one process.
std::string free_address();

/// The same without its last digit: 0 to 2 in its place are three addresses where nobody listens.
std::string free_decade();

/// Listens on a free port for as long as it lives, and never accepts.
class OccupiedPort {
 public:
  OccupiedPort();
  ~OccupiedPort();
  OccupiedPort(const OccupiedPort&) = delete;
  OccupiedPort& operator=(const OccupiedPort&) = delete;

  const std::string& address() const { return address_; }

 private:
  std::string address_;
  int socket_ = -1;
};

/// Connects to `address`, sends the bytes and waits until the other side closes the connection.
/// False: it could not connect, or the other side had not closed within ten seconds.
bool closes_after(const std::string& address, const std::string& bytes);

}  // namespace system_test
