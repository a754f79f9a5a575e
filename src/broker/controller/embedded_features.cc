// UpdateFeatures at the embedded controller, and the work that follows a new level.
#include <algorithm>

#include "broker/clients/endpoints.h"
#include "broker/controller/embedded_controller_call.h"
#include "broker/shard.h"
#include "metadata/features.h"
#include "protocol/messages/update_features.h"

namespace milena::broker {
namespace {

// kraft.version is a control record, which the runtime writes; the controller writes the other levels.
bool raises_kraft_version(const UpdateFeaturesRequest& request, const Shard& shard) {
  if (request.validate_only || shard.node().kraft_version > 0) return false;
  return std::any_of(request.feature_updates.begin(), request.feature_updates.end(), [](const auto& update) {
    return update.feature == metadata::kKraftVersionFeature && update.max_version_level > 0;
  });
}

// Writes the registrations of this node again: records of the old level could not hold all fields.
void refresh_registrations(const EmbeddedCallPtr& call, int16_t old_level, Task done) {
  call->runtime.submit<std::monostate>(
      call->from,
      [call, old_level](const metadata::Controller& controller) {
        const NodeContext& node = call->from.node();
        return controller.refresh_registrations(node.node_id, old_level, endpoint_images(node.controller_endpoints));
      },
      [done = std::move(done)](std::monostate) { done(); });
}

}  // namespace

void update_features_embedded(const EmbeddedCallPtr& call) {
  auto request = call->request.as<UpdateFeaturesRequest>();
  auto old_level = std::make_shared<int16_t>();
  call->runtime.submit<UpdateFeaturesResponse>(
      call->from,
      [request, version = call->request.version, old_level](const metadata::Controller& controller) {
        *old_level = controller.image().metadata_version();
        return controller.update_features(*request, version);
      },
      [call, request, old_level](UpdateFeaturesResponse response) {
        if (response.error_code != ErrorCode::kNone || request->validate_only) return call->answer(std::move(response));
        refresh_registrations(call, *old_level, [call, request, response = std::move(response)] {
          if (!raises_kraft_version(*request, call->from)) return call->answer(response);
          call->runtime.upgrade_kraft_version(call->from, [call, response] { call->answer(response); });
        });
      },
      call->give_up_ms());
}

}  // namespace milena::broker
