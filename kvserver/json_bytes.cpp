#include "kvserver/json_bytes.hpp"

#include <boost/archive/iterators/base64_from_binary.hpp>
#include <boost/archive/iterators/transform_width.hpp>
#include <boost/locale/utf.hpp>

namespace kv {
namespace {

using raft::BytesView;

bool is_utf8(BytesView bytes) {
  namespace utf = boost::locale::utf;
  for (auto at = bytes.begin(); at != bytes.end();) {
    if (!utf::is_valid_codepoint(utf::utf_traits<char>::decode(at, bytes.end()))) return false;
  }
  return true;
}

// Boost pads its input with zeros, and leaves the "=" to us.
std::string base64(BytesView bytes) {
  namespace it = boost::archive::iterators;
  using Encoder = it::base64_from_binary<it::transform_width<BytesView::const_iterator, 6, 8>>;
  std::string text(Encoder(bytes.begin()), Encoder(bytes.end()));
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

}  // namespace

void add_bytes(boost::json::object& object, const std::string& name, BytesView bytes) {
  if (is_utf8(bytes)) {
    object[name] = boost::json::string_view(bytes.data(), bytes.size());
  } else {
    object[name + "_base64"] = base64(bytes);
  }
}

}  // namespace kv
