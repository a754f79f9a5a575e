// ListConfigResources (key 74), versions 0-1: names of resources with configs. Version 0 was ListClientMetricsResources
// and lists only client metrics; version 1 names the types, and none means all.
#include <algorithm>

#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/shard_context.h"
#include "protocol/messages/list_config_resources.h"

namespace milena::broker {
namespace {

using ListConfigResourcesCall = Call<ListConfigResourcesRequest, ListConfigResourcesResponse>;

constexpr metadata::ResourceType kListed[] = {metadata::ResourceType::kGroup, metadata::ResourceType::kClientMetrics,
                                              metadata::ResourceType::kBrokerLogger, metadata::ResourceType::kBroker,
                                              metadata::ResourceType::kTopic};

void list(const metadata::MetadataImage& image, metadata::ResourceType type, ListConfigResourcesResponse& out) {
  auto add = [&](Bytes name) {
    auto& one = out.config_resources.emplace_back();
    one.resource_name = std::move(name);
    one.resource_type = static_cast<int8_t>(type);
  };
  if (type == metadata::ResourceType::kTopic) {
    for (const metadata::TopicImage& topic : image.topics()) add(topic.name);
  } else if (type == metadata::ResourceType::kBroker || type == metadata::ResourceType::kBrokerLogger) {
    for (const auto& [id, broker] : image.brokers()) add(fmt::format("{}", id));
  } else {
    // Groups and subscriptions are known here only if they have configs.
    for (const auto& [resource, configs] : image.all_configs()) {
      if (resource.type == type) add(resource.name);
    }
  }
}

void handle_list_config_resources(std::shared_ptr<ListConfigResourcesCall> call) {
  if (!require_cluster(*call, security::kDescribeClusterConfigs)) return;
  ListConfigResourcesResponse response;
  std::vector<int8_t> wanted = call->request.resource_types;
  if (call->version() == 0) wanted.assign(1, static_cast<int8_t>(metadata::ResourceType::kClientMetrics));
  for (int8_t type : wanted) {
    bool known = std::any_of(std::begin(kListed), std::end(kListed),
                             [&](metadata::ResourceType each) { return static_cast<int8_t>(each) == type; });
    if (known) continue;
    response.error_code = ErrorCode::kUnsupportedVersion;
    return call->reply(response);
  }
  for (metadata::ResourceType type : kListed) {
    bool asked = wanted.empty() || std::find(wanted.begin(), wanted.end(), static_cast<int8_t>(type)) != wanted.end();
    if (asked) list(call->context().image(), type, response);
  }
  call->reply(response);
}

}  // namespace

ApiEntry list_config_resources_api() {
  return api_entry<ListConfigResourcesCall, handle_list_config_resources>({security::kDescribeClusterConfigs});
}

}  // namespace milena::broker
