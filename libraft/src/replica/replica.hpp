// The driver of one group: carries out what the core wants, and keeps the callers' promises.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/options.hpp>
#include <libraft/request.hpp>
#include <libraft/status.hpp>
#include "core/core.hpp"
#include "core/invariants.hpp"
#include "protocol/hello.hpp"
#include "protocol/service.hpp"
#include "replica/log_sizes.hpp"
#include "replica/machine.hpp"
#include "replica/membership_service.hpp"
#include "replica/ports.hpp"
#include "replica/proposals.hpp"
#include "replica/reads.hpp"
#include "replica/serial_queue.hpp"
#include "replica/snapshot_receiver.hpp"
#include "replica/snapshot_sender.hpp"
#include "storage/snapshot_files.hpp"
#include "util/log.hpp"

namespace raft::replica {

/// Who this replica is.
struct Self {
  NodeId id;
  InstanceId instance;
  BootNumber boot;
  std::uint64_t seed = 0;  ///< For election timeouts.
};

struct Ports {
  Outbox& outbox;
  Storage& storage;
  Worker& worker;
  Driver& driver;
  storage::SnapshotFiles& files;
  util::Log log;
};

/// Requests and events only feed the core and ask the driver for one pump() at the end of the
/// turn. Callers' completions run in run_completions(), after the pump, never inside a request.
/// Touched by one thread; needs no lock, clock or thread of its own.
class Replica {
 public:
  /// Brings the machine to where the disk says it was, then makes the replica. Blocks. Errors:
  /// corrupt, data_missing, newer_format, storage_failed, invalid_argument (options), and those of
  /// the machine; the detail says what to do.
  static Result<std::unique_ptr<Replica>> open(const Self& self, const GroupOptions& options,
                                               RecoveredLog recovered, StateMachine& machine,
                                               const Ports& ports);
  ~Replica();

  // --- requests; `done` is called exactly once. What they return is a ticket for cancel(). ---
  std::uint64_t propose(Command command, Instant deadline, Proposal::Done done);
  /// `function`, if any, runs between two applies where the machine runs.
  std::uint64_t read(ReadLevel level, Instant deadline, Read::Function function, Done done);
  std::uint64_t change_membership(MembershipChange change, Done done);
  std::uint64_t transfer_leadership(NodeId target, Done done);
  std::uint64_t take_snapshot(Done done);
  /// Ends the waiting; what was proposed may still be applied.
  void cancel(std::uint64_t ticket);

  // --- events ---
  void receive(const Message& message);
  /// `reply` answers on the connection that the request came on; empty: by the outbox.
  using Reply = util::UniqueFunction<void(ServiceMessage)>;
  void receive(ServiceMessage message, Reply reply);
  void peer_connected(NodeId peer);
  void peer_lost(NodeId peer);
  /// Another node says that this one's identity is taken or removed.
  void refused(const Refused& why);
  void tick();

  // --- the turn ---
  void pump();
  void run_completions();

  /// From now on requests are refused with `stopped`, and what waits already goes on.
  void wind_down() { stopping_ = true; }
  /// Completes everything that waits: `stopped` if certainly not applied, else unknown_outcome.
  void stop();

  // --- state ---
  Status status() const;
  GroupId group() const { return options_.group; }
  const core::Core& core() const { return core_; }
  const std::optional<Error>& failure() const { return failure_; }
  /// What this node can show for itself when it greets another.
  Standing standing() const;
  /// Nobody waits for anything, and all is on the disk.
  bool is_idle() const;

 private:
  Replica(const Self& self, const GroupOptions& options, core::Recovered recovered,
          std::unique_ptr<Machine> machine, std::optional<SnapshotInfo> newest, const Ports& ports);

  // replica.cpp
  void carry_out(core::Ready& ready);
  void send(const Message& message);
  void persist(PersistWork work);
  void persisted(std::uint64_t number, const Storage::Written& written);
  void fetch(const core::LogFetch& fetch);
  void no_entries_to_apply(const core::LogFetch& wanted, const Error& error);
  void soft_state_changed(const core::SoftState& soft);
  void observe(const core::Note& note);
  void fail_if_removed();
  void fail(Error error);
  void wake();
  void complete(Done done, Result<void> result);
  void tell(Answers& answers);
  void tell(Completions& completions);

