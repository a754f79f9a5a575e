#include "protocol/otlp.h"

#include <cstring>

namespace milena {
namespace {

// Protobuf's wire types.
enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct ProtoField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t bits = 0;  // kVarint, kFixed64, kFixed32
  ByteView bytes;     // kBytes
};

// The fields of one message, front to back.
class ProtoReader {
 public:
  explicit ProtoReader(ByteView bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }

  bool next(ProtoField& field) {
    uint64_t tag = 0;
    if (!varint(tag) || tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1) return false;
    field.number = static_cast<uint32_t>(tag >> 3);
    field.type = static_cast<WireType>(tag & 7);
    switch (field.type) {
      case WireType::kVarint:
        return varint(field.bits);
      case WireType::kFixed64:
        return fixed(8, field.bits);
      case WireType::kFixed32:
        return fixed(4, field.bits);
      case WireType::kBytes: {
        uint64_t size = 0;
        if (!varint(size) || size > rest_.size()) return false;
        field.bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return true;
      }
      default:
        return false;  // OpenTelemetry never used groups
    }
  }

 private:
  bool varint(uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return false;
      auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool fixed(size_t size, uint64_t& value) {
    if (rest_.size() < size) return false;
    value = 0;
    std::memcpy(&value, rest_.data(), size);  // little endian, like all supported machines
    rest_.remove_prefix(size);
    return true;
  }

  ByteView rest_;
};

// Calls `inside` for each message in fields of that number. False: the bytes are not a message, or `inside` returned
// false.
template <class Inside>
bool each_message(ByteView bytes, uint32_t number, Inside inside) {
  ProtoReader reader(bytes);
  ProtoField field;
  while (!reader.at_end()) {
    if (!reader.next(field)) return false;
    if (field.number == number && field.type == WireType::kBytes && !inside(field.bytes)) return false;
  }
  return true;
}

// NumberDataPoint: as_double = 4, as_int = 6.
bool read_point(ByteView bytes, std::optional<double>& value) {
  ProtoReader reader(bytes);
  ProtoField field;
  while (!reader.at_end()) {
    if (!reader.next(field)) return false;
    if (field.type != WireType::kFixed64) continue;
    if (field.number == 4) {
      double number = 0;
      std::memcpy(&number, &field.bits, sizeof number);
      value = number;
    } else if (field.number == 6) {
      value = static_cast<double>(static_cast<int64_t>(field.bits));
    }
  }
  return true;
}

bool is_data(uint32_t number) { return number == 5 || number == 7 || number == 9 || number == 10 || number == 11; }
bool has_numbers(uint32_t number) { return number == 5 || number == 7; }

// Metric: name = 1, gauge = 5, sum = 7, histogram = 9, exponential_histogram = 10, summary = 11; each holds data_points
// = 1.
bool read_metric(ByteView bytes, OtlpSummary& summary, const std::function<void(const OtlpPoint&)>& visit) {
  OtlpPoint point;
  ProtoField data;
  ProtoReader reader(bytes);
  ProtoField field;
  while (!reader.at_end()) {
    if (!reader.next(field)) return false;
    if (field.type != WireType::kBytes) continue;
    if (field.number == 1) point.metric = field.bytes;
    if (is_data(field.number)) data = field;
  }
  summary.metrics++;
  return each_message(data.bytes, 1, [&](ByteView one) {
    point.value.reset();
    if (has_numbers(data.number) && !read_point(one, point.value)) return false;
    summary.points++;
    visit(point);
    return true;
  });
}

}  // namespace

// MetricsData: resource_metrics = 1; each has scope_metrics = 2; each has metrics = 2.
Result<OtlpSummary> read_otlp_metrics(ByteView bytes, const std::function<void(const OtlpPoint&)>& visit) {
  OtlpSummary summary;
  bool good = each_message(bytes, 1, [&](ByteView resource) {
    return each_message(resource, 2, [&](ByteView scope) {
      return each_message(scope, 2, [&](ByteView metric) { return read_metric(metric, summary, visit); });
    });
  });
  if (!good)
    return make_error(ErrorKind::kCorrupt, "{} bytes are not metrics in OpenTelemetry's format", bytes.size());
  return summary;
}

}  // namespace milena
