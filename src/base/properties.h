// Java's properties format (java.util.Properties.load): comments with # or !, = or : or blanks between key and value,
// lines continued with a backslash, escapes \t \n \r \f \uXXXX. Text is UTF-8.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace milena {

struct Property {
  Bytes key;
  Bytes value;
  int line = 0;
};

// In the order of the text; an error names its line.
Result<std::vector<Property>> parse_properties(ByteView content);
// Null if the key is not there; the last one wins, as in Java.
const Bytes* find_property(const std::vector<Property>& properties, ByteView key);

}  // namespace milena
