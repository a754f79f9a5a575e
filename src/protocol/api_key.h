// All known request types, with their ranges of versions: from the oldest that a Kafka 3.9 broker accepts to the newest
// that a Kafka 4.3 broker offers. The numbers come from src/protocol/schema; src/broker decides which versions a node
// offers.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "protocol/messages/api_table.h"

namespace milena {

struct ApiInfo {
  ApiKey key;
  std::string_view name;  // as Kafka writes it: "OffsetCommit"
  int16_t min_version;
  int16_t max_version;
  int16_t first_flexible_version;  // INT16_MAX: never
  bool on_broker;                  // offered on a broker's listeners
  bool on_controller;              // offered on a controller's listeners

  bool has(int16_t version) const { return version >= min_version && version <= max_version; }
  bool flexible(int16_t version) const { return version >= first_flexible_version; }
};

// All of them, by ascending key.
struct ApiTable {
  const ApiInfo* data;
  size_t size;
  const ApiInfo* begin() const { return data; }
  const ApiInfo* end() const { return data + size; }
};
ApiTable api_table();

// nullptr for an unknown number, or one of an API that needs ZooKeeper.
const ApiInfo* find_api(int16_t key);
inline const ApiInfo* find_api(ApiKey key) { return find_api(static_cast<int16_t>(key)); }
// "unknown" for an unknown key.
std::string_view api_name(ApiKey key);

// Header versions (Kafka: ApiMessageType.requestHeaderVersion, responseHeaderVersion). 1: plain, 2: with tagged fields.
int16_t request_header_version(ApiKey key, int16_t version);
// 0: plain, 1: with tagged fields. Always 0 for ApiVersions, so that a client can read the response before it knows the
// broker's versions.
int16_t response_header_version(ApiKey key, int16_t version);

}  // namespace milena
