// DescribeConfigs (key 32), versions 0-4, of topics, brokers, loggers, groups and client metrics. Version 1 has sources
// and synonyms, version 3 types and documentation. An unknown resource type fails the whole request, as in Kafka.
#include <algorithm>

#include "broker/api/broker_loggers.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/shard.h"
#include "config/broker_config.h"
#include "config/client_metrics_config.h"
#include "config/group_config.h"
#include "metadata/topic_name.h"
#include "protocol/messages/describe_configs.h"

namespace milena::broker {
namespace {

using DescribeConfigsCall = Call<DescribeConfigsRequest, DescribeConfigsResponse>;

using Result32 = DescribeConfigsResponse::DescribeConfigsResult;
using Config = DescribeConfigsResponse::DescribeConfigsResourceResult;
using Described = std::vector<config::DescribedConfig>;

// Ends the work on the request's resource with an error.
struct Refused {
  ErrorCode code;
  Bytes message;
};
using Outcome = std::pair<Described, std::optional<Refused>>;

Outcome refuse(Bytes message, ErrorCode code = ErrorCode::kInvalidRequest) {
  return {{}, Refused{code, std::move(message)}};
}

Outcome describe_topic(const Shard& shard, ByteView topic) {
  if (auto invalid = metadata::invalid_topic_name(topic)) return refuse(*invalid, ErrorCode::kInvalidTopicException);
  if (shard.image().find_topic(topic) == nullptr) {
    return refuse("", ErrorCode::kUnknownTopicOrPartition);  // Kafka has no message here
  }
  return {config::describe_topic_configs(shard.image().configs(metadata::ResourceType::kTopic, topic),
                                         shard.broker_settings()),
          {}};
}

Outcome describe_broker(const Shard& shard, ByteView name) {
  const config::ConfigMap& for_all = shard.image().configs(metadata::ResourceType::kBroker, "");
  if (name.empty()) return {config::describe_cluster_defaults(for_all), {}};
  int32_t mine = shard.node().node_id;
  auto id = config::parse_broker_id(name);
  if (!id) return refuse(fmt::format("Broker id must be an integer, but it is: {}", name));
  if (*id != mine) {
    return refuse(fmt::format("Unexpected broker id, expected {} or empty string, but received {}", mine, name));
  }
  const config::ConfigMap& for_this = shard.image().configs(metadata::ResourceType::kBroker, std::to_string(mine));
  return {config::describe_broker_configs({*shard.node().settings, for_all, for_this}), {}};
}

Outcome describe_broker_loggers(const Shard& shard, ByteView name) {
  if (name.empty()) return refuse("Broker id must not be empty");
  int32_t mine = shard.node().node_id;
  auto id = config::parse_broker_id(name);
  if (!id) return refuse(fmt::format("Broker id must be an integer, but it is: {}", name));
  if (*id != mine) return refuse(fmt::format("Unexpected broker id, expected {} but received {}", mine, name));
  return {describe_loggers(), {}};
}

Outcome describe_group(const Shard& shard, ByteView name) {
  if (name.empty()) return refuse("Group name must not be empty");
  const metadata::MetadataImage& image = shard.image();
  return {config::describe_group_configs(
              image.configs(metadata::ResourceType::kGroup, name), *shard.node().settings,
              image.configs(metadata::ResourceType::kBroker, ""),
              image.configs(metadata::ResourceType::kBroker, std::to_string(shard.node().node_id))),
          {}};
}

Outcome describe_subscription(const Shard& shard, ByteView name) {
  if (name.empty()) return refuse("Client metrics subscription name must not be empty");
  return {config::describe_client_metrics_configs(shard.image().configs(metadata::ResourceType::kClientMetrics, name)),
          {}};
}

Outcome describe(const Shard& shard, int8_t type, ByteView name) {
  switch (static_cast<metadata::ResourceType>(type)) {
    case metadata::ResourceType::kTopic: return describe_topic(shard, name);
    case metadata::ResourceType::kBroker: return describe_broker(shard, name);
    case metadata::ResourceType::kBrokerLogger: return describe_broker_loggers(shard, name);
    case metadata::ResourceType::kGroup: return describe_group(shard, name);
    case metadata::ResourceType::kClientMetrics: return describe_subscription(shard, name);
    default: break;
  }
  CHECK(false, "resource type {} was let through", type);
}

bool has_configs(int8_t type) {
  switch (static_cast<metadata::ResourceType>(type)) {
    case metadata::ResourceType::kTopic:
    case metadata::ResourceType::kBroker:
    case metadata::ResourceType::kBrokerLogger:
    case metadata::ResourceType::kGroup:
    case metadata::ResourceType::kClientMetrics: return true;
    default: return false;
  }
}

// The error of a resource whose configs the client may not see.
ErrorCode check_access(const DescribeConfigsCall& call, int8_t type, ByteView name) {
  switch (static_cast<metadata::ResourceType>(type)) {
    case metadata::ResourceType::kTopic:
      return call.allows(security::kDescribeTopicConfigs, name) ? ErrorCode::kNone
                                                                : ErrorCode::kTopicAuthorizationFailed;
    case metadata::ResourceType::kGroup:
      return call.allows(security::kDescribeGroupConfigs, name) ? ErrorCode::kNone
                                                                : ErrorCode::kGroupAuthorizationFailed;
    default:
      return call.allows(security::kDescribeClusterConfigs) ? ErrorCode::kNone : ErrorCode::kClusterAuthorizationFailed;
  }
}

Outcome refuse_request() {
  return refuse(
      "This most likely occurs because of a request being malformed by the client library or the message was sent to "
      "an incompatible broker. See the broker logs for more details.");
}

Config to_wire(config::DescribedConfig& described, const DescribeConfigsRequest& request) {
  Config config;
  config.name = std::move(described.name);
  config.value = std::move(described.value);
  config.read_only = described.read_only;
  config.is_sensitive = described.sensitive;
  config.is_default = described.source == config::ConfigSource::kDefault;
  config.config_source = static_cast<int8_t>(described.source);
  config.config_type = described.def != nullptr ? static_cast<int8_t>(described.def->type) : 0;
  config.documentation.reset();
  if (described.source == config::ConfigSource::kDynamicBrokerLogger) config.documentation = "";
  if (request.include_documentation && described.def != nullptr) config.documentation = described.def->documentation;
  if (!request.include_synonyms) return config;
  for (auto& synonym : described.synonyms) {
    config.synonyms.push_back({std::move(synonym.name), std::move(synonym.value), static_cast<int8_t>(synonym.source)});
  }
  return config;
}

// Null asks for all, and so does an empty list: all configs of Kafka, and those of Milena's own that are set. Tools may
// not expect unknown names.
bool is_asked(const std::optional<std::vector<ByteView>>& keys, const config::DescribedConfig& config) {
  if (keys && !keys->empty()) return std::find(keys->begin(), keys->end(), config.name) != keys->end();
  return config.source != config::ConfigSource::kDefault || !config.name.starts_with("milena.");
}

size_t size_of(const Result32& result) {
  size_t bytes = sizeof(result) + result.resource_name.size();
  for (const Config& config : result.configs) {
    bytes += sizeof(config) + config.name.size() + config.value.value_or("").size() +
             config.documentation.value_or("").size();
    for (const auto& synonym : config.synonyms) {
      bytes += sizeof(synonym) + synonym.name.size() + synonym.value.value_or("").size();
    }
  }
  return bytes;
}

struct Item {
  DescribeConfigsCall* call = nullptr;
  const DescribeConfigsRequest::DescribeConfigsResource* resource = nullptr;
  bool well_formed = false;  // the request is valid
  Result32 out;
};

void describe_item(Shard& shard, Item& item) {
  Result32& out = item.out;
  coordinator::AnswerRoom& room = item.call->answer_room();
  if (room.is_full()) {
    out.error_code = ErrorCode::kUnknownServerError;
    out.error_message = "The answer would be too large.";
    return;
  }
  auto [described, refused] = item.well_formed
                                  ? describe(shard, item.resource->resource_type, item.resource->resource_name)
                                  : refuse_request();
  if (refused) {
    out.error_code = refused->code;
    out.error_message = std::move(refused->message);
  }
  for (config::DescribedConfig& one : described) {
    if (is_asked(item.resource->configuration_keys, one)) out.configs.push_back(to_wire(one, item.call->request));
  }
  room.take(size_of(out), item.call->connection().info.peer_host, out.resource_name);
}

// A resource that is named again is described again, as in Kafka, until the answer is full. Many resources take several
// turns: each costs some ten microseconds.
void handle_describe_configs(std::shared_ptr<DescribeConfigsCall> call) {
  const bool well_formed = std::all_of(call->request.resources.begin(), call->request.resources.end(),
                                       [](const auto& resource) { return has_configs(resource.resource_type); });
  std::vector<Item> items;
  auto forbidden = std::make_shared<std::vector<Result32>>();  // they are last, as in Kafka
  for (const auto& resource : call->request.resources) {
    Result32 out;
    out.resource_type = resource.resource_type;
    out.resource_name = Bytes(resource.resource_name);
    out.error_code =
        well_formed ? check_access(*call, resource.resource_type, resource.resource_name) : ErrorCode::kNone;
    if (out.error_code == ErrorCode::kNone) {
      items.push_back({call.get(), &resource, well_formed, std::move(out)});
    } else {
      out.error_message = Bytes(error_message(out.error_code));
      forbidden->push_back(std::move(out));
    }
  }
  Router::visit_each_here<Item>(
      call->shard(), std::move(items), &describe_item, [call, forbidden](std::vector<Item> done) {
        DescribeConfigsResponse response;
        for (Item& item : done) response.results.push_back(std::move(item.out));
        for (Result32& each : *forbidden) response.results.push_back(std::move(each));
        call->reply(response);
      });
}

}  // namespace

ApiEntry describe_configs_api() {
  return api_entry<DescribeConfigsCall, handle_describe_configs>(
      {security::kDescribeTopicConfigs, security::kDescribeGroupConfigs, security::kDescribeClusterConfigs});
}

}  // namespace milena::broker
