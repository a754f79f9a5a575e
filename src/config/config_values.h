// Reads the text of a setting as Kafka's ConfigDef does: blanks around it do not count, numbers are Java's, booleans
// are true or false in any case, lists are separated by commas.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace milena::config {

// As String.trim: everything up to the blank.
ByteView trim_blanks(ByteView text);
// A Java long.
std::optional<int64_t> parse_integer(ByteView text);
// As Double.parseDouble, without its hexadecimal form, in which nobody sets a ratio.
std::optional<double> parse_double(ByteView text);
std::optional<bool> parse_boolean(ByteView text);
// Items without the blanks around them, as views of the text; nothing for an empty text.
std::vector<ByteView> split_list(ByteView text);
// The same as owners.
std::vector<Bytes> parse_list(ByteView text);
// As Double.toString: 0.5, 1.0, 1.7976931348623157E308.
Bytes double_text(double value);

}  // namespace milena::config
