#include "broker/api_registry.h"

#include <algorithm>

#include "broker/api/all.h"

namespace milena {
namespace {

std::vector<ApiEntry> make_registry() {
#define MILENA_ENTRY(name) name(),
  std::vector<ApiEntry> entries = {MILENA_EACH_API(MILENA_ENTRY)};
#undef MILENA_ENTRY
  std::sort(entries.begin(), entries.end(), [](const ApiEntry& a, const ApiEntry& b) { return a.key < b.key; });
  return entries;
}

}  // namespace

const std::vector<ApiEntry>& api_registry() {
  static const std::vector<ApiEntry> entries = make_registry();
  return entries;
}

bool is_offered(const ApiEntry& entry, bool by_controller) {
  const ApiInfo* info = find_api(entry.key);
  // A controller's Fetch is that of the metadata log's followers, whom an embedded controller does not have.
  if (by_controller && entry.key == ApiKey::kFetch) return false;
  return by_controller ? info->on_controller : info->on_broker;
}

const ApiEntry* find_handler(int16_t key, bool by_controller) {
  for (const ApiEntry& entry : api_registry()) {
    if (static_cast<int16_t>(entry.key) == key && is_offered(entry, by_controller)) return &entry;
  }
  return nullptr;
}

}  // namespace milena
