// Patterns of topic names in RE2's syntax, for subscriptions of consumers (Kafka uses RE2/J 1.8, which is nearly the
// same; where it differs, its rules apply here, except for repetitions of more than a thousand, which RE2 refuses). A
// pattern must match the whole name. Pure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "base/bytes.h"

namespace re2 {
class RE2;
}

namespace milena::coordinator {

class TopicRegex {
 public:
  static constexpr int64_t kMaxBytes = 8 << 20;

  // Uses at most `most_bytes` of memory; a pattern that needs more is too large.
  explicit TopicRegex(ByteView pattern, int64_t most_bytes = kMaxBytes);
  ~TopicRegex();

  // The error in RE2/J's words; nothing if the pattern is valid.
  const std::optional<Bytes>& error() const { return error_; }
  // Always false for an invalid pattern.
  bool matches(ByteView topic) const;
  bool is_too_large() const;
  // The number of its instructions: in the worst case each is tried at each letter of a name.
  size_t size() const;

 private:
  std::unique_ptr<re2::RE2> regex_;
  std::optional<Bytes> error_;
};

// The topics that match a pattern.
struct PatternMatches {
  std::optional<Bytes> error;
  std::set<Bytes, std::less<>> topics;
};
// nullopt: not known yet, ask again.
using PatternMatcher = std::function<std::optional<PatternMatches>(ByteView pattern)>;

}  // namespace milena::coordinator
