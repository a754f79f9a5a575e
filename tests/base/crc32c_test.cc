#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <random>

namespace milena {
namespace {

TEST(Crc32c, KnownValues) {
  // RFC 3720, appendix B.4.
  EXPECT_EQ(crc32c(Bytes(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(Crc32c, InstructionAndTableAgree) {
  std::mt19937 random(1);
  Bytes bytes(20000, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  for (size_t size = 0; size < bytes.size(); size += 1 + size / 7) {
    const size_t at = random() % (bytes.size() - size);
    const uint32_t seed = random();
    const ByteView part = ByteView(bytes).substr(at, size);
    ASSERT_EQ(crc32c(part, seed), crc32c_portable(part, seed)) << "at " << at << " size " << size;
  }
}

TEST(Crc32c, GoesOnFromASeed) {
  const Bytes bytes(1000, 'x');
  for (size_t cut = 0; cut <= bytes.size(); cut += 37) {
    EXPECT_EQ(crc32c(bytes.substr(cut), crc32c(bytes.substr(0, cut))), crc32c(bytes));
  }
}

}  // namespace
}  // namespace milena
