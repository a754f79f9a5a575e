#include <fmt/format.h>

#include <cstdio>

#include "protocol/messages/api_versions.h"
#include "protocol/messages/metadata.h"
#include "tools/cluster.h"
#include "tools/commands.h"

namespace milena::tools {

namespace {

// At most so many partitions are listed.
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

int complain(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "milena: %s\n", message.c_str());
  return 1;
}

int run_health(const BrokerAddress& address, const ClientSecurity& security) {
  auto client = BrokerClient::connect(address, kCommandTimeout_ms, security);
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

}  // namespace milena::tools
