// What this broker answers: the one table of handlers. ApiVersions, the dispatcher and the README's table all read it.
//
// Each API has a file of its own, src/broker/api/NN_name.cc, which defines its handler; all are declared in
// api/handlers.h and listed in api_registry.cc.
#pragma once

#include <memory>
#include <vector>

#include "broker/call.h"
#include "protocol/api_key.h"

namespace milena {

struct ApiEntry {
  ApiKey key;
  int16_t min_version;
  int16_t max_version;
  // Decodes the body from the reader and starts the handler. False: the body is not one; nothing was answered.
  bool (*start)(Reader& body, int16_t version, Shard& shard, std::shared_ptr<ConnectionState> connection, Frame frame,
                int32_t correlation_id, ByteView client_id);
};

// By ascending key.
const std::vector<ApiEntry>& api_registry();
// Whether a listener of that kind answers it: brokers and controllers have each their own requests.
bool is_offered(const ApiEntry& entry, bool by_controller);
// Null if a listener of that kind does not answer the key.
const ApiEntry* find_handler(int16_t key, bool by_controller);

}  // namespace milena
