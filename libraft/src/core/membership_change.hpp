// From one membership to the next: pure functions (thesis 4.2 and 4.3).
#pragma once

#include <libraft/error.hpp>
#include <libraft/membership.hpp>

namespace raft::core {

/// The membership that begins a change: joint when the set of voters changes, simple otherwise,
/// equal to `current` when all of it is so already. `current` is simple.
/// Errors: invalid_argument (an id named twice, unknown or 0, no instance or address, no voter
/// left), id_taken (the id is a member with another instance), too_large (as check_size(), or more
/// members than a membership may have).
Result<Membership> enter(const Membership& current, const MembershipChange& change);

/// Whether the change fits a message between nodes. too_large: the detail says what does not.
Result<void> check_size(const MembershipChange& change);

/// The simple membership that ends a joint one.
Membership leave(const Membership& joint);

}  // namespace raft::core
