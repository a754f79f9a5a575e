// Reads the metrics that clients push (KIP-714): protobuf, OpenTelemetry's MetricsData. Only names and values are read;
// everything else is skipped, but must be well formed.
//
// Pure; the input may be hostile: lengths are checked before use, nesting is bounded by the schema, and points are
// views into the input. Source: opentelemetry-proto metrics.proto, protobuf's wire format.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace milena {

struct OtlpPoint {
  ByteView metric;
  // Histograms and summaries have none.
  std::optional<double> value;
};

struct OtlpSummary {
  size_t metrics = 0;
  size_t points = 0;
};

// Calls `visit` for every data point, in their order.
Result<OtlpSummary> read_otlp_metrics(ByteView bytes, const std::function<void(const OtlpPoint&)>& visit);

}  // namespace milena
