// UpdateFeatures (key 57), versions 0-2 (KIP-584). Since version 1 the request names the type of upgrade, and can be
// validated only; since version 2 the answer has no list of features.
#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "protocol/messages/update_features.h"

namespace milena::broker {
namespace {

using UpdateFeaturesCall = Call<UpdateFeaturesRequest, UpdateFeaturesResponse>;

void handle_update_features(std::shared_ptr<UpdateFeaturesCall> call) {
  if (!require_cluster(*call, security::kAlterCluster)) return;
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry update_features_api() {
  return api_entry<UpdateFeaturesCall, handle_update_features>({security::kAlterCluster});
}

}  // namespace milena::broker
