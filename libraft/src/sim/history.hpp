// What the clients of a simulated cluster asked and were told, in the order in which it happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <libraft/types.hpp>

namespace raft::sim {

enum class OperationKind : std::uint8_t {
  read,
  write,   ///< Sets or erases the value, whatever was there.
  update,  ///< Compare-and-set: takes effect on the value `seen` only.
};

enum class Outcome : std::uint8_t {
  unknown,  ///< Nothing was told, or that nothing is known: it may take effect at any later time.
  ok,
  failed,  ///< Told that it certainly never takes effect.
};

/// What stands under a key; absent: no such key.
using Value = std::optional<Bytes>;

/// One request of one client, with all of its retries: from the first call to the last answer.
struct Operation {
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  std::uint64_t client = 0;
  OperationKind kind = OperationKind::read;
  Bytes key;
  Value seen;     ///< By a read or an update.
  Value written;  ///< By a write or an update.
  Outcome outcome = Outcome::unknown;

  // Places in the one order of all calls and returns.
  std::uint64_t called = 0;
  std::uint64_t returned = never;  ///< Without a known outcome it stays open to the end.

  /// Where it took effect: of a write the index of its entry, of a read the index up to which the
  /// machine had applied when it was looked at. 0: not known.
  Index index;
};

/// Clients are numbered by the caller and have one operation under way each. Every value written is
/// to be unique, or little can be concluded from what was seen.
class History {
 public:
  /// Names an operation of this history.
  using Number = std::size_t;

  Number call_read(std::uint64_t client, Bytes key);
  Number call_write(std::uint64_t client, Bytes key, Value written);
  Number call_update(std::uint64_t client, Bytes key, Value seen, Value written);

  /// The answers. An operation gets at most one; one that gets none has an unknown outcome.
  void read_returned(Number number, Value seen, Index index);
  /// Of a write, or of an update that took effect.
  void write_returned(Number number, Index index);
  /// The update found something else: it was a read of that.
  void update_refused(Number number, Value seen, Index index);
  void failed(Number number);

  /// Whoever knows the log may tell where an operation without an answer is in it.
  void located(Number number, Index index);

  /// In the order of their calls.
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  Number call(Operation operation);
  Operation& returned(Number number, Outcome outcome);

  std::vector<Operation> operations_;
  std::uint64_t events_ = 0;
};

/// One line: client 3 write k = "v", ok, index 7, from 10 to 14.
std::string describe(const Operation& operation);
/// "v", or nothing.
std::string describe(const Value& value);

}  // namespace raft::sim