  // applying.cpp
  void apply(std::vector<EntryPtr> entries);
  void commit_again();
  void applied(std::vector<EntryPtr> entries, Result<std::vector<Outcome>> outcomes);
  void machine_is_full(const Error& error, util::UniqueFunction<void()> again);
  void tell_applied(const std::vector<EntryPtr>& entries, std::vector<Outcome> outcomes);
  void machine_reached(Index index);

  // requests.cpp
  void ask_for_read(Read read);
  void granted(const core::ReadGrant& grant);
  void serve(Read read);
  void expire();
  std::optional<Error> reason_to_refuse() const;
  std::optional<Error> reason_to_refuse(const Command& command) const;
  std::optional<Error> append(Command& command, Proposal& proposal);
  std::optional<Error> forward(Command& command, Proposal& proposal);
  void on(NodeId from, ProposeRequest request);
  void on(ProposeReply reply);
  void on(NodeId from, ChangeRequest request, Reply reply);
  void on(NodeId from, TransferRequest request, Reply reply);
  void on(ServiceReply reply);
  void on(NodeId from, JoinRequest request, Reply reply);
  Done answer_with(NodeId to, RequestId id, Reply reply);
  bool leads() const;
  Error not_leading() const;
  void end_forwarded(NodeId leader);

  // snapshots.cpp
  void restore(const SnapshotMeta& meta);
  void restore_from(const SnapshotInfo& file);
  void restored(const SnapshotInfo& file);
  void snapshot_ended(const core::SnapshotWanted& wanted, const Result<void>& result);
  void start_snapshot();
  void no_capture(const Error& error);
  void write_snapshot(std::shared_ptr<Capture> capture);
  void snapshot_written(const Result<SnapshotInfo>& written);
  void snapshot_is_there(const SnapshotInfo& file);
  void no_snapshot(const Error& error);
  void end_taking(const Result<void>& result);
  void file_is_there(const SnapshotInfo& file);
  void maintain_log();
  void request_durable_if_due();
  void tell_durable_callers();
  void fail_snapshot_callers(const Error& error);
  void cancel_snapshot(std::uint64_t ticket);
  bool snapshot_is_due() const;
  void shorten_log(Index upto);
  void remove_old_files();

  const Self self_;
  const GroupOptions options_;
  Ports ports_;
  std::unique_ptr<Machine> machine_;
  core::Core core_;
  core::Previous previous_;
  SerialQueue machine_queue_;
  SerialQueue files_queue_;
  SnapshotSender sender_;
  SnapshotReceiver receiver_;

  // Who waits for what.
  Proposals proposals_;
  ForwardedProposals forwarded_proposals_;
  Reads reads_;
  PendingChanges changes_;
  PendingTransfers transfers_;
  ForwardedRequests forwarded_requests_;
  /// Callers of take_snapshot(), by their tickets.
  std::map<std::uint64_t, Done> snapshot_callers_;
  struct DurableCaller {
    std::uint64_t ticket;
    Done done;
  };
  std::multimap<Index, DurableCaller> durable_callers_;  ///< Until the machine reaches the index.
  std::vector<util::UniqueFunction<void()>> completions_;
  std::uint64_t last_ticket_ = 0;

  /// Messages that wait for their batch, in the order of the batches.
  struct Held {
    std::uint64_t number;
    bool writes;
    std::vector<Message> messages;
  };
  std::deque<Held> held_;

  std::optional<Error> failure_;
  bool stopping_ = false;
  NodeId leader_;  ///< As last told by the core.
  LoggedMembership applied_membership_;
  Index reached_;  ///< What the machine has, as told on this thread.

  // While the machine has no space.
  bool machine_is_full_ = false;
  std::vector<EntryPtr> unwritten_;         ///< Executed and not committed.
  util::UniqueFunction<void()> try_again_;  ///< Empty while a try is under way.
  Instant try_again_at_{};
  std::optional<core::LogFetch> fetch_again_;  ///< What the log had no space to be opened for.
  Instant fetch_again_at_{};

  std::optional<SnapshotInfo> newest_snapshot_;  ///< Finished here, own or received.
  std::map<Index, SnapshotInfo> received_;       ///< Received and not yet restored from.
  bool taking_snapshot_ = false;
  Duration snapshot_pause_{};  ///< Grows while own snapshots fail.
  Instant no_snapshot_before_{};
  bool compacting_ = false;
  Index shortened_for_;  ///< The last snapshot or flush that the log was shortened for.
  Index durable_requested_;
  LogSizes sizes_;
  Instant last_maintenance_{};
  Counters counters_;
  std::optional<Instant> absurd_term_logged_;
};

}  // namespace raft::replica
