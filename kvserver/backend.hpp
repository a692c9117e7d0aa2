// What the HTTP side asks of the cluster: the seam between the server and the group.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <libraft/node.hpp>
#include "kvserver/kv_store.hpp"
#include "kvserver/response.hpp"

namespace kv {

/// One node of the cluster as the server sees it. Called on executor() only; handlers run there
/// too, never inside the initiating call.
class Backend {
 public:
  using Handler = boost::asio::any_completion_handler<void(boost::system::error_code)>;
  using Proposed =
      boost::asio::any_completion_handler<void(boost::system::error_code, raft::Applied)>;

  /// With what tells a person more than the error does, where there is more to tell.
  using Changed =
      boost::asio::any_completion_handler<void(boost::system::error_code, std::string why)>;

  virtual ~Backend() = default;

  virtual boost::asio::any_io_executor executor() const = 0;

  /// May be some milliseconds old; asked for with every reply, so it must be cheap.
  virtual Position position() const = 0;
  /// Where a member's HTTP interface is: "host:port". Empty: unknown.
  virtual std::string http_address(raft::NodeId id) const = 0;

  virtual raft::Result<std::optional<Item>> get(BytesView key) const = 0;
  virtual raft::Result<void> scan(const Range& range, const Visitor& visit) const = 0;
  virtual void propose(Bytes command, raft::ProposeOptions options, Proposed done) = 0;
  virtual void read_barrier(raft::ReadLevel level, raft::Duration deadline, Handler done) = 0;

  virtual void add_member(raft::Member member, Changed done) = 0;
  virtual void remove_member(raft::NodeId id, Changed done) = 0;
  virtual void transfer_leadership(raft::NodeId to, Changed done) = 0;

  virtual raft::Status status() const = 0;
  virtual raft::TransportStatus transport_status() const = 0;
  virtual raft::NodeIdentity identity() const = 0;
  virtual Totals totals() const = 0;
  /// Outlives whoever listens to it.
  virtual ChangeHistory& changes() = 0;
  /// What may still be written to the disk of the log. Absent: it cannot be told.
  virtual std::optional<std::uint64_t> free_bytes() const = 0;
};

}  // namespace kv
