#include "util/log.hpp"

#include <cstddef>
#include <mutex>
#include <utility>

namespace raft::util {
namespace {

constexpr std::size_t line_bytes_max = 2048;

bool is_control(unsigned char byte) { return byte < 0x20 || byte == 0x7f; }

// Terminals obey U+0080 to U+009F too; in UTF-8 these are 0xc2 and one byte from 0x80 to 0x9f.
bool is_wide_control(std::string_view line, std::size_t i) {
  if (static_cast<unsigned char>(line[i]) != 0xc2 || i + 1 == line.size()) return false;
  const auto second = static_cast<unsigned char>(line[i + 1]);
  return second >= 0x80 && second < 0xa0;
}

void append_escaped(std::string& out, char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out += "\\x";
  out += digits[value >> 4];
  out += digits[value & 0xf];
}

std::string made_safe(std::string_view line) {
  std::string out;
  out.reserve(line.size());
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (out.size() >= line_bytes_max) {
      out += "...";
      break;
    }
    if (is_wide_control(line, i)) {
      append_escaped(out, line[i]);
      append_escaped(out, line[++i]);
    } else if (is_control(static_cast<unsigned char>(line[i]))) {
      append_escaped(out, line[i]);
    } else {
      out += line[i];
    }
  }
  return out;
}

}  // namespace

// Shared by all copies: the mutex keeps the promise that the sink is called one at a time.
struct Log::Shared {
  Shared(LogSink to, LogLevel from) : sink(std::move(to)), level(from) {}

  const LogSink sink;
  const LogLevel level;
  std::mutex one_at_a_time;
};

Log::Log(LogSink sink, LogLevel level) {
  if (sink) shared_ = std::make_shared<Shared>(std::move(sink), level);
}

Log Log::named(std::string component) const {
  Log log = *this;
  log.component_ = std::move(component);
  return log;
}

bool Log::is_on(LogLevel level) const { return shared_ != nullptr && level >= shared_->level; }

void Log::write(LogLevel level, std::string_view line) const {
  if (!is_on(level)) return;
  const std::string safe = made_safe(line);
  const std::lock_guard lock(shared_->one_at_a_time);
  shared_->sink(level, component_, safe);
}

}  // namespace raft::util
