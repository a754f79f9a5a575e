#include <fmt/format.h>

#include <cstdio>

#include "protocol/messages/api_versions.h"
#include "tools/cluster.h"
#include "tools/commands.h"

namespace milena {

int complain(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "milena: %s\n", message.c_str());
  return 1;
}

int run_health(const BrokerAddress& address) {
  auto client = BrokerClient::connect(address, kCommandTimeoutMs);
  if (!client.ok()) return complain(client.error().message);
  auto answer = (*client)->ask<ApiVersionsResponse>(ApiVersionsRequest{}, 0);
  if (!answer.ok()) return complain(answer.error().message);
  if (answer->error_code != ErrorCode::kNone) {
    return complain(fmt::format("{} answers {}", address.text(), error_name(answer->error_code)));
  }
  fmt::print("{} serves\n", address.text());
  return 0;
}

}  // namespace milena
