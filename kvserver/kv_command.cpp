// command   := format:u8=1 kind:u8 condition key value?
// kind      := 1 put (with value) | 2 delete (without)
// condition := 0 | 1 since:u64 | 2
// key       := length:u16 bytes
// value     := length:u32 bytes
// reply     := format:u8=1 outcome:u8 change_index:u64
//
// Numbers are little-endian, and nothing follows. A new kind takes a new number: nodes that do not
// know it answer `malformed`, so it may be proposed only once every member runs a version that
// does. Both lengths are told so that commands can be nested in a batch as they are.
#include "kvserver/kv_command.hpp"

#include <limits>
#include <optional>

#include "kvserver/little_endian.hpp"

namespace kv {
namespace {

constexpr std::uint8_t format = 1;

enum class Kind : std::uint8_t { put = 1, remove = 2 };
enum class ConditionKind : std::uint8_t { always = 0, unchanged = 1, exists = 2 };

// Kind, condition, and the two lengths at their longest.
constexpr std::size_t overhead_max = 2 + 9 + 2 + 4;

template <class Enumeration>
void append_enum(Enumeration value, Bytes& out) {
  append_little_endian(static_cast<std::uint8_t>(value), out);
}

void append_condition(const Condition& condition, Bytes& out) {
  if (const auto* unchanged = std::get_if<Unchanged>(&condition)) {
    append_enum(ConditionKind::unchanged, out);
    append_little_endian(unchanged->since.value, out);
  } else if (std::holds_alternative<Exists>(condition)) {
    append_enum(ConditionKind::exists, out);
  } else {
    append_enum(ConditionKind::always, out);
  }
}

Condition read_condition(LittleEndianReader& in) {
  switch (static_cast<ConditionKind>(in.number<std::uint8_t>())) {
    case ConditionKind::always:
      return Always{};
    case ConditionKind::unchanged:
      return Unchanged{{in.number<std::uint64_t>()}};
    case ConditionKind::exists:
      return Exists{};
  }
  in.fail();
  return Always{};
}

// A key that is too long is written as the empty one, which is malformed too: its length might not
// fit into two bytes, and a wrapped length would name another key.
void append_key(BytesView key, Bytes& out) {
  if (key.size() > key_bytes_max) key = {};
  append_little_endian(static_cast<std::uint16_t>(key.size()), out);
  out.append(key);
}

BytesView read_key(LittleEndianReader& in) {
  const BytesView key = in.take(in.number<std::uint16_t>());
  if (key.empty() || key.size() > key_bytes_max) in.fail();
  return key;
}

Bytes begin(Kind kind, std::size_t payload_bytes) {
  Bytes out;
  out.reserve(payload_bytes + overhead_max);
  append_little_endian(format, out);
  append_enum(kind, out);
  return out;
}

Bytes encode_put(const Put& put) {
  if (put.value.size() > std::numeric_limits<std::uint32_t>::max()) return {};
  Bytes out = begin(Kind::put, put.key.size() + put.value.size());
  append_condition(put.condition, out);
  append_key(put.key, out);
  append_little_endian(static_cast<std::uint32_t>(put.value.size()), out);
  out.append(put.value);
  return out;
}

Bytes encode_delete(const Delete& command) {
  Bytes out = begin(Kind::remove, command.key.size());
  append_condition(command.condition, out);
  append_key(command.key, out);
  return out;
}

std::optional<Command> read_command(Kind kind, LittleEndianReader& in) {
  // One after the other: within one argument list their order would be the compiler's choice.
  switch (kind) {
    case Kind::put: {
      const Condition condition = read_condition(in);
      const BytesView key = read_key(in);
      const BytesView value = in.take(in.number<std::uint32_t>());
      return Put{key, value, condition};
    }
    case Kind::remove: {
      const Condition condition = read_condition(in);
      const BytesView key = read_key(in);
      return Delete{key, condition};
    }
  }
  return std::nullopt;
}

raft::Error corrupt(const char* detail) { return {raft::Errc::corrupt, detail}; }

}  // namespace

Bytes encode(const Command& command) {
  if (const auto* put = std::get_if<Put>(&command)) return encode_put(*put);
  return encode_delete(std::get<Delete>(command));
}

raft::Result<Command> decode_command(BytesView bytes) {
  LittleEndianReader in(bytes);
  if (in.number<std::uint8_t>() != format) return corrupt("a command of an unknown format");
  const std::optional<Command> command = read_command(Kind{in.number<std::uint8_t>()}, in);
  if (!command) return corrupt("a command of an unknown kind");
  if (!in.done()) return corrupt("a malformed command");
  return *command;
}

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::created:
      return "created";
    case Outcome::replaced:
      return "replaced";
    case Outcome::deleted:
      return "deleted";
    case Outcome::not_found:
      return "not_found";
    case Outcome::precondition_failed:
      return "precondition_failed";
    case Outcome::malformed:
      return "malformed";
  }
  return "unknown";
}

Bytes encode(const Reply& reply) {
  Bytes out;
  append_little_endian(format, out);
  append_enum(reply.outcome, out);
  append_little_endian(reply.change_index.value, out);
  return out;
}

raft::Result<Reply> decode_reply(BytesView bytes) {
  LittleEndianReader in(bytes);
  if (in.number<std::uint8_t>() != format) return corrupt("a reply of an unknown format");
  const auto outcome = in.number<std::uint8_t>();
  const Index change_index{in.number<std::uint64_t>()};
  const bool known = outcome >= static_cast<std::uint8_t>(Outcome::created) &&
                     outcome <= static_cast<std::uint8_t>(Outcome::malformed);
  if (!in.done() || !known) return corrupt("a malformed reply");
  return Reply{static_cast<Outcome>(outcome), change_index};
}

}  // namespace kv
