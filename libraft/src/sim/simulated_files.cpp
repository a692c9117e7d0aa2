#include "sim/simulated_files.hpp"

#include <algorithm>
#include <utility>

#include "util/assert.hpp"

namespace raft::sim {
namespace {

constexpr std::size_t page_bytes = 4096;

bool is_heads(core::Random& random) { return random.between(0, 2) == 0; }

// A page as the disk has it: what lies behind the end of the file is zeros.
Bytes page_at(const Bytes& content, std::size_t offset) {
  Bytes page = offset < content.size() ? content.substr(offset, page_bytes) : Bytes();
  page.resize(page_bytes, '\0');
  return page;
}

Bytes settled_page(const Bytes& old_page, const Bytes& new_page, core::Random& random) {
  if (old_page == new_page) return old_page;
  switch (random.between(0, 3)) {
    case 0:
      return old_page;
    case 1:
      return new_page;
    default: {
      const auto torn_at = static_cast<std::size_t>(random.between(1, page_bytes));
      return new_page.substr(0, torn_at) + old_page.substr(torn_at);
    }
  }
}

std::size_t settled_size(std::size_t old_size, std::size_t new_size, core::Random& random) {
  if (old_size == new_size) return old_size;
  switch (random.between(0, 4)) {
    case 0:
      return old_size;
    case 1: {
      const auto [low, high] = std::minmax(old_size, new_size);
      return static_cast<std::size_t>(random.between(low, high + 1));
    }
    default:
      return new_size;
  }
}

}  // namespace

class SimulatedFiles::FileWriter final : public storage::FileSystem::Writer {
 public:
  FileWriter(DiskFaults& faults, FilePtr file, std::string path)
      : faults_(faults), life_(faults.life()), file_(std::move(file)), path_(std::move(path)) {}

  Result<void> append(BytesView bytes) override {
    if (const Result<void> allowed = allow(DiskOperation::write); !allowed) {
      if (allowed.code() == Errc::storage_full) file_->content.append(bytes, 0, bytes.size() / 2);
      return allowed;
    }
    file_->content.append(bytes);
    return {};
  }

  Result<void> sync() override {
    if (const Result<void> allowed = allow(DiskOperation::sync); !allowed) {
      file_->sync_lies = true;
      return allowed;
    }
    if (!file_->sync_lies) file_->durable = file_->content;
    return {};
  }

 private:
  Result<void> allow(DiskOperation operation) {
    if (faults_.life() != life_) {
      return Error{Errc::storage_failed, path_ + ": opened before a power cut"};
    }
    return faults_.allow(operation, path_);
  }

