#include "replica/options_check.hpp"

#include <string>

#include "core/core.hpp"
#include "protocol/limits.hpp"
#include "replica/transfer_limits.hpp"

namespace raft::replica {
namespace {

Error invalid(const std::string& what) { return {Errc::invalid_argument, what}; }

Result<void> check_timing(const Timing& timing) {
  if (timing.tick <= Duration{0} || timing.heartbeat < timing.tick ||
      timing.election_timeout < 3 * timing.heartbeat ||
      timing.election_timeout > core::lease_asked_max) {
    return invalid("timing: tick <= heartbeat, 3 heartbeats <= election timeout <= 1 minute");
  }
  if (timing.snapshot_retry <= Duration{0} || timing.snapshot_patience < timing.snapshot_retry) {
    return invalid("timing: 0 < snapshot retry <= snapshot patience");
  }
  return {};
}

Result<void> between(const char* name, std::size_t value, std::size_t min, std::size_t max) {
  if (value >= min && value <= max) return {};
  return invalid("limits." + std::string(name) + " is " + std::to_string(value) +
                 ", but must be from " + std::to_string(min) + " to " + std::to_string(max));
}

/// What is in flight must leave room in the queue of a connection for all else that goes there.
Result<void> check_limits(const Limits& limits) {
  constexpr std::size_t inflight_max = send_queue_bytes_max / 2;
  constexpr std::size_t any = ~std::size_t{0};
  for (const Result<void>& checked :
       {between("command_bytes_max", limits.command_bytes_max, 0, content_bytes_max),
        between("append_bytes_max", limits.append_bytes_max, 0, content_bytes_max),
        between("inflight_bytes_max", limits.inflight_bytes_max, 1, inflight_max),
        between("inflight_appends_max", limits.inflight_appends_max, 1, any),
        between("snapshot_chunk_bytes", limits.snapshot_chunk_bytes, 1, chunk_bytes_max)}) {
    if (!checked) return checked;
  }
  return {};
}

Result<void> check_member(const std::string& name, const std::string& address,
                          const Bytes& attributes) {
  if (address.size() > address_bytes_max) {
    return invalid(name + "address has more than " + std::to_string(address_bytes_max) + " bytes");
  }
  if (attributes.size() > attributes_bytes_max) {
    return invalid(name + "attributes has more than " + std::to_string(attributes_bytes_max) +
                   " bytes");
  }
  return {};
}

}  // namespace

Result<void> check(const GroupOptions& options) {
  if (options.lease_reads && !options.check_quorum) {
    return invalid("lease_reads need check_quorum");
  }
  if (const auto checked = check_timing(options.timing); !checked) return checked;
  if (const auto checked = check_limits(options.limits); !checked) return checked;
  if (const auto checked = check_member("", {}, options.attributes); !checked) return checked;
  if (options.founding.initial_members.size() > members_max) {
    return invalid("founding.initial_members has more than " + std::to_string(members_max));
  }
  for (const InitialMember& member : options.founding.initial_members) {
    const auto checked =
        check_member("founding.initial_members: ", member.address, member.attributes);
    if (!checked) return checked;
  }
  return {};
}

}  // namespace raft::replica
