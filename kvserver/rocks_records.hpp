// Keys and values as the store on RocksDB writes them.
#pragma once

#include <string>

#include "kvserver/store_engine.hpp"

namespace kv {

/// The first byte of every key says what kind it is. Client keys stand behind a byte of their own,
/// so that none of them can be one of the others.
enum class KeyKind : char { data = 'd', meta = 'm', state = 's' };

/// Overwrites `out`, whose memory is kept from call to call.
void set_key(KeyKind kind, BytesView key, Bytes& out);
Bytes make_key(KeyKind kind, BytesView key = {});

/// The value of a data key. Overwrites `out`.
void set_item(const ItemView& item, Bytes& out);
/// The view points into `bytes`. Errors: corrupt, which names `path` and the client's key.
Result<ItemView> parse_item(BytesView bytes, BytesView key, const std::string& path);

/// The value of the one state key: what the data beside it amounts to.
struct State {
  Index applied;
  Totals totals;
};
Bytes encode_state(const State& state);
/// Errors: corrupt, newer_format; both name `path`.
Result<State> decode_state(BytesView bytes, const std::string& path);

}  // namespace kv
