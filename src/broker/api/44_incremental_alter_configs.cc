// IncrementalAlterConfigs (key 44), versions 0-1: sets, deletes, appends to and subtracts from single configs. Version
// 1 is flexible. Decided by the controller, except for log levels, which belong to the process.
#include "broker/api/alter_configs_call.h"
#include "broker/api/altered_stores.h"
#include "broker/api/broker_loggers.h"
#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "broker/shard_context.h"

namespace milena::broker {
namespace {

using IncrementalAlterConfigsCall = Call<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>;

// The process's own log levels: a broker requires the same permission as for its configs, a controller a stronger one
// (as in Kafka).
bool may_alter_log_levels(const IncrementalAlterConfigsCall& call) {
  return call.allows(call.connection().to_controller ? security::kClusterAction : security::kAlterClusterConfigs);
}

// Returns the answer; nullopt for other resources.
std::optional<config::ConfigError> alter_log_levels(
    const IncrementalAlterConfigsCall& call, const IncrementalAlterConfigsRequest::AlterConfigsResource& resource) {
  if (resource.resource_type != static_cast<int8_t>(metadata::ResourceType::kBrokerLogger)) return std::nullopt;
  if (!may_alter_log_levels(call)) {
    constexpr ErrorCode kRefused = ErrorCode::kClusterAuthorizationFailed;
    return config::ConfigError{call.connection().to_controller ? Bytes(error_message(kRefused)) : Bytes(), kRefused};
  }
  auto error = alter_loggers(resource, call.context().node().node_id, call.request.validate_only);
  return error ? error : config::ConfigError{Bytes(), ErrorCode::kNone};
}

// Log levels are altered here, and the rest goes to the controller, which may be another node.
void handle_incremental_alter_configs(std::shared_ptr<IncrementalAlterConfigsCall> call) {
  using Answered = ConfigsAnsweredHere<IncrementalAlterConfigsCall>;
  Answered forbidden(*call);
  Answered levels(*call, [&call](const auto& resource) { return alter_log_levels(*call, resource); });
  Answered own = check_own_settings(*call);
  check_stores_first(call, [call, forbidden, levels, own](const Answered& refused) {
    const auto complete = [forbidden, levels, own, refused](IncrementalAlterConfigsResponse& response) {
      refused.add_to(response);
      own.add_to(response);
      levels.add_to(response);
      forbidden.add_to(response);
    };
    if (!call->request.resources.empty()) return ask_controller(call, complete);
    IncrementalAlterConfigsResponse response;
    complete(response);
    call->reply(response);
  });
}

}  // namespace

ApiEntry incremental_alter_configs_api() {
  return api_entry<IncrementalAlterConfigsCall, handle_incremental_alter_configs>(
      {security::kAlterTopicConfigs, security::kAlterGroupConfigs, security::kAlterClusterConfigs,
       security::kClusterAction});
}

}  // namespace milena::broker
