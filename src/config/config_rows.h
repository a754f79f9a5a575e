// Shorthands for the rows of the configuration table; only for the config_rows_*.cc files.
#pragma once

#include "config/config_def.h"

namespace milena::config::config_rows {

using enum ConfigType;
using enum ConfigScope;

constexpr uint8_t kHonoured = kConfigHonoured;
constexpr uint8_t kInternal = kConfigInternal;
constexpr uint8_t kNoEffect = kConfigNoEffect;

}  // namespace milena::config::config_rows
