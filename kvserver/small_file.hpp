// Files of one line that must be there whole after a power cut, or as they were before.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <libraft/error.hpp>

namespace kv {

/// The first 64 bytes: more than any line that belongs into such a file, so that one sees whether
/// something follows. Absent: there is no such file. Errors: storage_failed.
raft::Result<std::optional<std::string>> read_small_file(const std::string& path);

/// Makes the file or replaces it, mode 0600: under another name, `path` with ".tmp" behind it,
/// synced, renamed, and the folder synced. Errors: storage_full, storage_failed; then the file
/// holds the old content or the new one.
raft::Result<void> replace_small_file(const std::string& path, std::string_view content);

/// So that the names in it outlive a power cut. Errors: storage_full, storage_failed.
raft::Result<void> sync_folder(const std::string& path);

/// What the system refused to do, and why. Never an empty detail.
raft::Error file_error(const char* action, const std::string& path, int error);

}  // namespace kv
