#include "broker/api_registry.h"

#include <algorithm>

#include "broker/api/all.h"

namespace milena::broker {
namespace {

std::vector<ApiEntry> make_registry() {
#define MILENA_ENTRY(name) name(),
  std::vector<ApiEntry> entries = {MILENA_EACH_API(MILENA_ENTRY)};
#undef MILENA_ENTRY
  std::sort(entries.begin(), entries.end(), [](const ApiEntry& a, const ApiEntry& b) { return a.key < b.key; });
  return entries;
}

// KIP-896. Produce is not here: Kafka keeps its versions 0 to 2 for librdkafka.
int16_t oldest_in_kafka_4(ApiKey key) {
  switch (key) {
    case ApiKey::kFetch: return 4;
    case ApiKey::kOffsetCommit:
    case ApiKey::kCreateTopics:
    case ApiKey::kOffsetForLeaderEpoch: return 2;
    case ApiKey::kListOffsets:
    case ApiKey::kOffsetFetch:
    case ApiKey::kDeleteTopics:
    case ApiKey::kWriteTxnMarkers:
    case ApiKey::kDescribeAcls:
    case ApiKey::kCreateAcls:
    case ApiKey::kDeleteAcls:
    case ApiKey::kDescribeConfigs:
    case ApiKey::kAlterReplicaLogDirs:
    case ApiKey::kDescribeLogDirs:
    case ApiKey::kCreateDelegationToken:
    case ApiKey::kRenewDelegationToken:
    case ApiKey::kExpireDelegationToken:
    case ApiKey::kDescribeDelegationToken: return 1;
    default: return 0;
  }
}

}  // namespace

const std::vector<ApiEntry>& api_registry() {
  static const std::vector<ApiEntry> entries = make_registry();
  return entries;
}

bool is_offered(const ApiEntry& entry, bool by_controller) {
  const ApiInfo* info = find_api(entry.key);
  return by_controller ? info->on_controller : info->on_broker;
}

int16_t oldest_version(const ApiEntry& entry, bool strict) {
  return strict ? std::max(entry.min_version, oldest_in_kafka_4(entry.key)) : entry.min_version;
}

const ApiEntry* find_handler(int16_t key, bool by_controller) {
  for (const ApiEntry& entry : api_registry()) {
    if (static_cast<int16_t>(entry.key) == key && is_offered(entry, by_controller)) return &entry;
  }
  return nullptr;
}

}  // namespace milena::broker
