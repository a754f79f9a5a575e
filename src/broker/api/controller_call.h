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

}  // namespace milena
