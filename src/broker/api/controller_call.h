// What the handlers share whose requests the controller decides.
#pragma once

#include <memory>
#include <utility>

#include "broker/call.h"
#include "broker/metadata_runtime.h"
#include "broker/shard.h"

namespace milena {

// `decide(controller)` gives the effects; their response becomes the reply once it holds on every shard.
template <class CallType, class Decide>
void ask_controller(std::shared_ptr<CallType> call, Decide decide) {
  using Response = typename CallType::Response;
  Shard& shard = call->shard();
  shard.metadata().submit<Response>(shard, std::move(decide), [call](Response response) { call->reply(response); });
}

// The same for requests that make or delete partitions: `decide(controller, quota)` is given the client's quota of them
// (KIP-599). Versions from `strict_version` on understand THROTTLING_QUOTA_EXCEEDED.
template <class CallType, class Decide>
void ask_controller_within_quota(std::shared_ptr<CallType> call, int16_t strict_version, Decide decide) {
  using Response = typename CallType::Response;
  Shard& shard = call->shard();
  auto throttle_ms = std::make_shared<int64_t>(0);
  bool strict = call->version() >= strict_version;
  shard.metadata().submit<Response>(
      shard,
      [call, decide = std::move(decide), throttle_ms, strict](const Controller& controller) {
        ClientQuotas& quotas = call->shard().metadata().home().quotas();
        return decide(controller, quotas.mutation_quota(call->connection().user, call->client_id(), strict, throttle_ms));
      },
      [call, throttle_ms](Response response) {
        call->throttle(*throttle_ms);
        call->reply(response);
      });
}

}  // namespace milena
