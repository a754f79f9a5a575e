// UpdateFeatures (key 57), versions 0-2 (KIP-584). Since version 1 the request says how it may change levels, and can be
// tried out; since version 2 the answer has no list of features.
#include <algorithm>

#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "metadata/features.h"
#include "protocol/messages/update_features.h"

namespace milena {
namespace {

using UpdateFeaturesCall = Call<UpdateFeaturesRequest, UpdateFeaturesResponse>;

// kraft.version is a control record of the log, which the runtime writes; everything else the controller has written.
bool raises_kraft_version(const UpdateFeaturesCall& call) {
  if (call.request.validate_only || call.shard().node().kraft_version > 0) return false;
  const auto& updates = call.request.feature_updates;
  return std::any_of(updates.begin(), updates.end(), [](const auto& update) {
    return update.feature == kKraftVersionFeature && update.max_version_level > 0;
  });
}

void handle_update_features(std::shared_ptr<UpdateFeaturesCall> call) {
  Shard& shard = call->shard();
  shard.metadata().submit<UpdateFeaturesResponse>(
      shard,
      [call](const Controller& controller) { return controller.update_features(call->request, call->version()); },
      [call](UpdateFeaturesResponse response) {
        if (response.error_code != ErrorCode::kNone || !raises_kraft_version(*call)) return call->reply(response);
        call->shard().metadata().upgrade_kraft_version(
            call->shard(), [call, response = std::move(response)] { call->reply(response); });
      });
}

}  // namespace

ApiEntry update_features_api() { return api_entry<UpdateFeaturesCall, handle_update_features>(); }

}  // namespace milena
