// Reads configuration files into keys and values, without interpreting them.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::config {

struct FileSetting {
  Bytes key;
  Bytes value;
  int line = 0;
};

// Java's properties format (java.util.Properties.load): comments with # or !, = or : or blanks between key and value,
// lines continued with a backslash, escapes \t \n \r \f \uXXXX. Text is UTF-8.
Result<std::vector<FileSetting>> parse_properties(ByteView content);
// Nested maps are joined with dots, lists with commas; `log: {retention: {ms: 1000}}` is log.retention.ms=1000.
Result<std::vector<FileSetting>> parse_yaml_settings(const Bytes& content);
// By the file's extension.
Result<std::vector<FileSetting>> read_settings_file(const std::string& path);

}  // namespace milena::config
