// Records as lines of JSON:
//   {"topic":"t","partition":0,"offset":7,"timestamp":1764454480123,"key":"k","value":"v","headers":[["h","x"]]} A key,
//   value or header that is not UTF-8 is an object {"base64":"..."}.
#pragma once

#include <string>

#include "base/result.h"
#include "tools/records/record.h"

namespace milena::tools {

// Without the end of the line.
std::string record_to_json(const FetchedRecord& record);
// All members are optional; an unknown one is an Error. Headers may be an object, too. A value or key that is not a
// JSON string is taken as JSON text.
Result<TextRecord> record_from_json(const std::string& line, int64_t number);

std::string base64(ByteView bytes);
std::optional<std::string> from_base64(const std::string& text);

}  // namespace milena::tools
