// Messages compared by value, entries and memberships included.
#pragma once

#include "protocol/message.hpp"
#include "protocol/service.hpp"

namespace raft::wire {

bool same(const Message& a, const Message& b);

}  // namespace raft::wire
