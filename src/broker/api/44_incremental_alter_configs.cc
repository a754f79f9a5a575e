// IncrementalAlterConfigs (key 44), versions 0-1: sets, deletes, appends to and takes from single configs. Version 1 is
// flexible. Decided by the controller, except for log levels, which are the process's own.
#include "broker/api/alter_configs_call.h"
#include "broker/api/altered_stores.h"
#include "broker/api/broker_loggers.h"
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "broker/shard_context.h"

namespace milena {
namespace {

using IncrementalAlterConfigsCall = Call<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>;

// The process's own log levels: a broker asks for the same as for its configs, a controller for more (as Kafka does).
bool may_alter_log_levels(const IncrementalAlterConfigsCall& call) {
  return call.allows(call.connection().to_controller ? kClusterAction : kAlterClusterConfigs);
}

void alter_log_levels(const IncrementalAlterConfigsCall& call, IncrementalAlterConfigsResponse& response) {
  // The controller answers in the order of the request.
  for (size_t i = 0; i < call.request.resources.size() && i < response.responses.size(); i++) {
    auto& result = response.responses[i];
    bool asked = call.request.resources[i].resource_type == static_cast<int8_t>(ResourceType::kBrokerLogger);
    if (!asked || result.error_code != ErrorCode::kNone) continue;
    auto error =
        !may_alter_log_levels(call)
            ? std::optional(ConfigError{call.connection().to_controller
                                            ? Bytes(error_message(ErrorCode::kClusterAuthorizationFailed))
                                            : Bytes(),
                                        ErrorCode::kClusterAuthorizationFailed})
            : alter_loggers(call.request.resources[i], call.context().node().node_id, call.request.validate_only);
    if (!error) continue;
    result.error_code = error->code;
    if (!error->message.empty()) result.error_message = std::move(error->message);
  }
}

void handle_incremental_alter_configs(std::shared_ptr<IncrementalAlterConfigsCall> call) {
  ForbiddenConfigs<IncrementalAlterConfigsCall> forbidden(*call);
  check_stores_first(call, [call, forbidden](const ForbiddenConfigs<IncrementalAlterConfigsCall>& refused) {
    ask_controller(call, [call, forbidden, refused](IncrementalAlterConfigsResponse& response) {
      alter_log_levels(*call, response);
      refused.add_to(response);
      forbidden.add_to(response);
    });
  });
}

}  // namespace

ApiEntry incremental_alter_configs_api() {
  return api_entry<IncrementalAlterConfigsCall, handle_incremental_alter_configs>(
      {kAlterTopicConfigs, kAlterGroupConfigs, kAlterClusterConfigs, kClusterAction});
}

}  // namespace milena
