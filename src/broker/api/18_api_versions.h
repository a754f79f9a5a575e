// The parts of ApiVersions that are needed before a request is dispatched: the answer to a version that we do not
// speak, and whether a request will be answered with the list.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/clients/call.h"
#include "protocol/messages/api_versions.h"

namespace milena::broker {

// Answers in version 0 with UNSUPPORTED_VERSION and the list of versions, so that a newer client can choose one.
void answer_unsupported_api_versions(Shard& shard, std::shared_ptr<ConnectionState> connection, Frame frame,
                                     int32_t correlation_id);

// KIP-511. False: the answer will be INVALID_REQUEST.
bool names_its_software(const ApiVersionsRequest& request, int16_t version);

}  // namespace milena::broker
