// A recorder with a TCP transport of its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "net/recorder.hpp"
#include "net/tcp_transport.hpp"
#include "util/log.hpp"

namespace raft::test {

struct TcpNode {
  TcpNode(boost::asio::io_context& context, NodeId id, const net::TcpOptions& options = {},
          const std::string& listen = "127.0.0.1:0")
      : recorder(id),
        log([this](LogLevel, std::string_view, std::string_view line) { lines.emplace_back(line); },
            LogLevel::debug),
        transport(context.get_executor(), id, options, recorder, log) {
    REQUIRE(transport.listen(listen));
    recorder.own.address = transport.local_address();
  }

  std::string address() const { return transport.local_address(); }
  bool logged(const std::string& part) const {
    for (const std::string& line : lines) {
      if (line.find(part) != std::string::npos) {
        return true;
      }
    }
    return false;
  }

  std::vector<std::string> lines;
  Recorder recorder;
  util::Log log;
  net::TcpTransport transport;
};

}  // namespace raft::test
