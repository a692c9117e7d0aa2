#include "rocks_workload.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "sim/disk.hpp"
#include "util/bytes.hpp"

namespace raft {
namespace {

namespace fs = std::filesystem;

// All steps are written with a sync: RocksEngine does so by itself.
void write(sim::SimulatedEngine& engine, storage::LogStore& log, const LogStep& step, bool sync) {
  storage::KvBatch batch;
  stage(step, log, batch);
  check_done(engine.write(batch, sync));
}

// What the simulated engine gives back when the power goes off while the next step is written.
std::vector<Bytes> simulated_states(const LogSequence& sequence, std::size_t acknowledged) {
  std::vector<Bytes> states;
  for (std::size_t kept = 0;; ++kept) {
    sim::Disk disk;
    storage::LogStore log(disk.engine(), model_group);
    value_of(log.recover());
    for (std::size_t i = 0; i < acknowledged; ++i) {
      write(disk.engine(), log, sequence.steps[i], true);
    }
    if (acknowledged < sequence.steps.size()) {
      write(disk.engine(), log, sequence.steps[acknowledged], false);
    }
    const std::size_t unsynced = disk.engine().unsynced();
    disk.faults().power_on();
    disk.engine().recover_keeping(kept);
    states.push_back(contents(disk.engine()));
    if (kept == unsynced) return states;
  }
}

}  // namespace

LogSequence make_workload(std::size_t steps) {
  // Seed and sizes are such that the first 30 steps hold some of everything.
  return make_sequence(4, steps, [](std::size_t step) -> StepSize {
    if (step % 12 == 11) return {100, 900};
    if (step % 4 == 3) return {40, 400};
    return {3, 0};
  });
}

RocksOnFaults::RocksOnFaults(std::string folder, const DiskImage& image,
                             std::size_t write_buffer_bytes)
    : folder_(std::move(folder)),
      write_buffer_bytes_(write_buffer_bytes),
      files_(std::make_shared<FaultFileSystem>(image)),
      env_(files_->make_env(files_)) {
  write_image(folder_, image);
}

Result<void> RocksOnFaults::open() {
  storage::RocksOptions options;
  options.folder = folder_;
  options.write_buffer_bytes = write_buffer_bytes_;
  options.env = &env_;
  auto opened = storage::RocksEngine::open(options);
  if (!opened) return opened.error();
  engine_ = *std::move(opened);
  return {};
}

void Progress::count(const DiskChange& change) {
  if (change.kind != DiskChange::Kind::mark) return;
  const auto step = static_cast<std::size_t>(change.mark) / 2;
  if (change.mark == begun_mark(step)) begun = step + 1;
  if (change.mark == acknowledged_mark(step)) acknowledged = step + 1;
}

Result<void> write_steps(RocksOnFaults& database, const LogSequence& sequence, std::size_t first,
                         std::size_t last, Progress& progress) {
  storage::LogStore log(database.engine(), model_group);
  if (const auto recovered = log.recover(); !recovered) return recovered.error();
  for (std::size_t i = first; i < last; ++i) {
    storage::KvBatch batch;
    stage(sequence.steps[i], log, batch);
    database.files().mark(begun_mark(i));
    progress.begun = i + 1;
    const Result<void> written = database.engine().write(batch, sequence.steps[i].sync);
    if (!written) return written;
    database.files().mark(acknowledged_mark(i));
    progress.acknowledged = i + 1;
    if (i % 2 == 1) database.env().wait_until_idle();
  }
  return {};
}

Bytes contents(const storage::KvEngine& engine) {
  Bytes all;
  util::Writer out(all);
  check_done(engine.scan(Bytes(1, '\0'), Bytes(32, '\xff'), [&](BytesView key, BytesView value) {
    out.bytes(key);
    out.bytes(value);
    return true;
  }));
  return all;
}

PossibleStates::PossibleStates(const LogSequence& sequence) : sequence_(sequence) {
  for (std::size_t i = 0; i <= sequence.steps.size(); ++i) {
    simulated_.push_back(simulated_states(sequence, i));
  }
}

std::optional<std::size_t> PossibleStates::find(storage::KvEngine& engine,
                                                const Progress& progress) const {
  const Bytes found = contents(engine);
  const std::vector<Bytes>& allowed = simulated_[progress.acknowledged];
  if (std::find(allowed.begin(), allowed.end(), found) == allowed.end()) return std::nullopt;
  for (std::size_t steps = progress.acknowledged; steps <= progress.begun; ++steps) {
    if (recovers(engine, sequence_.models[steps])) return steps;
  }
  return std::nullopt;
}

void write_image(const std::string& folder, const DiskImage& image) {
  fs::remove_all(folder);
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms::owner_all);
  for (const auto& [name, bytes] : image) {
    std::ofstream file(fs::path(folder) / name, std::ios::binary);
    file << bytes;
    if (!file) FAIL("cannot write " << name);
  }
}

DiskImage read_image(const std::string& folder) {
  DiskImage image;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    image[entry.path().filename().string()] = Bytes(std::istreambuf_iterator<char>(file), {});
  }
  return image;
}

}  // namespace raft
