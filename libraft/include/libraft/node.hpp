// The Asio-facing interface: a Node serves Groups.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <libraft/error_code.hpp>
#include <libraft/options.hpp>
#include <libraft/request.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/status.hpp>

namespace raft {

/// One Raft group on this node; lives as long as the node. All members may be called from any
/// thread. Reads and proposals work on every node: a follower forwards them to the leader, one hop,
/// and never sends them twice.
///
/// **Completion.** Every operation completes exactly once, on the handler's associated executor (by
/// default the node's), never inside the initiating call. A node that shuts down completes all that
/// still waits: with `stopped` what is certainly not applied, else with `unknown_outcome`. The
/// latter also ends a forwarded request that is not answered within 30 s, or whose connection
/// breaks or is replaced. From async_stop() on, new requests are refused with `stopped`; while no
/// leader can be reached, with `no_leader`.
///
/// **Cancellation** of any type ends the waiting, not the work: what reads or only waits completes
/// with `timed_out`, what may change something with `unknown_outcome`.
///
/// **Errors** that all operations share: no_leader, stopped; and once the group has failed, which
/// NodeOptions::on_failure tells, removed, corrupt, storage_failed or machine_failed.
class Group {
 public:
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// Replicates and applies one command. Completes with (error_code, Applied).
  /// Errors: not_leader, transferring, busy, too_large, invalid_argument (a session's client above
  /// 64 bytes, or its sequence 0), storage_full: not applied; dropped: certainly not applied;
  /// session_expired; unknown_outcome: cancelled, or ProposeOptions::deadline passed, or the way to
  /// the leader broke.
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
  /// Errors: busy; timed_out: cancelled, or `deadline` from now passed (0: none).
  template <class Token>
  auto async_read_barrier(ReadLevel level, Duration deadline, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, ReadLevel at, Duration until) {
          start_read(at, until, {}, std::move(handler));
        },
        token, level, deadline);
  }

  /// Runs `function` between two applies where the machine runs (the node's executor, or a worker
  /// thread if it may block), at a state that the level allows, and completes with (error_code, its
  /// result). The result is default-constructed beside an error. Once the operation has completed,
  /// `function` neither runs nor will run; one that is just running is waited for. Errors: as
  /// async_read_barrier; invalid_argument if `function` throws.
  template <class Function, class Token>
  auto async_read(ReadLevel level, Duration deadline, Function function, Token&& token) {
    using Value = std::invoke_result_t<Function&>;
    static_assert(!std::is_void_v<Value>, "return what was read");
    return boost::asio::async_initiate<Token, void(boost::system::error_code, Value)>(
        [this](auto handler, ReadLevel at, Duration until, Function read) {
          auto value = std::make_shared<Value>();
          auto executor = boost::asio::get_associated_executor(handler, default_executor());
          auto slot = boost::asio::get_associated_cancellation_slot(handler);
          auto done = [value,
                       handler = std::move(handler)](boost::system::error_code error) mutable {
            std::move(handler)(error, error ? Value() : std::move(*value));
          };
          start_read(
              at, until, [value, read = std::move(read)]() mutable { *value = read(); },
              boost::asio::bind_cancellation_slot(
                  slot, boost::asio::bind_executor(executor, std::move(done))));
        },
        token, level, deadline, std::move(function));
  }
  template <class Function, class Token>
  auto async_read(ReadLevel level, Function function, Token&& token) {
    return async_read(level, Duration{0}, std::move(function), std::forward<Token>(token));
  }

  /// Completes with (error_code) when the new membership is committed and no longer joint.
  /// Errors: conflict (another change is under way, or MembershipChange::expected_index does not
  /// match),
  /// id_taken, invalid_argument, too_large, not_leader, transferring, busy, storage_full: nothing
  /// changed; dropped: certainly not changed; unknown_outcome, also where it takes more than half a
  /// minute.
  template <class Token>
  auto async_change_membership(MembershipChange change, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, MembershipChange what) {
          start_change(std::move(what), nullptr, std::move(handler));
        },
        token, std::move(change));
  }
  /// The same, and `why` tells a person what the error code alone does not: which node, which
  /// limit. Empty where there is no more to say. It must live until the completion, before which
  /// nobody may read it.
  template <class Token>
  auto async_change_membership(MembershipChange change, std::string& why, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this, &why](auto handler, MembershipChange what) {
          start_change(std::move(what), &why, std::move(handler));
        },
        token, std::move(change));
  }

  /// Asks the node at `member.address`, which must be up and waiting to be added, who it is, and
  /// adds it as a learner. Errors: as async_change_membership; also timed_out (nobody answers there
  /// within 5 s), conflict (it is another node than `member.id`, belongs to another cluster, or
  /// refuses).
  template <class Token>
  auto async_add_member(Member member, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, Member who) {
          start_add(std::move(who), nullptr, std::move(handler));
        },
        token, std::move(member));
  }
  /// The same with `why`, as for async_change_membership.
  template <class Token>
  auto async_add_member(Member member, std::string& why, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this, &why](auto handler, Member who) {
          start_add(std::move(who), &why, std::move(handler));
        },
        token, std::move(member));
  }

  /// Completes with (error_code) when `target` leads (0: the most up-to-date voter). Errors:
  /// timed_out after two election timeouts: then this leader goes on; invalid_argument (`target` is
  /// no voter), not_leader, unknown_outcome.
  template <class Token>
  auto async_transfer_leadership(NodeId target, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, NodeId to) { start_transfer(to, nullptr, std::move(handler)); }, token,
        target);
  }
  /// The same with `why`, as for async_change_membership.
  template <class Token>
  auto async_transfer_leadership(NodeId target, std::string& why, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this, &why](auto handler, NodeId to) { start_transfer(to, &why, std::move(handler)); },
        token, target);
  }

  /// Completes with (error_code) when a snapshot of a volatile machine is on disk, or when a
  /// durable machine has made durable all that was applied at the call. On this node only; needs
  /// no leader. Errors: conflict (nothing is applied yet), storage_full, timed_out (cancelled); the
  /// snapshot that is under way is then finished all the same.
  template <class Token>
  auto async_take_snapshot(Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler) { start_snapshot(std::move(handler)); }, token);
  }

  /// A copy of the present state on the node's executor; elsewhere of the state a tick ago at most.
  Status status() const;
  GroupId id() const;

  /// The implementation; not for users.
  class Impl;
  explicit Group(Impl&);
  ~Group();

 private:
  template <class... Args>
  using Handler = boost::asio::any_completion_handler<void(boost::system::error_code, Args...)>;

  boost::asio::any_io_executor default_executor() const;
  void start_propose(Bytes command, ProposeOptions options, Handler<Applied> handler);
  void start_read(ReadLevel level, Duration deadline, std::function<void()> function,
                  Handler<> handler);
  void start_change(MembershipChange change, std::string* why, Handler<> handler);
  void start_add(Member member, std::string* why, Handler<> handler);
  void start_transfer(NodeId target, std::string* why, Handler<> handler);
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

