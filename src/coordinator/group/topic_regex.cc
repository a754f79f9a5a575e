#include "coordinator/group/topic_regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <set>

namespace milena::coordinator {
namespace {

// A pattern comes from a client: its cost is bounded, and the client gets its errors.
re2::RE2::Options options(int64_t most_bytes) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(most_bytes);
  return options;
}

re2::StringPiece piece(ByteView text) { return {text.data(), text.size()}; }

const char* describe(re2::RE2::ErrorCode code) {
  switch (code) {
    case re2::RE2::ErrorBadEscape: return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass:
    case re2::RE2::ErrorBadCharRange: return "invalid character class range";
    case re2::RE2::ErrorMissingBracket: return "missing closing ]";
    case re2::RE2::ErrorMissingParen: return "missing closing )";
    case re2::RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize: return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8: return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture: return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge: return "expression too large";
    // RE2/J has no other message for an unmatched ).
    default: return "regexp/syntax: internal error";
  }
}

// Translates a pattern of RE2/J for RE2 where they differ: RE2/J also names groups as (?<name>, each name once, and has
// no \C.
class Dialect {
 public:
  explicit Dialect(ByteView pattern) : rest_(pattern) {
    while (!rest_.empty()) {
      if (starts_with("\\Q")) {
        take_until("\\E");
      } else if (starts_with("\\")) {
        if (starts_with("\\C")) fail("invalid escape sequence");
        take(2);
      } else if (starts_with("[")) {
        take_class();
      } else if (starts_with("(?P<") || starts_with("(?<")) {
        take_name();
      } else {
        take(1);
      }
    }
  }

  const Bytes& pattern() const { return pattern_; }
  const std::optional<Bytes>& error() const { return error_; }

 private:
  bool starts_with(ByteView what) const { return rest_.substr(0, what.size()) == what; }
  void fail(const char* error) {
    if (!error_) error_ = error;
  }
  void take(size_t count) {
    count = std::min(count, rest_.size());
    pattern_.append(rest_.substr(0, count));
    rest_.remove_prefix(count);
  }
  void take_until(ByteView end) {
    const size_t at = rest_.find(end);
    take(at == ByteView::npos ? rest_.size() : at + end.size());
  }
  void take_class() {
    take(starts_with("[^") ? 2 : 1);
    // A leading bracket is literal.
    if (starts_with("]")) take(1);
    while (!rest_.empty() && !starts_with("]")) {
      if (starts_with("[:") && rest_.find(":]", 2) != ByteView::npos) {
        take_until(":]");
      } else {
        take(starts_with("\\") ? 2 : 1);
      }
    }
    take(1);
  }
  void take_name() {
    const size_t begin = starts_with("(?P<") ? 4 : 3;
    pattern_ += "(?P<";
    rest_.remove_prefix(begin);
    const size_t end = rest_.find('>');
    if (end == ByteView::npos) return;  // RE2 reports the error
    if (!names_.emplace(rest_.substr(0, end)).second) fail("duplicate capture group name");
    take(end + 1);
  }

  ByteView rest_;
  Bytes pattern_;
  std::set<Bytes> names_;
  std::optional<Bytes> error_;
};

}  // namespace

TopicRegex::TopicRegex(ByteView pattern, int64_t most_bytes) {
  const Dialect dialect(pattern);
  regex_ = std::make_unique<re2::RE2>(piece(dialect.pattern()), options(most_bytes));
  error_ = dialect.error();
  if (!error_ && !regex_->ok()) error_ = describe(regex_->error_code());
}
TopicRegex::~TopicRegex() = default;

bool TopicRegex::is_too_large() const { return regex_->error_code() == re2::RE2::ErrorPatternTooLarge; }

size_t TopicRegex::size() const { return static_cast<size_t>(std::max(regex_->ProgramSize(), 1)); }

bool TopicRegex::matches(ByteView topic) const { return !error_ && re2::RE2::FullMatch(piece(topic), *regex_); }

}  // namespace milena::coordinator
