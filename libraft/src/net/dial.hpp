// One attempt to open a TCP connection.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "net/address.hpp"
#include "util/unique_function.hpp"
#include "wire/links/link_environment.hpp"

namespace raft::net {

/// Waits for a while, resolves the host and tries its addresses one after the other. Nothing here
/// blocks. Used on one strand; keeps itself alive until it is over.
class Dial final : public wire::Dial, public std::enable_shared_from_this<Dial> {
 public:
  /// Errors: invalid_argument (the address cannot be parsed), timed_out (nobody could be reached);
  /// both say why.
  using Done = util::UniqueFunction<void(Result<boost::asio::ip::tcp::socket>)>;

  struct Times {
    Duration pause{0};  ///< Before anything is done.
    Duration timeout;   ///< For resolving, and again for all connecting together.
  };

  /// `done` is called once, never from within this call.
  static std::shared_ptr<Dial> start(const boost::asio::any_io_executor& executor,
                                     const std::string& address, Times times, Done done);

  explicit Dial(const boost::asio::any_io_executor& executor, Times times, Done done);

  /// Gives up. `done` is not called any more.
  void cancel() override;

 private:
  using Tcp = boost::asio::ip::tcp;

  void begin(const std::string& text);
  void resolve(const Address& address);
  void connect_next();
  void connected(const Tcp::endpoint& endpoint);
  void finish(Result<Tcp::socket> result);

  /// Late handlers of an earlier step know it by the number that they carry.
  std::uint64_t next_step() { return ++step_; }
  template <class Function>
  void after(Duration wait, std::uint64_t step, Function function);

  Times times_;
  Done done_;

  Tcp::resolver resolver_;
  Tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::uint64_t step_ = 0;

  std::vector<Tcp::endpoint> endpoints_;  ///< What the host resolved to.
  std::size_t tried_ = 0;                 ///< How many of them.
  std::string failure_;                   ///< Of the last one tried.
  bool was_resolved_ = false;             ///< The addresses come from a name.
};

}  // namespace raft::net
