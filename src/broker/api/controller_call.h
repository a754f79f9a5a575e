// What the handlers share whose requests the controller decides.
#pragma once

#include <memory>
#include <utility>

#include "broker/call.h"
#include "broker/metadata_runtime.h"
#include "broker/shard.h"

namespace milena {

// What a handler may do to the controller's answer before it becomes the reply.
template <class CallType>
using Finish = std::function<void(typename CallType::Response&)>;

// `decide(controller)` gives the effects; their response becomes the reply once it holds on every shard.
template <class CallType, class Decide>
void ask_controller(std::shared_ptr<CallType> call, Decide decide, Finish<CallType> finish = nullptr) {
  using Response = typename CallType::Response;
  Shard& shard = call->shard();
  shard.metadata().submit<Response>(shard, std::move(decide), [call, finish = std::move(finish)](Response response) {
    if (finish) finish(response);
    call->reply(response);
  });
}

// The same for requests that make or delete partitions: `decide(controller, quota)` is given the client's quota of them
// (KIP-599). Versions from `strict_version` on understand THROTTLING_QUOTA_EXCEEDED.
template <class CallType, class Decide>
void ask_controller_within_quota(std::shared_ptr<CallType> call, int16_t strict_version, Decide decide,
                                 Finish<CallType> finish = nullptr) {
  using Response = typename CallType::Response;
  Shard& shard = call->shard();
  auto throttle_ms = std::make_shared<int64_t>(0);
  bool strict = call->version() >= strict_version;
  shard.metadata().submit<Response>(
      shard,
      [call, decide = std::move(decide), throttle_ms, strict](const Controller& controller) {
        ClientQuotas& quotas = call->shard().metadata().home().quotas();
        return decide(controller, quotas.mutation_quota(call->principal().name, call->client_id(), strict, throttle_ms));
      },
      [call, throttle_ms, finish = std::move(finish)](Response response) {
        if (finish) finish(response);
        call->throttle(*throttle_ms);
        call->reply(response);
      });
}

}  // namespace milena
