// ConfigMap: the configs set for one resource, by name.
#pragma once

#include <map>

#include "base/bytes.h"

namespace milena::config {

using ConfigMap = std::map<Bytes, Bytes, std::less<>>;

}  // namespace milena::config
