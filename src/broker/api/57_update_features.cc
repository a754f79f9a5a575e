// UpdateFeatures (key 57), versions 0-2 (KIP-584). Since version 1 the request says how it may change levels, and can be
// tried out; since version 2 the answer has no list of features.
#include <algorithm>

#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/endpoints.h"
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

// What was told of this node in records of the old level, and may be told in full now.
void refresh_registrations(const std::shared_ptr<UpdateFeaturesCall>& call, int16_t old_level, Task done) {
  Shard& shard = call->shard();
  shard.metadata().submit<std::monostate>(
      shard,
      [call, old_level](const Controller& controller) {
        const NodeContext& node = call->shard().node();
        return controller.refresh_registrations(node.node_id, old_level, endpoint_images(node.controller_endpoints));
      },
      [done = std::move(done)](std::monostate) { done(); });
}

void handle_update_features(std::shared_ptr<UpdateFeaturesCall> call) {
  if (!require_cluster(*call, kAlterCluster)) return;
  Shard& shard = call->shard();
  auto old_level = std::make_shared<int16_t>();
  shard.metadata().submit<UpdateFeaturesResponse>(
      shard,
      [call, old_level](const Controller& controller) {
        *old_level = controller.image().metadata_version();
        return controller.update_features(call->request, call->version());
      },
      [call, old_level](UpdateFeaturesResponse response) {
        if (response.error_code != ErrorCode::kNone || call->request.validate_only) return call->reply(response);
        refresh_registrations(call, *old_level, [call, response = std::move(response)] {
          if (!raises_kraft_version(*call)) return call->reply(response);
          call->shard().metadata().upgrade_kraft_version(call->shard(), [call, response] { call->reply(response); });
        });
      });
}

}  // namespace

ApiEntry update_features_api() { return api_entry<UpdateFeaturesCall, handle_update_features>({kAlterCluster}); }

}  // namespace milena
