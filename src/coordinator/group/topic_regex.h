// Patterns of topic names in RE2's syntax, as consumers subscribe to them (Kafka uses RE2/J 1.8, which is nearly the
// same; where it is not, its rules hold here, but for repetitions of more than a thousand, which RE2 refuses). A name
// must match as a whole. Pure.
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
  static constexpr int64_t kMostBytes = 8 << 20;

  // `most_bytes` of memory for it; what needs more is too large.
  explicit TopicRegex(ByteView pattern, int64_t most_bytes = kMostBytes);
  ~TopicRegex();

  // The error in RE2/J's words; nothing if the pattern is valid.
  const std::optional<Bytes>& error() const { return error_; }
  // Never, if it is not.
  bool matches(ByteView topic) const;
  bool is_too_large() const;
  // Its instructions: at the worst each of them is tried at each letter of a name.
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
// nullopt: not known yet, to be asked again.
using PatternMatcher = std::function<std::optional<PatternMatches>(ByteView pattern)>;

}  // namespace milena::coordinator
