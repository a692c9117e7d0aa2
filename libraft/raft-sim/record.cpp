// record        := "configuration " text, "next " seed, part...
// part          := "summary " label, line of a summary...
// Lines of a summary before the first part are of an unlabelled one.
#include "record.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "summary_text.hpp"

namespace raft_sim {
namespace {

using raft::sim::Summary;

const std::string configuration_mark = "configuration ";
const std::string next_mark = "next ";
const std::string part_mark = "summary ";

}  // namespace

Summary& Record::of(const std::string& label) {
  const auto part =
      std::find_if(parts.begin(), parts.end(), [&](const Part& one) { return one.label == label; });
  if (part != parts.end()) return part->summary;
  return parts.emplace_back(Part{label, {}}).summary;
}

Summary Record::total() const {
  Summary total;
  for (const Part& part : parts) total.add(part.summary);
  return total;
}

Record load(const std::string& path) {
  Record record;
  std::string label;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(configuration_mark)) {
      record.configuration = line.substr(configuration_mark.size());
    } else if (line.starts_with(next_mark)) {
      record.next = std::stoull(line.substr(next_mark.size()));
    } else if (line.starts_with(part_mark)) {
      label = line.substr(part_mark.size());
    } else {
      read_line(line, record.of(label));
    }
  }
  return record;
}

void save(const std::string& path, const Record& record) {
  const std::string temporary = path + ".tmp";
  std::ofstream file(temporary);
  file << configuration_mark << record.configuration << '\n' << next_mark << record.next << '\n';
  for (const Record::Part& part : record.parts) {
    file << part_mark << part.label << '\n';
    write(file, part.summary);
  }
  file.close();
  if (!file) throw std::runtime_error("cannot write " + temporary);
  std::filesystem::rename(temporary, path);
}

}  // namespace raft_sim
