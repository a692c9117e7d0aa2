#include "storage/boot_mark.hpp"

#include <optional>
#include <string>

#include "storage/keys.hpp"
#include "storage/record.hpp"
#include "util/bytes.hpp"

namespace raft::storage {
namespace {

Result<BootNumber> read_mark(const KvEngine& engine) {
  const Bytes key = boot_mark_key();
  const Result<std::optional<Bytes>> value = engine.get(key);
  if (!value) return value.error();
  if (!*value) return BootNumber{};
  const Result<BytesView> body = unseal(key, **value);
  if (!body) return body.error();
  util::Reader in(*body);
  const BootNumber mark{in.u64()};
  if (!in.done()) return corrupt_record(key, "it cannot be decoded");
  return mark;
}

Error not_of_one_age(const std::string& what) {
  return {Errc::data_missing,
          what +
              "; restore the whole data directory as it was last, or remove this member from the "
              "cluster, empty the directory and let the node join again"};
}

}  // namespace

Result<void> mark_boot(KvEngine& engine, BootNumber beginning) {
  const Result<BootNumber> mark = read_mark(engine);
  if (!mark) return mark.error();
  // A life that was cut off here has marked the log and not the identity.
  if (mark->value > beginning.value) {
    return not_of_one_age("the identity is older than the log: it is before start " +
                          std::to_string(beginning.value) + " of this node, the log at " +
                          std::to_string(mark->value));
  }
  if (mark->value + 1 < beginning.value) {
    return not_of_one_age("the log has lost its end: its newest files are of start " +
                          std::to_string(mark->value) + " of this node, the identity is of " +
                          std::to_string(beginning.value - 1));
  }
  const Bytes key = boot_mark_key();
  Bytes record = blank_record();
  util::Writer(record).u64(beginning.value);
  seal(key, record);
  KvBatch batch;
  batch.put(key, std::move(record));
  return engine.write(batch, true);
}

}  // namespace raft::storage
