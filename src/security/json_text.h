// Members of a JSON object, by type. Only for .cc files that read JSON: it includes the library.
#pragma once

#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace milena::security {

// Null if there is no such member, or it is not text.
inline const Bytes* text_member(const nlohmann::json& object, const char* name) {
  auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const nlohmann::json::string_t*>();
}

}  // namespace milena::security
