// Reads configuration files into keys and values, without interpreting them.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/properties.h"
#include "base/result.h"

namespace milena::config {

// Nested maps are joined with dots, lists with commas; `log: {retention: {ms: 1000}}` is log.retention.ms=1000.
Result<std::vector<Property>> parse_yaml_settings(const Bytes& content);
// By the file's extension.
Result<std::vector<Property>> read_settings_file(const std::string& path);

}  // namespace milena::config
