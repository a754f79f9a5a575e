// Reads the text of a setting as Kafka's ConfigDef does: blanks around it are ignored, numbers are Java's, booleans are
// true or false in any case, lists are separated by commas.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace milena::config {

// Like String.trim: removes all characters up to the blank.
ByteView trim_blanks(ByteView text);
// A Java long.
std::optional<int64_t> parse_integer(ByteView text);
// Like Double.parseDouble, without its hexadecimal form.
std::optional<double> parse_double(ByteView text);
std::optional<bool> parse_boolean(ByteView text);
// Trimmed items, as views of the text; none for an empty text.
std::vector<ByteView> split_list(ByteView text);
// The same, owned.
std::vector<Bytes> parse_list(ByteView text);
// Like Double.toString: 0.5, 1.0, 1.7976931348623157E308.
Bytes double_text(double value);

}  // namespace milena::config
