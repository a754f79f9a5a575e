// ApiVersions (key 18), versions 0-4. Version 3 adds the client's software name (KIP-511) and the features; version 4
// may list features whose least level is 0, which older clients cannot read. The answer's header is always version 0.
#include "broker/api/18_api_versions.h"

#include <algorithm>

#include "broker/api_entry.h"
#include "broker/api_registry.h"
#include "broker/shard.h"
#include "metadata/features.h"
#include "protocol/messages/api_versions.h"

namespace milena::broker {
namespace {

using ApiVersionsCall = Call<ApiVersionsRequest, ApiVersionsResponse>;

// KIP-511: letters, digits, dots and dashes, with a letter or digit at both ends.
bool is_software_name(ByteView text) {
  auto is_alphanumeric = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  if (text.empty() || !is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return is_alphanumeric(c) || c == '.' || c == '-'; });
}

// Kafka offers telemetry if a plugin receives the metrics. Here it is offered once there is a subscription. Without one
// the requests would be useless, and librdkafka logs a line for each.
bool is_idle_telemetry(ApiKey key, Shard& shard) {
  return (key == ApiKey::kGetTelemetrySubscriptions || key == ApiKey::kPushTelemetry) && !shard.telemetry().any();
}

void list_apis(bool by_controller, Shard& shard, ApiVersionsResponse& response) {
  for (const ApiEntry& api : api_registry()) {
    if (!is_offered(api, by_controller) || is_idle_telemetry(api.key, shard)) continue;
    response.api_keys.push_back(
        {static_cast<int16_t>(api.key), oldest_version(api, shard.strict_kafka()), api.max_version});
  }
}

void list_features(const ApiVersionsCall& call, ApiVersionsResponse& response) {
  const ShardContext& shard = call.context();
  for (const metadata::FeatureRange& feature : metadata::supported_features()) {
    if (feature.min_version == 0 && call.version() < 4) continue;
    response.supported_features.push_back({feature.name, feature.min_version, feature.max_version});
  }
  // As in Kafka: a broker returns the offset of its metadata, a controller the offset of the last change of the
  // features.
  response.finalized_features_epoch =
      call.connection().to_controller ? shard.features_offset() : shard.metadata_offset();
  for (const auto& [name, level] : shard.image().features()) {
    if (level > 0) response.finalized_features.push_back({name, level, level});
  }
  if (const int16_t level = shard.node().kraft_version; level > 0) {
    response.finalized_features.push_back({Bytes(metadata::kKraftVersionFeature), level, level});
  }
}

}  // namespace

void answer_unsupported_api_versions(Shard& shard, std::shared_ptr<ConnectionState> connection, Frame frame,
                                     int32_t correlation_id) {
  auto call = std::make_shared<ApiVersionsCall>(shard, std::move(connection), std::move(frame));
  call->set_header(*find_handler(static_cast<int16_t>(ApiKey::kApiVersions), false), 0, correlation_id, {});
  ApiVersionsResponse response;
  response.error_code = ErrorCode::kUnsupportedVersion;
  // Only the entry that the client needs to ask again (KIP-511).
  response.api_keys.push_back({static_cast<int16_t>(ApiKey::kApiVersions), ApiVersionsRequest::kMinVersion,
                               ApiVersionsRequest::kMaxVersion});
  call->reply(response);
}

bool names_its_software(const ApiVersionsRequest& request, int16_t version) {
  return version < 3 ||
         (is_software_name(request.client_software_name) && is_software_name(request.client_software_version));
}

namespace {

void handle_api_versions(std::shared_ptr<ApiVersionsCall> call) {
  const ApiVersionsRequest& request = call->request;
  ApiVersionsResponse response;
  if (!names_its_software(request, call->version())) {
    response.error_code = ErrorCode::kInvalidRequest;
    return call->reply(response);
  }
  if (call->version() >= 3) {
    call->connection().client_software_name = Bytes(request.client_software_name);
    call->connection().client_software_version = Bytes(request.client_software_version);
  }
  list_apis(call->connection().to_controller, call->shard(), response);
  if (call->version() >= 3) list_features(*call, response);
  call->reply(response);
}

}  // namespace

ApiEntry api_versions_api() { return api_entry<ApiVersionsCall, handle_api_versions>(kAnyone); }

}  // namespace milena::broker
