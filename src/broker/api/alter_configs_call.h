// Common code of AlterConfigs and IncrementalAlterConfigs: which resources the client may alter.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "broker/clients/call.h"
#include "broker/controller/own_settings.h"
#include "config/described_config.h"
#include "metadata/image.h"
#include "protocol/error_code.h"

namespace milena::broker {

// Returns kNone if the client may, or if the controller refuses the resource for everybody.
inline ErrorCode check_alter_access(const CallBase& call, int8_t type, ByteView name) {
  switch (static_cast<metadata::ResourceType>(type)) {
    case metadata::ResourceType::kTopic:
      return call.allows(security::kAlterTopicConfigs, name) ? ErrorCode::kNone : ErrorCode::kTopicAuthorizationFailed;
    case metadata::ResourceType::kGroup:
      return call.allows(security::kAlterGroupConfigs, name) ? ErrorCode::kNone : ErrorCode::kGroupAuthorizationFailed;
    case metadata::ResourceType::kBroker:
    case metadata::ResourceType::kClientMetrics:
      return call.allows(security::kAlterClusterConfigs) ? ErrorCode::kNone : ErrorCode::kClusterAuthorizationFailed;
    default: return ErrorCode::kNone;
  }
}

// The resources that the controller is not asked about. They are taken out of the request and answered in their places:
// those that the client may not alter, and those that `check` answers. A resource that is named twice is left to the
// controller, which refuses it.
template <class CallType>
class ConfigsAnsweredHere {
 public:
  using Response = typename CallType::Response;

  explicit ConfigsAnsweredHere(CallType& call)
      : ConfigsAnsweredHere(call, [&call](const auto& resource) -> std::optional<config::ConfigError> {
          const ErrorCode error = check_alter_access(call, resource.resource_type, resource.resource_name);
          if (error == ErrorCode::kNone) return std::nullopt;
          return config::ConfigError{Bytes(error_message(error)), error};
        }) {}

  // `check` returns the answer for a resource, or nullopt to leave it to the controller.
  template <class Check>
  ConfigsAnsweredHere(CallType& call, Check check) {
    std::map<std::pair<int8_t, ByteView>, int> counts;
    for (const auto& resource : call.request.resources) counts[{resource.resource_type, resource.resource_name}]++;
    std::erase_if(call.request.resources, [&](const auto& resource) {
      const std::pair<int8_t, ByteView> key(resource.resource_type, resource.resource_name);
      std::optional<config::ConfigError> error = counts[key] > 1 ? std::nullopt : check(resource);
      auto& refusal = places_.emplace_back();
      if (!error) return false;
      refusal.emplace();
      refusal->error_code = error->code;
      refusal->error_message.reset();
      if (!error->message.empty()) refusal->error_message = std::move(error->message);
      refusal->resource_type = resource.resource_type;
      refusal->resource_name = Bytes(resource.resource_name);
      any_ = true;
      return true;
    });
  }

  // Merges the controller's answers, which are in the order of its request, with the refusals.
  void add_to(Response& response) const {
    if (!any_) return;
    auto answers = std::exchange(response.responses, {});
    size_t next = 0;
    for (const auto& refusal : places_) {
      if (refusal) response.responses.push_back(*refusal);
      else if (next < answers.size()) response.responses.push_back(std::move(answers[next++]));
    }
    while (next < answers.size()) response.responses.push_back(std::move(answers[next++]));
  }

 private:
  std::vector<std::optional<typename Response::AlterConfigsResourceResponse>> places_;
  bool any_ = false;
};

// The changes of its own settings that this broker refuses. The controller's listener accepts changes of any broker,
// which checks them itself, but for those that only their broker can check; one that a broker forwards was checked.
template <class CallType>
ConfigsAnsweredHere<CallType> check_own_settings(CallType& call) {
  return ConfigsAnsweredHere<CallType>(call, [&call](const auto& altered) -> std::optional<config::ConfigError> {
    if (call.connection().forwarded) return std::nullopt;
    return call.connection().to_controller ? refuse_unknown_directories(call.context(), altered)
                                           : refuse_own_settings(call.context(), altered);
  });
}

}  // namespace milena::broker
