#include "protocol/api_key.h"

#include <algorithm>

namespace milena {

const ApiInfo* find_api(int16_t key) {
  const ApiTable table = api_table();
  const ApiInfo* found = std::lower_bound(table.begin(), table.end(), key, [](const ApiInfo& info, int16_t wanted) {
    return static_cast<int16_t>(info.key) < wanted;
  });
  return found != table.end() && static_cast<int16_t>(found->key) == key ? found : nullptr;
}

std::string_view api_name(ApiKey key) {
  const ApiInfo* info = find_api(key);
  return info ? info->name : "unknown";
}

int16_t request_header_version(ApiKey key, int16_t version) {
  const ApiInfo* info = find_api(key);
  return info && info->flexible(version) ? 2 : 1;
}

int16_t response_header_version(ApiKey key, int16_t version) {
  if (key == ApiKey::kApiVersions) return 0;
  const ApiInfo* info = find_api(key);
  return info && info->flexible(version) ? 1 : 0;
}

}  // namespace milena
