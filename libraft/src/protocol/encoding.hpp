// Entries and memberships as bytes: one form, on the wire, on disk and in snapshots.
#pragma once

#include <cstddef>
#include <cstdint>

#include <libraft/membership.hpp>
#include "protocol/entry.hpp"
#include "protocol/message.hpp"
#include "util/bytes.hpp"

namespace raft {

/// Terms from here on are refused as nonsense: no cluster ever gets there, and the next one still
/// fits its integer. Indexes and durations have the same limit for the same reasons.
inline constexpr std::uint64_t term_limit = std::uint64_t{1} << 62;

/// The least that an encoded entry takes, to bound a count of entries by the bytes that follow.
inline constexpr std::size_t entry_bytes_min = 25;

// A decode of hostile bytes either succeeds or leaves the reader failed; then what it returns is
// not to be used. It allocates only in proportion to bytes that are there, never by a claimed
// length or count.

void encode(const Entry& entry, util::Writer& out);
/// Null on failure. Term and index are at least 1; a membership in it has a voter.
EntryPtr decode_entry(util::Reader& in);

void encode(const Membership& membership, util::Writer& out);
/// Checks that ids ascend from 1 or more, roles are known and `outgoing` fits `members`: it names
/// members only, all that are leaving among them. Only the membership before any founding has no
/// voter.
Membership decode_membership(util::Reader& in);

void encode(const MembershipChange& change, util::Writer& out);
/// Takes any ids and indexes: they come from users and whoever leads answers `invalid_argument`.
/// Were they refused here, a user's mistake on a follower would break its connection.
MembershipChange decode_membership_change(util::Reader& in);

void encode(const Member& member, util::Writer& out);
/// Takes any id; the role is a known one.
Member decode_member(util::Reader& in);

/// A null membership is written as an empty one.
void encode(const SnapshotMeta& meta, util::Writer& out);
/// The membership is never null, was set at or below the last index, and has a voter unless the
/// snapshot covers nothing.
SnapshotMeta decode_snapshot_meta(util::Reader& in);

void encode(const Command& command, util::Writer& out);
Command decode_command(util::Reader& in);

void encode(EntryId id, util::Writer& out);
/// Either the place before the first entry, 0/0, or a term and an index of at least 1.
EntryId decode_entry_id(util::Reader& in);

/// A number below term_limit.
std::uint64_t decode_limited(util::Reader& in);
Term decode_term(util::Reader& in);
Index decode_index(util::Reader& in);
void encode(NodeId id, util::Writer& out);
NodeId decode_node_id(util::Reader& in);  ///< 0 is a failure.
void encode_duration(Duration duration, util::Writer& out);
Duration decode_duration(util::Reader& in);  ///< In nanoseconds; negative ones are a failure.
void encode(InstanceId instance, util::Writer& out);
InstanceId decode_instance(util::Reader& in);

}  // namespace raft
