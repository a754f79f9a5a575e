// Fetch (key 1), versions 0-18. Old versions get their records converted down to magic 0 and 1, as Kafka 3.9 does;
// sessions came with version 7, leader epochs with 9, diverging epochs with 12, topic ids with 13.
#include "broker/api/handlers.h"
#include "broker/fetch_operation.h"

namespace milena {

void handle_fetch(std::shared_ptr<FetchCall> call) { std::make_shared<FetchOperation>(std::move(call))->start(); }

}  // namespace milena
