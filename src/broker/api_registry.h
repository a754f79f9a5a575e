// What this broker answers: the one table of handlers. ApiVersions, the dispatcher and the README's table all read it.
//
// Each API has a file of its own, src/broker/api/NN_name.cc, which makes its entry; api/all.h lists them.
#pragma once

#include <vector>

#include "broker/api_entry.h"

namespace milena::broker {

// By ascending key.
const std::vector<ApiEntry>& api_registry();
// Whether a listener of that kind answers it: brokers and controllers have each their own requests.
bool is_offered(const ApiEntry& entry, bool by_controller);
// The oldest version of it that is taken: with `strict` (milena.strict.kafka) none that Kafka 4 dropped.
int16_t oldest_version(const ApiEntry& entry, bool strict);
// Null if a listener of that kind does not answer the key.
const ApiEntry* find_handler(int16_t key, bool by_controller);

}  // namespace milena::broker