  DiskFaults& faults_;
  const std::uint64_t life_;
  const FilePtr file_;
  const std::string path_;
};

Result<std::unique_ptr<storage::FileSystem::Writer>> SimulatedFiles::create(
    const std::string& name) {
  const auto allowed = faults_.allow(DiskOperation::write, path_of(name));
  if (!allowed) return allowed.error();
  if (const auto found = names_.find(name); found != names_.end()) {
    found->second->content.clear();
  } else {
    change_name({std::make_shared<File>(), std::nullopt, name});
  }
  std::unique_ptr<Writer> writer =
      std::make_unique<FileWriter>(faults_, names_.at(name), path_of(name));
  return writer;
}

Result<std::unique_ptr<storage::FileSystem::Writer>> SimulatedFiles::reopen(
    const std::string& name) {
  Result<FilePtr> file = find(name);
  if (!file) return file.error();
  std::unique_ptr<Writer> writer =
      std::make_unique<FileWriter>(faults_, *std::move(file), path_of(name));
  return writer;
}

Result<Bytes> SimulatedFiles::read(const std::string& name, std::uint64_t offset,
                                   std::size_t max) const {
  const Result<FilePtr> file = find(name);
  if (!file) return file.error();
  const Bytes& content = (*file)->content;
  if (offset >= content.size()) return Bytes();
  return content.substr(static_cast<std::size_t>(offset), max);
}

Result<void> SimulatedFiles::rename(const std::string& from, const std::string& to) {
  const auto allowed = faults_.allow(DiskOperation::rename, path_of(from));
  if (!allowed) return allowed;
  const auto found = names_.find(from);
  if (found == names_.end()) return Error{Errc::storage_failed, path_of(from) + ": no such file"};
  change_name({found->second, from, to});
  if (renamed) renamed(from, to);
  return {};
}

Result<void> SimulatedFiles::remove(const std::string& name) {
  const auto allowed = faults_.allow(DiskOperation::rename, path_of(name));
  if (!allowed) return allowed;
  const auto found = names_.find(name);
  if (found != names_.end()) change_name({found->second, name, std::nullopt});
  return {};
}

Result<void> SimulatedFiles::sync_folder() {
  const auto allowed = faults_.allow(DiskOperation::sync, path_of(""));
  if (!allowed) return allowed;
  durable_names_ = names_;
  unsynced_.clear();
  return {};
}

Result<std::vector<std::string>> SimulatedFiles::list() const {
  const auto allowed = faults_.allow(DiskOperation::read, path_of(""));
  if (!allowed) return allowed.error();
  return names();
}

Result<std::uint64_t> SimulatedFiles::size(const std::string& name) const {
  const Result<FilePtr> file = find(name);
  if (!file) return file.error();
  return static_cast<std::uint64_t>((*file)->content.size());
}

void SimulatedFiles::recover(core::Random& random) {
  for (const NameChange& change : unsynced_) {
    if (is_heads(random)) apply(change, durable_names_);
  }
  unsynced_.clear();
  names_ = durable_names_;
  for (const auto& [name, file] : names_) settle(*file, random);
}

SimulatedFiles::Backup SimulatedFiles::backup() const {
  Backup backup;
  for (const auto& [name, file] : durable_names_) backup.emplace(name, file->durable);
  return backup;
}

void SimulatedFiles::restore(const Backup& backup) {
  unsynced_.clear();
  durable_names_.clear();
  for (const auto& [name, content] : backup) {
    durable_names_.emplace(name, std::make_shared<File>(File{content, content, false}));
  }
  names_ = durable_names_;
}

std::vector<std::string> SimulatedFiles::names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : names_) names.push_back(name);
  return names;
}

const Bytes* SimulatedFiles::look_at(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second->content;
}

void SimulatedFiles::rot(const std::string& name, std::size_t bit) {
  const auto found = names_.find(name);
  RAFT_ASSERT(found != names_.end(), name);
  File& file = *found->second;
  RAFT_ASSERT(!file.content.empty(), name);
  const std::size_t at = bit / 8 % file.content.size();
  const char flipped = static_cast<char>(file.content[at] ^ (1 << (bit % 8)));
  file.content[at] = flipped;
  if (at < file.durable.size()) file.durable[at] = flipped;
}

void SimulatedFiles::change_name(NameChange change) {
  apply(change, names_);
  unsynced_.push_back(std::move(change));
}

void SimulatedFiles::apply(const NameChange& change, Names& names) {
  if (change.from) {
    // With an earlier change lost, the name may still be another file's.
    const auto found = names.find(*change.from);
    if (found != names.end() && found->second == change.file) names.erase(found);
  }
  if (change.to) names.insert_or_assign(*change.to, change.file);
}

void SimulatedFiles::settle(File& file, core::Random& random) {
  Bytes content;
  const std::size_t bytes_max = std::max(file.content.size(), file.durable.size());
  for (std::size_t offset = 0; offset < bytes_max; offset += page_bytes) {
    content += settled_page(page_at(file.durable, offset), page_at(file.content, offset), random);
  }
  content.resize(settled_size(file.durable.size(), file.content.size(), random));
  file.content = content;
  file.durable = std::move(content);
  file.sync_lies = false;
}

Result<SimulatedFiles::FilePtr> SimulatedFiles::find(const std::string& name) const {
  const auto allowed = faults_.allow(DiskOperation::read, path_of(name));
  if (!allowed) return allowed.error();
  const auto found = names_.find(name);
  if (found == names_.end()) return Error{Errc::corrupt, path_of(name) + ": no such file"};
  return found->second;
}

}  // namespace raft::sim
