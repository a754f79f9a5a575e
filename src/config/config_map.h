// ConfigMap: the configs that were set for one resource, by name, in the order in which they are listed.
#pragma once

#include <map>

#include "base/bytes.h"

namespace milena::config {

using ConfigMap = std::map<Bytes, Bytes, std::less<>>;

}  // namespace milena::config
