// One or more requests for each API, for the authorizer: on the topic "t", the group "g" and the transactional id "x".
// Each returns the error of its response.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "broker/node_fixture.h"
#include "protocol/api_key.h"

namespace milena::broker::broker_test {

struct PermissionSample {
  ApiKey key;
  std::string what;
  // The error for a client without permissions. kNone: its entry is left out of the response.
  ErrorCode refusal;
  std::function<ErrorCode(TestClient&)> ask;
  bool to_controller = false;
};

// `error` returns the error of a response.
template <class Response, class Request, class Error>
PermissionSample sample(std::string what, Request request, int16_t version, Error error, ErrorCode refusal) {
  return {Request::kApiKey, std::move(what), refusal,
          [request = std::move(request), version, error](TestClient& client) {
            return ErrorCode(error(client.ask<Response>(request, version)));
          }};
}

// The two usual places of errors.
inline constexpr auto top_error = [](const auto& response) { return response.error_code; };
inline constexpr auto first_partition_error = [](const auto& response) {
  return response.topics.at(0).partitions.at(0).error_code;
};

std::vector<PermissionSample> data_samples();
std::vector<PermissionSample> group_samples();
std::vector<PermissionSample> transaction_samples();
std::vector<PermissionSample> admin_samples();
std::vector<PermissionSample> cluster_samples();

}  // namespace milena::broker::broker_test
