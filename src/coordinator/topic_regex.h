// Patterns of topic names in RE2's syntax, as consumers subscribe to them (Kafka uses RE2/J 1.8, which is nearly the same;
// where it is not, its rules hold here, but for repetitions of more than a thousand, which RE2 refuses). A name must match as
// a whole. Pure.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"

namespace re2 {
class RE2;
}

namespace milena {

class TopicRegex {
 public:
  explicit TopicRegex(ByteView pattern);
  ~TopicRegex();

  // What is wrong with it, in RE2/J's words; nothing if it is fine.
  const std::optional<Bytes>& error() const { return error_; }
  // Never, if it is not.
  bool matches(ByteView topic) const;

 private:
  std::unique_ptr<re2::RE2> regex_;
  std::optional<Bytes> error_;
};

}  // namespace milena
