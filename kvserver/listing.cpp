#include "kvserver/listing.hpp"

#include <algorithm>
#include <boost/algorithm/hex.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iterator>

#include "kvserver/json_bytes.hpp"

namespace kv {
namespace {

constexpr std::size_t page_bytes = std::size_t{1} << 20;
constexpr std::size_t counted_max = 50'000;

}  // namespace

bool Listing::add(BytesView key, const ItemView& item) {
  has_more_ = is_full();
  if (has_more_) return false;
  ++count_;
  last_ = key;
  newest_ = std::max(newest_, item.change_index);
  if (list_.what == List::What::count) return true;
  bytes_ += key.size();
  boost::json::object object;
  add_bytes(object, "key", key);
  if (list_.what == List::What::items) {
    bytes_ += item.value.size();
    add_bytes(object, "value", item.value);
    object["create_index"] = item.create_index.value;
    object["change_index"] = item.change_index.value;
    object["version"] = item.version;
  }
  items_.push_back(std::move(object));
  return true;
}

bool Listing::is_full() const {
  if (list_.what == List::What::count) return count_ == counted_max;
  return count_ == list_.limit || bytes_ >= page_bytes;
}

// The cursor is the last key in hexadecimal digits: whatever it goes through, it stays the same.
Response Listing::finish(Index applied) const {
  boost::json::object body;
  body["index"] = applied.value;
  body["count"] = count_;
  if (list_.what != List::What::count) body["items"] = items_;
  if (has_more_) {
    std::string cursor;
    boost::algorithm::hex_lower(last_, std::back_inserter(cursor));
    body["next"] = std::move(cursor);
  }
  return json_response(200, boost::json::serialize(body) + "\n");
}

}  // namespace kv
