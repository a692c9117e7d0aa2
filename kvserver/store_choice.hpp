// With which store a data directory was begun: a file in it says so, and every later start heeds
// it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <libraft/error.hpp>

namespace kv {

enum class StoreKind { memory, rocksdb };

std::string_view to_string(StoreKind kind);
/// Absent: no store has that name.
std::optional<StoreKind> parse_store(std::string_view name);

/// The store of the data directory `data`, which only this process uses. `asked` is --store; absent
/// where it was not given: then the one that the directory was begun with, and memory for a new
/// one. `is_begun`: the directory belongs to a member of a cluster already. Returns with the answer
/// on the disk.
///
/// A log that was cut under one store says nothing to the other. So a directory keeps the store
/// that it began with, and asking for another one is an error: invalid_argument, with what to do.
/// Others: corrupt, storage_full, storage_failed.
raft::Result<StoreKind> choose_store(const std::string& data, std::optional<StoreKind> asked,
                                     bool is_begun);

}  // namespace kv
