#include "tidy/source_tree.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace tidy {

namespace {

bool is_left_out(const fs::path& folder) {
  if (folder.filename().native().front() == '.') return true;
  return folder == root() / "build" || folder == root() / "data";
}

}  // namespace

const fs::path& root() {
  static const fs::path path = LIBRAFT_SOURCE_FOLDER;
  return path;
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  fs::recursive_directory_iterator entries(root() / folder);
  for (const auto& entry : entries) {
    if (entry.is_directory() && is_left_out(entry.path())) entries.disable_recursion_pending();
    if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(root()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> with_extension(std::vector<fs::path> files,
                                     std::vector<std::string_view> extensions) {
  std::erase_if(files, [&](const fs::path& file) {
    return std::find(extensions.begin(), extensions.end(), file.extension().native()) ==
           extensions.end();
  });
  return files;
}

std::string text_of(const fs::path& file) {
  std::ifstream stream(root() / file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<Line> lines_of(const fs::path& file) {
  std::vector<Line> lines;
  std::istringstream stream(text_of(file));
  for (std::string text; std::getline(stream, text);) lines.push_back({lines.size() + 1, text});
  return lines;
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const auto end = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end.first == folder.end();
}

}  // namespace tidy
