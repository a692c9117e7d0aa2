#include "mutants/splice.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <stdexcept>
#include <utility>

namespace mutants {
namespace {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;

  bool operator==(const Span&) const = default;
};

struct Placed {
  Span span;
  const Edit* edit;
};

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

/// Where `fragment` ends if it begins at `begin`. Formatting may break lines elsewhere by now: any
/// white space is as good as any other.
std::optional<std::size_t> end_of(std::string_view fragment, std::string_view source,
                                  std::size_t begin) {
  std::size_t at = begin;
  for (std::size_t i = 0; i < fragment.size();) {
    if (is_space(fragment[i])) {
      if (at >= source.size() || !is_space(source[at])) return std::nullopt;
      while (i < fragment.size() && is_space(fragment[i])) ++i;
      while (at < source.size() && is_space(source[at])) ++at;
    } else {
      if (at >= source.size() || source[at] != fragment[i]) return std::nullopt;
      ++i;
      ++at;
    }
  }
  return at;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

Span find_only(std::string_view source, const Edit& edit) {
  const std::string_view fragment = trimmed(edit.change.original);
  const auto fail = [&](const std::string& how) {
    throw std::runtime_error(edit.name + ": this fragment is " + how + " in " + edit.change.file +
                             ":\n" + std::string(fragment));
  };
  std::optional<Span> found;
  for (std::size_t begin = 0; begin < source.size(); ++begin) {
    if (source[begin] != fragment.front()) continue;
    const auto end = end_of(fragment, source, begin);
    if (!end) continue;
    if (found) fail("more than once");
    found = Span{begin, *end};
  }
  if (!found) fail("not");
  return *found;
}

class Splicer {
 public:
  Splicer(std::string_view source, const std::vector<Edit>& edits) : source_(source) {
    for (const Edit& edit : edits) placed_.push_back({find_only(source, edit), &edit});
    // What contains others comes before them.
    std::stable_sort(placed_.begin(), placed_.end(), [](const Placed& a, const Placed& b) {
      return std::pair(a.span.begin, b.span.end) < std::pair(b.span.begin, a.span.end);
    });
  }

  std::string run() { return render({0, source_.size()}); }

 private:
  /// The text of a span with all choices in it.
  std::string render(const Span& span) {
    std::string text;
    std::size_t at = span.begin;
    while (next_ < placed_.size() && placed_[next_].span.begin < span.end) {
      const Placed& first = placed_[next_];
      if (first.span.end > span.end) {
        throw std::runtime_error(first.edit->name + ": its fragment overlaps another's in " +
                                 first.edit->change.file);
      }
      text += source_.substr(at, first.span.begin - at);
      text += choice();
      at = first.span.end;
    }
    return text += source_.substr(at, span.end - at);
  }

  /// Everything that stands at the next span.
  std::string choice() {
    const Span span = placed_[next_].span;
    const Kind kind = placed_[next_].edit->change.kind;
    std::string head;
    for (; next_ < placed_.size() && placed_[next_].span == span; ++next_) {
      const Edit& edit = *placed_[next_].edit;
      if (edit.change.kind != kind) {
        throw std::runtime_error(edit.name +
                                 ": another mutant takes its fragment for another kind");
      }
      head += alternative(edit);
    }
    const std::string original = render(span);
    switch (kind) {
      case Kind::expression:
        return "(" + head + "(" + original + "))";
      case Kind::statement:
        return head + "{ " + original + " }";
      default:
        return head + original;
    }
  }

  static std::string alternative(const Edit& edit) {
    const std::string& instead = edit.change.instead;
    const std::string condition = "::mutants::is_on(" + std::to_string(edit.mutant) + ")";
    switch (edit.change.kind) {
      case Kind::expression:
        return condition + " ? (" + instead + ") : ";
      case Kind::statement:
        return "if (" + condition + ") { " + instead + " } else ";
      default:
        return instead + "\n";
    }
  }

  std::string_view source_;
  std::vector<Placed> placed_;
  std::size_t next_ = 0;
};

}  // namespace

std::string splice(std::string_view source, const std::vector<Edit>& edits) {
  return "#include \"mutants/choice.hpp\"\n" + Splicer(source, edits).run();
}

}  // namespace mutants
