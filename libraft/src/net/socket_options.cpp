#include "net/socket_options.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

namespace raft::net {
namespace {

void set(int socket, int level, int option, int value) {
  static_cast<void>(::setsockopt(socket, level, option, &value, sizeof value));
}

// Idle links are probed: without data on the way TCP would never notice that the other side is
// gone. With data on the way the user timeout decides, where the system knows it.
void notice_silence(int socket, Duration silence_max) {
  using std::chrono::duration_cast;
  const auto seconds = static_cast<int>(duration_cast<std::chrono::seconds>(silence_max).count());
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
  const int probes = 3;
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, std::max(1, seconds - probes));
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, probes);
#else
  static_cast<void>(seconds);
#endif
#ifdef TCP_USER_TIMEOUT
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
      static_cast<int>(duration_cast<std::chrono::milliseconds>(silence_max).count()));
#endif
}

void close_on_exec(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFD);
  if (flags >= 0) {
    static_cast<void>(::fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC));
  }
}

}  // namespace

void prepare_stream(boost::asio::ip::tcp::socket& socket, Duration silence_max) {
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  notice_silence(socket.native_handle(), silence_max);
  close_on_exec(socket.native_handle());
}

void close_on_exec(boost::asio::ip::tcp::acceptor& acceptor) {
  close_on_exec(acceptor.native_handle());
}

}  // namespace raft::net
