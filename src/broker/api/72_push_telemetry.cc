// PushTelemetry (key 72), version 0 (KIP-714): a client's metrics, compressed, in OpenTelemetry's form. The push is
// checked on the client instance's shard, decoded here, and stored there.
#include "broker/api/telemetry_call.h"
#include "broker/api_entry.h"
#include "broker/shard_context.h"
#include "protocol/compression/compression.h"
#include "protocol/messages/push_telemetry.h"
#include "protocol/otlp.h"

namespace milena::broker {
namespace {

using PushTelemetryCall = Call<PushTelemetryRequest, PushTelemetryResponse>;

struct Read {
  ErrorCode error = ErrorCode::kNone;
  TelemetryPush push;
};

// Decompresses at most `max_bytes`.
ErrorCode decompress(Codec codec, ByteView bytes, size_t max_bytes, Bytes& out) {
  constexpr size_t kPiece = 64 * 1024;
  auto stream = DecompressStream::open(codec, bytes);
  while (true) {
    size_t before = out.size();
    size_t wanted = std::min(kPiece, max_bytes + 1 - before);
    out.resize(before + wanted);
    auto read = stream->read(out.data() + before, wanted);
    if (!read) return ErrorCode::kInvalidRecord;
    out.resize(before + *read);
    if (out.size() > max_bytes) return ErrorCode::kTelemetryTooLarge;
    if (*read < wanted) return ErrorCode::kNone;
  }
}

Read read_push(const PushTelemetryCall& call, size_t max_bytes) {
  Read result;
  ByteView bytes = call.request.metrics.value_or(ByteView());
  Bytes plain;
  auto codec = static_cast<Codec>(call.request.compression_type);
  if (codec != Codec::kNone) {
    result.error = decompress(codec, bytes, max_bytes, plain);
    if (result.error != ErrorCode::kNone) return result;
    bytes = plain;
  }
  auto& values = result.push.values;
  auto summary = read_otlp_metrics(bytes, [&](const OtlpPoint& point) {
    if (!point.value || point.metric.size() > kMaxTelemetryName_bytes) return;
    if (values.size() < kMaxTelemetryValues || values.contains(Bytes(point.metric)))
      values[Bytes(point.metric)] = *point.value;
  });
  if (!summary) {
    result.error = ErrorCode::kInvalidRecord;
    return result;
  }
  result.push.bytes = bytes.size();
  result.push.metrics = summary->metrics;
  result.push.points = summary->points;
  return result;
}

void answer(PushTelemetryCall& call, ErrorCode error) {
  PushTelemetryResponse response;
  response.error_code = error;
  call.reply(response);
}

// With nothing to push, librdkafka sends null and Kafka's clients send no bytes.
void handle_push_telemetry(std::shared_ptr<PushTelemetryCall> call) {
  const ByteView metrics = call->request.metrics.value_or(ByteView());
  const Uuid id = call->request.client_instance_id;
  if (id.is_zero() || (id.hi == 0 && id.lo == 1)) return answer(*call, ErrorCode::kInvalidRequest);
  call->connection().telemetry_instance = id;
  size_t max_bytes = static_cast<size_t>(call->context().settings().get_int("telemetry.max.bytes"));
  ClientTelemetry::PushRequest request{call->request.subscription_id, call->request.terminating,
                                       call->request.compression_type, metrics.size(), max_bytes};
  at_telemetry_home<ErrorCode>(
      call->shard(), id,
      [id, client = telemetry_client(*call), request, now_ms = call->context().now_ms()](Shard& home) {
        return home.telemetry().begin_push(id, client, request, now_ms);
      },
      [call, id, max_bytes](ErrorCode error) {
        if (error != ErrorCode::kNone || call->request.metrics.value_or(ByteView()).empty())
          return answer(*call, error);
        auto read = std::make_shared<Read>(read_push(*call, max_bytes));
        at_telemetry_home<ErrorCode>(
            call->shard(), id,
            [id, read](Shard& home) {
              home.telemetry().finish_push(id, read->error, std::move(read->push));
              return read->error;
            },
            [call](ErrorCode read_error) { answer(*call, read_error); });
      });
}

}  // namespace

ApiEntry push_telemetry_api() { return api_entry<PushTelemetryCall, handle_push_telemetry>(kAnyone); }

}  // namespace milena::broker
