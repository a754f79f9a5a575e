// Reads the text of a setting as Kafka's ConfigDef does: blanks around it do not count, numbers are whole, booleans
// are true or false in any case, lists are separated by commas.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace milena {

ByteView trim_blanks(ByteView text);
std::optional<int64_t> parse_integer(ByteView text);
std::optional<double> parse_double(ByteView text);
std::optional<bool> parse_boolean(ByteView text);
// Items without the blanks around them; nothing for an empty text.
std::vector<Bytes> parse_list(ByteView text);
bool equals_ignoring_case(ByteView a, ByteView b);

}  // namespace milena
