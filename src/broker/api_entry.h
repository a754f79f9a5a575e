// ApiEntry: how one request is decoded and handled. The file of each API makes its own with api_entry(); all.h lists them.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

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

template <class ApiCall, void (*handler)(std::shared_ptr<ApiCall>)>
bool start_call(Reader& body, int16_t version, Shard& shard, std::shared_ptr<ConnectionState> connection, Frame frame,
                int32_t correlation_id, ByteView client_id) {
  typename ApiCall::Request request;
  body.limit_arrays(AnswerRoom::kBytes);
  request.read(body, version);
  if (!body.ok()) return false;
  auto call = std::make_shared<ApiCall>(shard, std::move(connection), std::move(frame));
  call->set_header(ApiCall::Request::kApiKey, version, correlation_id, client_id);
  call->request = std::move(request);
  call->answer_room().take(static_cast<size_t>(AnswerRoom::kBytes - body.array_room_bytes()));
  handler(std::move(call));
  return true;
}

// A handler gets its Call and answers it, at once or later (call.h).
template <class ApiCall, void (*handler)(std::shared_ptr<ApiCall>)>
ApiEntry api_entry() {
  using Request = typename ApiCall::Request;
  return {Request::kApiKey, Request::kMinVersion, Request::kMaxVersion, &start_call<ApiCall, handler>};
}

}  // namespace milena
