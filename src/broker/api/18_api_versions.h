// The part of ApiVersions that the dispatcher needs: the answer to a version that we do not speak.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/clients/call.h"

namespace milena::broker {

// Version 0 of the answer with UNSUPPORTED_VERSION and the list, from which a newer client learns what to use.
void answer_unsupported_api_versions(Shard& shard, std::shared_ptr<ConnectionState> connection, Frame frame,
                                     int32_t correlation_id);

}  // namespace milena::broker
