// Patterns of topic names in RE2's syntax, as consumers subscribe to them (Kafka uses RE2/J, which is the same). A name must
// match as a whole. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>

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
  std::optional<std::string> error() const;
  // Never, if it is not.
  bool matches(ByteView topic) const;

 private:
  std::unique_ptr<re2::RE2> regex_;
};

}  // namespace milena
