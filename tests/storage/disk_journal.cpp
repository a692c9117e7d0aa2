#include "disk_journal.hpp"

#include <utility>

namespace raft {

Bytes DiskState::hollow(const File& file) {
  Bytes bytes = durable(file);
  bytes.resize(file.content.size(), '\0');
  return bytes;
}

DiskState::DiskState(const DiskImage& image) {
  for (const auto& [name, bytes] : image) {
    names_[name] = files_.size();
    files_.push_back({bytes, bytes.size(), false});
  }
  durable_names_ = names_;
}

void DiskState::apply(const DiskChange& change) {
  appended_.reset();
  switch (change.kind) {
    case DiskChange::Kind::create:
      change_name({change.kind, change.name, {}, files_.size()});
      files_.emplace_back();
      break;
    case DiskChange::Kind::append:
      appended_ = change.file;
      append_begin_ = files_[change.file].content.size();
      files_[change.file].content += change.bytes;
      break;
    case DiskChange::Kind::sync: {
      File& file = files_[change.file];
      if (!file.sync_lies) file.durable = file.content.size();
      break;
    }
    case DiskChange::Kind::failed_sync:
      files_[change.file].sync_lies = true;
      break;
    case DiskChange::Kind::rename:
    case DiskChange::Kind::remove:
      change_name({change.kind, change.name, change.to, 0});
      break;
    case DiskChange::Kind::sync_folder:
      durable_names_ = names_;
      unsynced_names_.clear();
      break;
    case DiskChange::Kind::mark:
      break;
  }
}

void DiskState::change_name(NameChange change) {
  apply(change, names_);
  unsynced_names_.push_back(std::move(change));
}

void DiskState::apply(const NameChange& change, Names& names) {
  switch (change.kind) {
    case DiskChange::Kind::create:
      names[change.name] = change.file;
      break;
    case DiskChange::Kind::rename:
      names[change.to] = names.at(change.name);
      names.erase(change.name);
      break;
    default:
      names.erase(change.name);
      break;
  }
}

DiskState::Names DiskState::names_after_cut(std::size_t names_kept) const {
  Names names = durable_names_;
  for (std::size_t i = 0; i < names_kept; ++i) apply(unsynced_names_[i], names);
  return names;
}

DiskImage DiskState::after_cut(std::size_t names_kept, const Survivor& survivor) const {
  DiskImage image;
  for (const auto& [name, file] : names_after_cut(names_kept)) image[name] = survivor(files_[file]);
  return image;
}

DiskImage DiskState::after_cut(std::size_t names_kept, const Survivor& survivor,
                               std::size_t special, const Bytes& its_bytes) const {
  DiskImage image;
  for (const auto& [name, file] : names_after_cut(names_kept)) {
    image[name] = file == special ? its_bytes : survivor(files_[file]);
  }
  return image;
}

}  // namespace raft
