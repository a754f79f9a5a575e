// GetTelemetrySubscriptions (key 71), version 0 (KIP-714): which metrics a client should push, and how often.
#include "broker/api/telemetry_call.h"
#include "broker/api_entry.h"
#include "broker/shard_context.h"
#include "protocol/compression/compression.h"
#include "protocol/messages/get_telemetry_subscriptions.h"

namespace milena::broker {
namespace {

using GetTelemetrySubscriptionsCall = Call<GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse>;

void handle_get_telemetry_subscriptions(std::shared_ptr<GetTelemetrySubscriptionsCall> call) {
  Uuid id = call->request.client_instance_id;
  if (id.is_zero()) id = Uuid::random(call->context().executor().random());
  call->connection().telemetry_instance = id;
  int64_t now_ms = call->context().now_ms();
  at_telemetry_home<ClientTelemetry::Subscription>(
      call->shard(), id,
      [id, client = telemetry_client(*call), now_ms](Shard& home) {
        return home.telemetry().subscribe(id, client, now_ms);
      },
      [call, id](ClientTelemetry::Subscription subscription) {
        GetTelemetrySubscriptionsResponse response;
        response.error_code = subscription.error;
        if (subscription.error != ErrorCode::kNone) return call->reply(response);
        response.client_instance_id = id;
        response.subscription_id = subscription.id;
        // In order of preference.
        for (Codec codec : {Codec::kZstd, Codec::kLz4, Codec::kGzip, Codec::kSnappy}) {
          response.accepted_compression_types.push_back(static_cast<int8_t>(codec));
        }
        response.push_interval_ms = subscription.interval_ms;
        response.telemetry_max_bytes = call->context().settings().get_int("telemetry.max.bytes");
        response.delta_temporality = true;
        response.requested_metrics = std::move(subscription.metrics);
        call->reply(response);
      });
}

}  // namespace

ApiEntry get_telemetry_subscriptions_api() {
  return api_entry<GetTelemetrySubscriptionsCall, handle_get_telemetry_subscriptions>(kAnyone);
}

}  // namespace milena::broker
