// Records as lines of JSON:
//   {"topic":"t","partition":0,"offset":7,"timestamp":1764454480123,"key":"k","value":"v","headers":[["h","x"]]}
// A key, value or header that is no UTF-8 is an object {"base64":"..."}.
#pragma once

#include <string>

#include "base/result.h"
#include "tools/records/record.h"

namespace milena::tools {

// Without the end of the line.
std::string record_to_json(const FetchedRecord& record);
// Every member may be missing; one that is not known is an Error. Headers may be an object, too. A value or key that is
// another JSON value than a text is its JSON.
Result<TextRecord> record_from_json(const std::string& line, int64_t number);

std::string base64(ByteView bytes);
std::optional<std::string> from_base64(const std::string& text);

}  // namespace milena::tools
