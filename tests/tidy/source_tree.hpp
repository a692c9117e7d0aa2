// The repository's files as tests see them: what is on disk, except what builds and runs leave.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tidy {

namespace fs = std::filesystem;

/// A line of a file; numbers start at 1.
struct Line {
  std::size_t number = 0;
  std::string text;
};

/// The root of the repository.
const fs::path& root();

/// All files below `folder` by path from the root, sorted. Hidden folders and the folders of builds
/// and data at the top are left out.
std::vector<fs::path> files_below(const fs::path& folder);

/// Those of `files` that have one of these extensions.
std::vector<fs::path> with_extension(std::vector<fs::path> files,
                                     std::vector<std::string_view> extensions);

/// The whole file, by path from the root.
std::string text_of(const fs::path& file);
std::vector<Line> lines_of(const fs::path& file);

/// Whether `path` lies in `folder` or below it.
bool is_below(const fs::path& path, const fs::path& folder);

}  // namespace tidy
