// The envelope of every value in the log's database: a format number and a checksum.
#pragma once

#include <string>

#include <libraft/error.hpp>
#include <libraft/types.hpp>

namespace raft::storage {

/// A record with room for its envelope, to which the body is then appended.
Bytes blank_record();
/// Fills in the envelope: now the record is the value to store under `key`.
void seal(BytesView key, Bytes& record);

/// The body of a value found under `key`; a view into `value`. Errors, naming the key: corrupt (the
/// value has rotted or belongs to another key), newer_format.
Result<BytesView> unseal(BytesView key, BytesView value);

/// The error that names the key and says what is wrong with it.
Error corrupt_record(BytesView key, const std::string& what);

}  // namespace raft::storage
