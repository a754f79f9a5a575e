#include "coordinator/topic_regex.h"

#include <re2/re2.h>

namespace milena {
namespace {

// A pattern comes from a client: what it may cost is bounded, and what it does wrong is the client's to hear.
re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
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
    case re2::RE2::ErrorUnexpectedParen: return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize: return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8: return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture: return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "regexp/syntax: internal error";
  }
}

}  // namespace

TopicRegex::TopicRegex(ByteView pattern) : regex_(std::make_unique<re2::RE2>(piece(pattern), options())) {}
TopicRegex::~TopicRegex() = default;

std::optional<std::string> TopicRegex::error() const {
  if (regex_->ok()) return std::nullopt;
  return describe(regex_->error_code());
}

bool TopicRegex::matches(ByteView topic) const { return regex_->ok() && re2::RE2::FullMatch(piece(topic), *regex_); }

}  // namespace milena
