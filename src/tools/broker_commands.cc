#include <fmt/format.h>

#include <cstdio>

#include "protocol/api_key.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/metadata.h"
#include "tools/commands.h"
#include "tools/words.h"

namespace milena {

namespace {

// Of many partitions the first are named.
constexpr size_t kNamed = 5;

// "3 partitions cannot be used: a-0, a-1, b-2"; empty if all can.
std::string unusable_partitions(const MetadataResponse& metadata) {
  size_t count = 0;
  std::string names;
  for (const auto& topic : metadata.topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code == ErrorCode::kNone && partition.leader_id >= 0) continue;
      if (++count > kNamed) continue;
      names += fmt::format("{}{}-{}", names.empty() ? "" : ", ", topic.name.value_or(""), partition.partition_index);
    }
  }
  if (count == 0) return {};
  return fmt::format("{} partitions cannot be used: {}{}", count, names, count > kNamed ? ", ..." : "");
}

}  // namespace

int run_health(const BrokerAddress& address) {
  auto client = BrokerClient::connect(address, kCommandTimeoutMs);
  if (!client.ok()) return complain(client.error().message);
  auto answer = (*client)->ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  if (!answer.ok()) return complain(answer.error().message);
  if (answer->error_code != ErrorCode::kNone) {
    return complain(fmt::format("{} answers {}", address.text(), error_name(answer->error_code)));
  }
  MetadataRequest all_topics;
  all_topics.topics.reset();
  auto metadata = (*client)->ask<MetadataResponse>(all_topics, 1);
  if (!metadata.ok()) return complain(metadata.error().message);
  if (std::string why = unusable_partitions(*metadata); !why.empty()) {
    return complain(fmt::format("{} serves, but {}", address.text(), why));
  }
  fmt::print("{} serves\n", address.text());
  return 0;
}

int run_api_versions(std::span<const char* const> words) {
  ToolWords options(words, {"--bootstrap-server", "--command-config"}, {});
  auto client = options.connect();
  if (!client.ok()) return complain(client.error().message);
  auto answer = (*client)->ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  if (!answer.ok()) return complain(answer.error().message);
  auto cluster = (*client)->ask<DescribeClusterResponse>(DescribeClusterRequest{}, 0);
  if (!cluster.ok()) return complain(cluster.error().message);
  for (const auto& broker : cluster->brokers) {
    fmt::print("{}:{} (id: {} rack: {} isFenced: false) -> (\n", broker.host, broker.port, broker.broker_id,
               broker.rack.value_or("null"));
  }
  const char* separator = "";
  for (const auto& api : answer->api_keys) {
    std::string versions = api.min_version == api.max_version
                               ? fmt::format("{}", api.min_version)
                               : fmt::format("{} to {}", api.min_version, api.max_version);
    fmt::print("{}\t{}({}): {} [usable: {}]", separator, api_name(static_cast<ApiKey>(api.api_key)), api.api_key,
               versions, api.max_version);
    separator = ",\n";
  }
  fmt::print("\n)\n");
  return 0;
}

}  // namespace milena
