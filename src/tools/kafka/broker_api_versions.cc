// kafka-broker-api-versions.sh: the versions of each broker, in the format of Kafka's BrokerApiVersionsCommand.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "protocol/api_key.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/describe_cluster.h"
#include "tools/commands.h"
#include "tools/kafka/script.h"

namespace milena::tools {
namespace {

// Requests of Kafka 4.3's clients that this program does not send.
struct OtherApi {
  int16_t key;
  const char* name;
};
constexpr OtherApi kOtherApis[] = {{71, "GetTelemetrySubscriptions"},
                                   {72, "PushTelemetry"},
                                   {76, "ShareGroupHeartbeat"},
                                   {77, "ShareGroupDescribe"},
                                   {78, "ShareFetch"},
                                   {79, "ShareAcknowledge"},
                                   {83, "InitializeShareGroupState"},
                                   {84, "ReadShareGroupState"},
                                   {85, "WriteShareGroupState"},
                                   {86, "DeleteShareGroupState"},
                                   {87, "ReadShareGroupStateSummary"},
                                   {88, "StreamsGroupHeartbeat"},
                                   {89, "StreamsGroupDescribe"},
                                   {90, "DescribeShareGroupOffsets"},
                                   {91, "AlterShareGroupOffsets"},
                                   {92, "DeleteShareGroupOffsets"}};

Status print_versions(BrokerClient& client) {
  auto answer = client.ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  RETURN_IF_ERROR(answer);
  std::map<int16_t, std::string> lines;
  for (const OtherApi& api : kOtherApis) lines[api.key] = fmt::format("\t{}({}): UNSUPPORTED", api.name, api.key);
  for (const auto& api : answer->api_keys) {
    std::string versions = api.min_version == api.max_version
                               ? fmt::format("{}", api.min_version)
                               : fmt::format("{} to {}", api.min_version, api.max_version);
    const OtherApi* other = std::find_if(std::begin(kOtherApis), std::end(kOtherApis),
                                         [&](const OtherApi& one) { return one.key == api.api_key; });
    std::string name =
        other != std::end(kOtherApis) ? other->name : std::string(api_name(static_cast<ApiKey>(api.api_key)));
    lines[api.api_key] = fmt::format("\t{}({}): {} [usable: {}]", name, api.api_key, versions, api.max_version);
  }
  const char* separator = "";
  for (const auto& [key, line] : lines) {
    fmt::print("{}{}", separator, line);
    separator = ",\n";
  }
  return ok_status();
}

}  // namespace

int run_kafka_broker_api_versions(ToolWords words) {
  KafkaScript script("kafka-broker-api-versions.sh", "Prints the versions of each request that the brokers support.",
                     "--bootstrap-server <host:port>");
  script.add_common();
  script.options.example("milena api-versions --bootstrap-server localhost:9092");
  if (auto code = script.options.parse(words)) return *code;
  if (script.cluster.servers.empty()) return script.options.mistake("Missing required argument \"[bootstrap-server]\"");
  auto cluster = Cluster::open(script.cluster);
  if (!cluster.ok()) return complain(cluster.error().message);
  auto found = (*cluster)->metadata();
  if (!found.ok()) return complain(found.error().message);
  int code = 0;
  for (const auto& broker : found->brokers) {
    fmt::print("{}:{} (id: {} rack: {} isFenced: false) -> ", broker.host, broker.port, broker.node_id,
               broker.rack.value_or("null"));
    Result<BrokerClient*> client = (*cluster)->broker(broker.node_id);
    Status printed = ok_status();
    if (client.ok()) {
      fmt::print("(\n");
      printed = print_versions(**client);
    }
    if (!client.ok() || !printed.ok()) {
      code = 1;
      fmt::print("ERROR: {}\n", client.ok() ? printed.error().message : client.error().message);
    } else {
      fmt::print("\n)\n");
    }
  }
  return code;
}

}  // namespace milena::tools
