// The JAAS lines of sasl.jaas.config: a login module, a control flag, options. Pure. A line is secret: an error gives
// the position of a mistake, and never the text there.
#pragma once

#include <map>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::security {

struct JaasEntry {
  Bytes module;  // the class
  Bytes flag;    // "required" and its like, as written
  std::map<Bytes, Bytes, std::less<>> options;
};

// One entry with its semicolon. Words, quoted text and comments are those of Java's StreamTokenizer, which Kafka uses.
Result<JaasEntry> parse_jaas(ByteView text);

}  // namespace milena::security
