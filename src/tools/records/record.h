// A record of commands that read or write records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace milena::tools {

struct TextRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::optional<int32_t> partition;
  std::optional<int64_t> timestamp_ms;
  std::string topic;  // empty: the command's
};

// A fetched record. Views are valid until the fetcher goes on.
struct FetchedRecord {
  ByteView topic;
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp_ms = -1;
  bool log_append_time = false;
  int32_t leader_epoch = -1;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  std::vector<std::pair<ByteView, std::optional<ByteView>>> headers;
};

// The partition that Kafka's clients choose for a key (murmur2).
int32_t partition_of_key(ByteView key, int32_t partitions);

}  // namespace milena::tools
