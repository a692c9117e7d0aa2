// The end of a text that is too long to keep.
#pragma once

#include <cstddef>
#include <deque>
#include <streambuf>
#include <string>

namespace raft::sim {

/// What a stream writes into it is forgotten but for the last lines.
class LastLines final : public std::streambuf {
 public:
  explicit LastLines(std::size_t lines_max) : lines_max_(lines_max) {}

  std::string text() const {
    std::string all;
    for (const std::string& line : lines_) all += line;
    return all;
  }

 protected:
  int_type overflow(int_type c) override {
    if (!traits_type::eq_int_type(c, traits_type::eof())) put(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    for (const char* c = text; c != text + size; ++c) put(*c);
    return size;
  }

 private:
  void put(char c) {
    if (lines_.empty() || lines_.back().ends_with('\n')) lines_.emplace_back();
    lines_.back() += c;
    if (lines_.size() > lines_max_) lines_.pop_front();
  }

  const std::size_t lines_max_;
  std::deque<std::string> lines_;  ///< Each with its newline; the last one may still grow.
};

}  // namespace raft::sim
