#include "base/varint.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace milena {
namespace {

const char* end_of(const Bytes& bytes) { return bytes.data() + bytes.size(); }

TEST(Varint, KnownBytes) {
  const std::vector<std::pair<int32_t, Bytes>> cases = {
      {0, Bytes("\x00", 1)},
      {-1, "\x01"},
      {1, "\x02"},
      {63, "\x7e"},
      {-64, "\x7f"},
      {64, Bytes("\x80\x01")},
      {std::numeric_limits<int32_t>::max(), "\xfe\xff\xff\xff\x0f"},
      {std::numeric_limits<int32_t>::min(), "\xff\xff\xff\xff\x0f"},
  };
  for (const auto& [value, bytes] : cases) {
    Bytes written;
    append_varint(written, value);
    EXPECT_EQ(written, bytes) << value;
    EXPECT_EQ(varint_size(value), bytes.size());
    int32_t read = 0;
    EXPECT_EQ(read_varint(bytes.data(), end_of(bytes), read), end_of(bytes));
    EXPECT_EQ(read, value);
  }
}

TEST(Varint, VarlongRoundTrip) {
  for (int shift = 0; shift < 64; shift++) {
    for (const int64_t delta : {-1, 0, 1}) {
      for (const int64_t sign : {-1, 1}) {
        const int64_t value = static_cast<int64_t>((uint64_t{1} << shift) + static_cast<uint64_t>(delta)) * sign;
        Bytes written;
        append_varlong(written, value);
        EXPECT_EQ(varlong_size(value), written.size());
        int64_t read = 0;
        EXPECT_EQ(read_varlong(written.data(), end_of(written), read), end_of(written));
        EXPECT_EQ(read, value);
      }
    }
  }
}

TEST(Varint, CutAndTooLong) {
  uint32_t value = 0;
  uint64_t long_value = 0;
  for (const Bytes& bytes : {Bytes(), Bytes("\x80"), Bytes("\xff\xff\xff\xff"), Bytes("\xff\xff\xff\xff\xff"),
                             Bytes("\xff\xff\xff\xff\xff\x01")}) {
    EXPECT_EQ(read_unsigned_varint(bytes.data(), end_of(bytes), value), nullptr);
  }
  const Bytes eleven(11, '\x80');
  EXPECT_EQ(read_unsigned_varlong(eleven.data(), end_of(eleven), long_value), nullptr);
  EXPECT_EQ(read_unsigned_varlong(eleven.data(), eleven.data() + 9, long_value), nullptr);
}

}  // namespace
}  // namespace milena
