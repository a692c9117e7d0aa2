#include "system/ports.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <stdexcept>

namespace system_test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int bind_to(std::uint16_t port) {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (bind(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return handle;
  close(handle);
  return -1;
}

// Ports that the kernel gives to outgoing connections are no good: while a killed node is down,
// any connection may take its port, and one that dials it may even connect to itself.
std::uint16_t first_outgoing_port() {
  std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
  unsigned first = 32768;
  range >> first;
  return static_cast<std::uint16_t>(first > 12000 ? first : 32768);
}

std::uint16_t next_candidate() {
  static const std::uint16_t lowest = 10000;
  static const std::uint16_t end = first_outgoing_port();
  // Several test programs may run at once: each begins somewhere else.
  static unsigned next = std::random_device{}();
  return static_cast<std::uint16_t>(lowest + next++ % static_cast<unsigned>(end - lowest));
}

// A bound socket and its port.
struct Bound {
  int handle;
  std::uint16_t port;
};

Bound bind_somewhere() {
  for (int tries = 0; tries < 1000; ++tries) {
    const std::uint16_t port = next_candidate();
    if (const int handle = bind_to(port); handle >= 0) return {handle, port};
  }
  throw std::runtime_error("no free port on loopback");
}

std::string to_text(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

bool becomes_closed(int handle) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  char buffer[4096];
  while (std::chrono::steady_clock::now() < until) {
    pollfd waiting{handle, POLLIN, 0};
    if (poll(&waiting, 1, 100) <= 0) continue;
    if (recv(handle, buffer, sizeof buffer, 0) <= 0) return true;
  }
  return false;
}

}  // namespace

std::string free_address() {
  const Bound bound = bind_somewhere();
  close(bound.handle);
  return to_text(bound.port);
}

std::string free_decade() {
  for (int tries = 0; tries < 1000; ++tries) {
    const auto first = static_cast<std::uint16_t>(next_candidate() / 10 * 10 + 10);
    bool is_free = true;
    for (std::uint16_t port = first; port < first + 3; ++port) {
      const int handle = bind_to(port);
      if (handle >= 0) close(handle);
      is_free = is_free && handle >= 0;
    }
    std::string address = to_text(first);
    address.pop_back();
    // The decade that follows is somebody else's.
    for (int used = 0; used < 20; ++used) next_candidate();
    if (is_free) return address;
  }
  throw std::runtime_error("no three free ports on loopback");
}

OccupiedPort::OccupiedPort() {
  const Bound bound = bind_somewhere();
  socket_ = bound.handle;
  address_ = to_text(bound.port);
  if (listen(socket_, 1) != 0) throw std::runtime_error("cannot listen on " + address_);
}

OccupiedPort::~OccupiedPort() { close(socket_); }

bool closes_after(const std::string& address, const std::string& bytes) {
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  const sockaddr_in to = loopback(port);
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool closed = false;
  if (connect(handle, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    // The other side may close before it has read all: then sending fails, which is as good.
    const ssize_t sent = send(handle, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    closed = sent < 0 || becomes_closed(handle);
  }
  close(handle);
  return closed;
}

}  // namespace system_test
