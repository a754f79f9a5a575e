// Java's properties text, as far as Kafka's own files need it: comments, key=value or key: value, blanks around both,
// backslash before a separator. Order is kept.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace milena::log {

using Properties = std::vector<std::pair<std::string, std::string>>;

Properties parse_properties(ByteView text);
// Null if the key is not there; the last one wins, as in Java.
const std::string* find_property(const Properties& properties, ByteView key);
Bytes encode_properties(const Properties& properties);

}  // namespace milena::log