/// The node's connections to others. Counts are of this process.
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
/// for storage and for state machines that may block. All members but the destructor may be called
/// from any thread.
class Node {
 public:
  using Executor = boost::asio::any_io_executor;

  /// Opens and locks the data directory and listens. Everything of the node then runs on one
  /// strand of `executor`, whose context must outlive the node and be run by the user, on as many
  /// threads as they like. Blocks.
  /// Errors name the directory, file, key or address: invalid_argument (options, or the address
  /// cannot be listened on, or others may write to the directory), busy (another process has the
  /// directory), corrupt, id_taken (the directory belongs to another node id), data_missing,
  /// newer_format, storage_full, storage_failed.
  static Result<std::unique_ptr<Node>> open(Executor executor, NodeOptions options);

  /// Completes what is pending, stops and joins the threads, and waits for what they are doing at
  /// that moment: a write, or a call of a state machine. Never needs the executor to run.
  ///
  /// Not at the same time as anything else on executor(): so after async_stop() has completed, or
  /// on that executor, or while nobody runs its context. Not within the handler of another
  /// operation of this node: that may run in the middle of its work. Afterwards no Group of it may
  /// be used.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Recovers one group and begins to serve it. `machine` must outlive the node. Once per group, at
  /// any time before async_stop(). Blocks until the log is read and the machine restored, and calls
  /// the machine on this thread meanwhile: where other groups run already, better not on the
  /// executor. Not at the same time as the destructor.
  /// Errors: corrupt, invalid_argument (options; the group runs already; nothing is on disk and
  /// GroupOptions::founding names no way to begin), conflict (the node belongs to another cluster
  /// than founding.cluster), data_missing, newer_format, storage_full, storage_failed, stopped, and
  /// those of the machine.
  Result<Group*> start_group(GroupOptions options, StateMachine& machine);

  /// Completes with (error_code) after handing leadership over, finishing what is in flight for at
  /// most `grace`, writing what is queued, and closing all connections. New requests are refused
  /// with `stopped` meanwhile. What is still waiting when the grace is over completes as with the
  /// destructor; a state machine that is just being called is waited for only there.
  /// Error: stopped, at once, if the node is stopping or has stopped already.
  template <class Token>
  auto async_stop(Duration grace, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler, Duration within) { start_stop(within, std::move(handler)); }, token,
        grace);
  }

  /// The strand of this node. A handler that runs on it calls a group without a hop.
  Executor executor() const;
  /// As of now: the cluster becomes known, once, while the executor runs.
  NodeIdentity identity() const;
  /// Where others reach this node: NodeOptions::advertise, else "host:port" with the real port.
  std::string address() const;
  /// As of a tick ago at most; empty before the first group.
  TransportStatus transport_status() const;

  class Impl;

 private:
  explicit Node(std::unique_ptr<Impl>);
  void start_stop(Duration grace,
                  boost::asio::any_completion_handler<void(boost::system::error_code)> handler);

  std::unique_ptr<Impl> impl_;
};

}  // namespace raft
