// ApiEntry: how one request is decoded and handled, and which permissions its handler checks. The file of each API
// makes its own with api_entry(); all.h lists them.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "broker/clients/call.h"
#include "protocol/api_key.h"

namespace milena::broker {

struct ApiEntry {
  ApiKey key;
  int16_t min_version;
  int16_t max_version;
  // The permissions that the handler may check; it checks no others. Empty: Kafka answers this request to anyone.
  security::Permissions permissions;
  // Decodes the body from the reader and starts the handler. Returns false if the body is malformed; then nothing was
  // answered.
  bool (*start)(const ApiEntry& api, Reader& body, int16_t version, Shard& shard,
                std::shared_ptr<ConnectionState> connection, Frame frame, int32_t correlation_id, ByteView client_id);
};

template <class ApiCall, void (*handler)(std::shared_ptr<ApiCall>)>
bool start_call(const ApiEntry& api, Reader& body, int16_t version, Shard& shard,
                std::shared_ptr<ConnectionState> connection, Frame frame, int32_t correlation_id, ByteView client_id) {
  typename ApiCall::Request request;
  body.limit_arrays(coordinator::AnswerRoom::kBytes);
  request.read(body, version);
  if (!body.ok()) return false;
  auto call = std::make_shared<ApiCall>(shard, std::move(connection), std::move(frame));
  call->set_header(api, version, correlation_id, client_id);
  call->request = std::move(request);
  call->answer_room().take(static_cast<size_t>(coordinator::AnswerRoom::kBytes - body.array_room_bytes()));
  handler(std::move(call));
  return true;
}

// For requests that Kafka answers to anyone: their handlers check no permission.
inline constexpr security::Permissions kAnyone;

// A handler gets its Call, checks the permissions that the request needs, and answers it, at once or later (call.h).
template <class ApiCall, void (*handler)(std::shared_ptr<ApiCall>)>
ApiEntry api_entry(security::Permissions permissions) {
  using Request = typename ApiCall::Request;
  return {Request::kApiKey, Request::kMinVersion, Request::kMaxVersion, permissions, &start_call<ApiCall, handler>};
}

}  // namespace milena::broker
