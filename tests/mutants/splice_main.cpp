// raft-splice MUTANTS SOURCES RESULT: copies each source file that a mutant changes, with the
// mutants in it.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "mutants/splice.hpp"

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What has not changed keeps its time, so that it is not compiled again.
void write(const fs::path& path, const std::string& text) {
  if (fs::exists(path) && text_of(path) == text) return;
  fs::create_directories(path.parent_path());
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

void run(const fs::path& folder, const fs::path& sources, const fs::path& result) {
  std::map<std::string, std::vector<mutants::Edit>> edits;
  for (const mutants::Mutant& mutant : mutants::read_mutants(folder)) {
    for (const mutants::Change& change : mutant.changes) {
      // The checkers look through the same headers, and must see what is true.
      if (!change.file.ends_with(".cpp")) {
        throw std::runtime_error(mutant.id + " changes " + change.file + ", which is no .cpp");
      }
      edits[change.file].push_back({mutant.number, mutant.id + " " + mutant.name, change});
    }
  }
  bool is_whole = true;
  for (const auto& [file, edits_of_it] : edits) {
    try {
      write(result / file, mutants::splice(text_of(sources / file), edits_of_it));
    } catch (const std::runtime_error& error) {
      std::cerr << "raft-splice: mutant " << error.what() << '\n';
      is_whole = false;
    }
  }
  if (!is_whole) throw std::runtime_error("the sources have changed; so must these mutants");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 4) throw std::runtime_error("raft-splice MUTANTS SOURCES RESULT");
    run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::cerr << "raft-splice: " << error.what() << '\n';
    return 1;
  }
}
