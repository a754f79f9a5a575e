// The table of handlers. ApiVersions, the dispatcher and README's table all read it.
//
// Each API has a file of its own, src/broker/api/NN_name.cc, which makes its entry; api/all.h lists them.
#pragma once

#include <vector>

#include "broker/api_entry.h"

namespace milena::broker {

// By ascending key.
const std::vector<ApiEntry>& api_registry();
// Whether a listener of that kind answers it. Brokers and controllers have different requests.
bool is_offered(const ApiEntry& entry, bool by_controller);
// The oldest version that is accepted. With `strict` (milena.strict.kafka), the versions that Kafka 4 dropped are not.
int16_t oldest_version(const ApiEntry& entry, bool strict);
// Null if a listener of that kind does not answer the key.
const ApiEntry* find_handler(int16_t key, bool by_controller);

}  // namespace milena::broker
