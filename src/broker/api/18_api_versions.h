// The part of ApiVersions that the dispatcher needs: the answer to a version that this broker does not support.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/clients/call.h"

namespace milena::broker {

// Answers in version 0 with UNSUPPORTED_VERSION and the list of versions, so that a newer client can choose one.
void answer_unsupported_api_versions(Shard& shard, std::shared_ptr<ConnectionState> connection, Frame frame,
                                     int32_t correlation_id);

}  // namespace milena::broker
