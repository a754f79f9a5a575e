// Common code of the handlers whose requests the controller decides: sends a request to it, and its answer back.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "broker/clients/call.h"
#include "broker/controller/controller_channel.h"
#include "broker/shard_context.h"

namespace milena::broker {

// Lets a handler change the controller's answer before it becomes the reply.
template <class CallType>
using Finish = std::function<void(typename CallType::Response&)>;

template <class CallType>
ControllerRequestContext controller_context(const CallType& call) {
  ControllerRequestContext context{call.principal(), Bytes(call.client_id()), call.connection().info.peer_host};
  if constexpr (requires { call.request.timeout_ms; }) {
    context.deadline_ms = call.context().steady_ms() + std::max<int64_t>(call.request.timeout_ms, 0);
  }
  return context;
}

// Sends the call's request; the answer becomes the reply.
template <class CallType>
void ask_controller(std::shared_ptr<CallType> call, Finish<CallType> finish = nullptr) {
  using Request = typename CallType::Request;
  using Response = typename CallType::Response;
  std::shared_ptr<const Request> request(call, &call->request);
  call->context().controller().template send<Response, Request>(
      call->shard(), std::move(request), call->version(), controller_context(*call),
      [call, finish = std::move(finish)](ErrorCode error, Response response) {
        if (error != ErrorCode::kNone) {
          return call->close(fmt::format("no response from the controller: {}", error_name(error)));
        }
        if constexpr (requires { response.throttle_time_ms; }) call->throttle(response.throttle_time_ms);
        if (finish) finish(response);
        call->reply(response);
      });
}

}  // namespace milena::broker
