// The JAAS lines of sasl.jaas.config: a login module, a control flag, options. Pure. What a line says is secret: an
// error tells where it is wrong, and never what stands there.
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

// One entry with its semicolon. Words, quoted text and comments are those of Java's StreamTokenizer, by which Kafka
// reads the line.
Result<JaasEntry> parse_jaas(ByteView text);

}  // namespace milena::security
