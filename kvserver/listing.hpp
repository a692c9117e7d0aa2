// A page of keys, as JSON.
#pragma once

#include <boost/json/array.hpp>
#include <cstddef>

#include "kvserver/response.hpp"
#include "kvserver/routes.hpp"
#include "kvserver/store_engine.hpp"

namespace kv {

/// Collects what a scan visits until the page is full: as many keys as asked for, or about a
/// mebibyte, or when they are only counted, so many that nobody else has to wait for long.
class Listing {
 public:
  explicit Listing(const List& list) : list_(list) {}

  /// False: the page was full already.
  bool add(BytesView key, const ItemView& item);

  /// The newest change that the page shows.
  Index newest() const { return newest_; }
  Response finish(Index applied) const;

 private:
  bool is_full() const;

  const List& list_;
  boost::json::array items_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  Bytes last_;
  bool has_more_ = false;
  Index newest_;
};

}  // namespace kv
