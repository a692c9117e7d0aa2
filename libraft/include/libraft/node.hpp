// The Asio-facing interface: a Node serves Groups.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <libraft/error_code.hpp>
#include <libraft/options.hpp>
#include <libraft/request.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/status.hpp>

namespace raft {

/// One Raft group on this node. All members may be called from any thread. Completion handlers run
/// on their own executor, never inside the initiating call. Reads and proposals work on every
/// node: a follower forwards them to the leader, one hop, and never sends them twice.
/// Cancellation (total or partial) ends the waiting: a proposal that has left the queue then
/// completes with `unknown_outcome`.
class Group {
 public:
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// Replicates and applies one command. Completes with (error_code, Applied).
  /// Errors: not_leader, no_leader, busy, too_large, storage_full, stopped: not applied; dropped:
  /// certainly not applied; session_expired; unknown_outcome.
  template <class Token>
  auto async_propose(Bytes command, ProposeOptions options, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, Applied)>(
        [this](auto handler, Bytes bytes, ProposeOptions with) {
          start_propose(std::move(bytes), std::move(with), std::move(handler));
        },
        token, std::move(command), std::move(options));
  }
  template <class Token>
  auto async_propose(Bytes command, Token&& token) {
    return async_propose(std::move(command), ProposeOptions{}, std::forward<Token>(token));
  }

  /// Completes with (error_code) once this node's machine has applied all that the level asks
  /// for. For machines that may be read at any time; others use async_read.
  /// Errors: no_leader, busy, timed_out (`deadline` from now; 0: none), stopped.
  template <class Token>
  auto async_read_barrier(ReadLevel level, Duration deadline, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, ReadLevel at, Duration until) {
          start_read(at, until, {}, std::move(handler));
        },
        token, level, deadline);
  }

  /// Runs `function` between two applies on the machine's executor, at a state that the level
  /// allows, and completes with (error_code, its result).
  template <class Function, class Token>
  auto async_read(ReadLevel level, Function function, Token&& token) {
    using Value = std::invoke_result_t<Function&>;
    static_assert(!std::is_void_v<Value>, "return what was read");
    return boost::asio::async_initiate<Token, void(boost::system::error_code, Value)>(
        [this](auto handler, ReadLevel at, Function read) {
          auto value = std::make_shared<Value>();
          auto executor = boost::asio::get_associated_executor(handler);
          auto done = [value,
                       handler = std::move(handler)](boost::system::error_code error) mutable {
            std::move(handler)(error, std::move(*value));
          };
          start_read(
              at, Duration{0}, [value, read = std::move(read)]() mutable { *value = read(); },
              boost::asio::bind_executor(executor, std::move(done)));
        },
        token, level, std::move(function));
  }

  /// Completes with (error_code) when the new membership is committed and no longer joint.
  /// Errors: conflict, id_taken, invalid_argument, and those of async_propose.
  template <class Token>
  auto async_change_membership(MembershipChange change, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, MembershipChange what) {
          start_change(std::move(what), std::move(handler));
        },
        token, std::move(change));
  }

  /// Asks the node at `address`, which must be up and waiting to be added, who it is, and adds it.
  /// As async_change_membership; `id` must be the one that answers, else id_taken.
  template <class Token>
  auto async_add_member(Member member, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, Member who) { start_add(std::move(who), std::move(handler)); }, token,
        std::move(member));
  }

  /// Completes with (error_code) when `target` leads (0: the most up-to-date voter), or with
  /// timed_out after an election timeout: then this leader goes on.
  template <class Token>
  auto async_transfer_leadership(NodeId target, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, NodeId to) { start_transfer(to, std::move(handler)); }, token, target);
  }

  /// Completes with (error_code) when a snapshot of a volatile machine is on disk, or when a
  /// durable machine has made durable all that was applied at the call.
  template <class Token>
  auto async_take_snapshot(Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler) { start_snapshot(std::move(handler)); }, token);
  }

  /// A copy of the present state.
  Status status() const;
  GroupId id() const;

  /// The implementation; not for users.
  class Impl;
  explicit Group(Impl&);
  ~Group();

 private:
  template <class... Args>
  using Handler = boost::asio::any_completion_handler<void(boost::system::error_code, Args...)>;

  void start_propose(Bytes command, ProposeOptions options, Handler<Applied> handler);
  void start_read(ReadLevel level, Duration deadline, std::function<void()> function,
                  Handler<> handler);
  void start_change(MembershipChange change, Handler<> handler);
  void start_add(Member member, Handler<> handler);
  void start_transfer(NodeId target, Handler<> handler);
  void start_snapshot(Handler<> handler);

  Impl& impl_;
};

/// What a node is, as its data directory says.
struct NodeIdentity {
  NodeId id;
  InstanceId instance;
  ClusterId cluster;  ///< 0 until founded or joined.
  BootNumber boot;
  /// On the way into a cluster, or waiting to be added: a restart goes on with it by itself.
  bool joining = false;
};

/// Counts of the node's connections to others.
struct TransportStatus {
  struct Peer {
    NodeId id;
    std::string address;
    bool connected = false;
    std::string last_error;  ///< Why the last attempt or connection ended; empty: it never did.
  };
  std::vector<Peer> peers;
  std::uint64_t connections_refused = 0;  ///< By the handshake: cluster, node, instance, version.
  std::uint64_t frames_rejected = 0;      ///< Bad magic, checksum, length or content.
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

/// A process's share in its Raft groups: the data directory, the port for other nodes, and threads
/// for storage and for state machines that may block.
class Node {
 public:
  using Executor = boost::asio::any_io_executor;

  /// Opens and locks the data directory and listens. Everything of the node then runs on one
  /// strand of `executor`, whose context must outlive the node and be run by the user.
  /// Errors name the directory, file, key or address: invalid_argument, corrupt, id_taken (the
  /// directory belongs to another node id), data_missing, newer_format, storage_failed.
  static Result<std::unique_ptr<Node>> open(Executor executor, NodeOptions options);

  /// Completes what is pending, stops and joins the threads. Never needs the executor to run.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Recovers one group and begins to serve it. `machine` must outlive the node. Call it once per
  /// group, before or while the executor runs. Errors: corrupt, invalid_argument (also: nothing on
  /// disk and no way to begin in GroupOptions::founding), data_missing, newer_format,
  /// storage_failed.
  Result<Group*> start_group(GroupOptions options, StateMachine& machine);

  /// Completes with (error_code) after handing leadership over, finishing what is in flight for at
  /// most `grace`, writing what is queued, and closing all connections. The destructor does the
  /// same without waiting: proposals complete with stopped or unknown_outcome.
  template <class Token>
  auto async_stop(Duration grace, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, Duration within) { start_stop(within, std::move(handler)); }, token,
        grace);
  }

  /// The strand of this node. A handler that runs on it calls a group without a hop.
  Executor executor() const;
  NodeIdentity identity() const;
  /// Where others reach this node: "host:port".
  std::string address() const;
  TransportStatus transport_status() const;

  class Impl;

 private:
  explicit Node(std::unique_ptr<Impl>);
  void start_stop(Duration grace,
                  boost::asio::any_completion_handler<void(boost::system::error_code)> handler);

  std::unique_ptr<Impl> impl_;
};

}  // namespace raft
