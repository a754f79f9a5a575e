#include "protocol/otlp.h"

#include <gtest/gtest.h>

#include <vector>

namespace milena {
namespace {

Bytes field_of(int number, ByteView inside) {
  return Bytes{static_cast<char>(number << 3 | 2), static_cast<char>(inside.size())}.append(inside);
}
Bytes fixed_of(int number, double value) {
  Bytes bytes(1, static_cast<char>(number << 3 | 1));
  return bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

Bytes whole(ByteView metric) { return field_of(1, field_of(2, field_of(2, metric))); }

struct Seen {
  Bytes name;
  std::optional<double> value;
  bool operator==(const Seen&) const = default;
};
std::pair<bool, std::vector<Seen>> read(ByteView bytes) {
  std::vector<Seen> seen;
  auto summary = read_otlp_metrics(bytes, [&](const OtlpPoint& point) {
    seen.push_back({Bytes(point.metric), point.value});
  });
  if (summary.ok()) {
    EXPECT_EQ(summary->points, seen.size());
  }
  return {summary.ok(), seen};
}

TEST(Otlp, ReadsNumbersAndCountsTheRest) {
  const Bytes points = field_of(1, fixed_of(4, 1.5)) + field_of(1, fixed_of(4, 2.5));
  EXPECT_EQ(read(whole(field_of(1, "gauge") + field_of(5, points))),
            (std::pair(true, std::vector<Seen>{{"gauge", 1.5}, {"gauge", 2.5}})));
  // The name may come last, and a histogram's points have other fields.
  EXPECT_EQ(read(whole(field_of(9, points) + field_of(1, "h"))),
            (std::pair(true, std::vector<Seen>{{"h", std::nullopt}, {"h", std::nullopt}})));
  EXPECT_EQ(read(""), (std::pair(true, std::vector<Seen>{})));
  EXPECT_EQ(read(whole(field_of(1, "none"))), (std::pair(true, std::vector<Seen>{})));
}

TEST(Otlp, RefusesWhatIsNoMessage) {
  EXPECT_FALSE(read("x").first);
  EXPECT_FALSE(read(ByteView("\x0a\x05xx", 4)).first);      // longer than the input
  EXPECT_FALSE(read(ByteView("\x0b\x01", 2)).first);        // a group
  EXPECT_FALSE(read(ByteView("\x00\x01", 2)).first);        // field 0
  EXPECT_FALSE(read(Bytes(11, '\xff')).first);              // a number that does not end
  EXPECT_FALSE(read(whole(field_of(1, "g") + field_of(5, field_of(1, "\x21xx")))).first);  // half a double
  const Bytes good = whole(field_of(1, "g") + field_of(5, field_of(1, fixed_of(4, 1.5))));
  for (size_t size = 1; size < good.size(); size++) EXPECT_FALSE(read(ByteView(good).substr(0, size)).first) << size;
}

}  // namespace
}  // namespace milena
