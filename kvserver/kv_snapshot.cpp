// stream := "kvstore" format:u8=1 applied:u64 item* end
// item   := key_length:u16 value_length:u32 create_index:u64 change_index:u64 version:u64 key value
// end    := 0:u16 items:u64
//
// Items are in ascending order of their keys, which are never empty. The end is told so that a
// stream that was cut off is not taken for a smaller one. Checksums are libraft's business.
#include "kvserver/kv_snapshot.hpp"

#include <cstdint>
#include <utility>

#include "kvserver/kv_command.hpp"
#include "kvserver/little_endian.hpp"

namespace kv {
namespace {

using raft::Errc;
using raft::Error;

constexpr BytesView magic = "kvstore";
constexpr std::uint8_t format = 1;
constexpr std::size_t header_bytes = magic.size() + 1 + 8;
constexpr std::size_t item_head_bytes = 4 + 3 * 8;  // Behind the key's length.

// What is encoded, or asked of a source, at a time. With a view of the memory engine it also bounds
// how long the writer waits.
constexpr std::size_t slice_bytes = std::size_t{256} << 10;

void append_item(BytesView key, const ItemView& item, Bytes& out) {
  append_little_endian(static_cast<std::uint16_t>(key.size()), out);
  append_little_endian(static_cast<std::uint32_t>(item.value.size()), out);
  append_little_endian(item.create_index.value, out);
  append_little_endian(item.change_index.value, out);
  append_little_endian(item.version, out);
  out.append(key);
  out.append(item.value);
}

class SnapshotStream final : public raft::SnapshotReader {
 public:
  SnapshotStream(std::unique_ptr<FrozenView> view, Index applied) : view_(std::move(view)) {
    buffer_.append(magic);
    append_little_endian(format, buffer_);
    append_little_endian(applied.value, buffer_);
  }

  Result<Bytes> read(std::size_t max) override {
    while (given_ == buffer_.size() && view_) {
      if (auto filled = fill(); !filled) return filled.error();
    }
    if (given_ == 0 && max >= buffer_.size()) return std::exchange(buffer_, {});  // No copy.
    Bytes bytes = buffer_.substr(given_, max);
    given_ += bytes.size();
    return bytes;
  }

 private:
  Result<void> fill() {
    buffer_.clear();
    given_ = 0;
    const auto more = view_->next(slice_bytes, [this](BytesView key, const ItemView& item) {
      append_item(key, item, buffer_);
      ++items_;
    });
    if (!more) return more.error();
    if (!*more) {
      append_little_endian(std::uint16_t{0}, buffer_);
      append_little_endian(items_, buffer_);
      view_.reset();  // What it holds back is not needed any more.
    }
    return {};
  }

  std::unique_ptr<FrozenView> view_;  // Null once all of it is encoded.
  std::uint64_t items_ = 0;
  Bytes buffer_;
  std::size_t given_ = 0;  // How much of the buffer has been read.
};

Error corrupt(const char* detail) { return {Errc::corrupt, detail}; }

// Turns the source's portions into those that the format has.
class Portions {
 public:
  explicit Portions(raft::SnapshotReader& source) : source_(source) {}

  /// Exactly this many bytes; valid until the next call. The buffer grows with what arrives, not
  /// with what is claimed.
  Result<BytesView> take(std::size_t size) {
    while (buffer_.size() - taken_ < size) {
      buffer_.erase(0, std::exchange(taken_, 0));
      Result<Bytes> bytes = source_.read(slice_bytes);
      if (!bytes) return bytes.error();
      if (bytes->empty()) return corrupt("the snapshot ends too early");
      buffer_.append(*bytes);
    }
    const BytesView view = BytesView(buffer_).substr(taken_, size);
    taken_ += size;
    return view;
  }

  Result<void> expect_end() {
    if (taken_ != buffer_.size()) return corrupt("the snapshot goes on behind its end");
    const Result<Bytes> bytes = source_.read(slice_bytes);
    if (!bytes) return bytes.error();
    if (!bytes->empty()) return corrupt("the snapshot goes on behind its end");
    return {};
  }

 private:
  raft::SnapshotReader& source_;
  Bytes buffer_;
  std::size_t taken_ = 0;
};

class Loader {
 public:
  Loader(raft::SnapshotReader& source, Replacement& target) : in_(source), target_(target) {}

  Result<LoadedSnapshot> load() {
    if (auto header = load_header(); !header) return header.error();
    for (;;) {
      const Result<BytesView> bytes = in_.take(2);
      if (!bytes) return bytes.error();
      const auto key_length = LittleEndianReader(*bytes).number<std::uint16_t>();
      if (key_length == 0) break;
      if (auto item = load_item(key_length); !item) return item.error();
    }
    if (auto end = load_end(); !end) return end.error();
    return loaded_;
  }

 private:
  Result<void> load_header() {
    const Result<BytesView> bytes = in_.take(header_bytes);
    if (!bytes) return bytes.error();
    LittleEndianReader header(*bytes);
    if (header.take(magic.size()) != magic) return corrupt("not a snapshot of a key-value store");
    if (header.number<std::uint8_t>() != format) {
      return Error{Errc::newer_format, "a snapshot that a newer version has written"};
    }
    loaded_.applied = {header.number<std::uint64_t>()};
    return {};
  }

  Result<void> load_item(std::size_t key_length) {
    if (key_length > key_bytes_max) return corrupt("a key in the snapshot is too long");
    const Result<BytesView> bytes = in_.take(item_head_bytes);
    if (!bytes) return bytes.error();
    LittleEndianReader head(*bytes);
    const std::size_t value_length = head.number<std::uint32_t>();
    ItemView item;
    item.create_index = {head.number<std::uint64_t>()};
    item.change_index = {head.number<std::uint64_t>()};
    item.version = head.number<std::uint64_t>();
    const Result<BytesView> content = in_.take(key_length + value_length);
    if (!content) return content.error();
    const BytesView key = content->substr(0, key_length);
    item.value = content->substr(key_length);
    // The last key is empty before the first item.
    if (key <= last_key_) return corrupt("the keys of the snapshot are out of order");
    last_key_ = key;
    ++loaded_.totals.keys;
    loaded_.totals.bytes += content->size();
    return target_.add(key, item);
  }

  Result<void> load_end() {
    const Result<BytesView> bytes = in_.take(8);
    if (!bytes) return bytes.error();
    if (LittleEndianReader(*bytes).number<std::uint64_t>() != loaded_.totals.keys) {
      return corrupt("items are missing from the snapshot");
    }
    return in_.expect_end();
  }

  Portions in_;
  Replacement& target_;
  LoadedSnapshot loaded_;
  Bytes last_key_;
};

}  // namespace

std::unique_ptr<raft::SnapshotReader> make_snapshot_stream(std::unique_ptr<FrozenView> view,
                                                           Index applied) {
  return std::make_unique<SnapshotStream>(std::move(view), applied);
}

Result<LoadedSnapshot> load_snapshot(raft::SnapshotReader& source, Replacement& target) {
  return Loader(source, target).load();
}

}  // namespace kv
