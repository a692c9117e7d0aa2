// The content of a store as a stream of bytes, the same for every engine.
#pragma once

#include <memory>

#include <libraft/state_machine.hpp>
#include "kvserver/store_engine.hpp"

namespace kv {

/// Encodes a view as it is read. Equal contents give equal bytes, whatever the engine and however
/// much is asked for at a time. `applied` is the last entry whose effects the view shows.
std::unique_ptr<raft::SnapshotReader> make_snapshot_stream(std::unique_ptr<FrozenView> view,
                                                           Index applied);

/// What a stream held.
struct LoadedSnapshot {
  Index applied;
  Totals totals;
};

/// Reads a whole stream into `target`, without finishing it. Memory is bounded by the largest item
/// that is really there. Errors: corrupt, and those of the source and the target.
Result<LoadedSnapshot> load_snapshot(raft::SnapshotReader& source, Replacement& target);

}  // namespace kv
