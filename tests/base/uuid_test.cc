#include "base/uuid.h"

#include <gtest/gtest.h>

namespace milena {
namespace {

TEST(Uuid, TextIsKafkas) {
  EXPECT_EQ(kMetadataTopicId.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
  EXPECT_EQ((Uuid{0x0123456789ABCDEFull, 0xFEDCBA9876543210ull}.to_string()), "ASNFZ4mrze_-3LqYdlQyEA");
}

TEST(Uuid, ParseReadsBackWhatWasWritten) {
  for (int i = 0; i < 1000; i++) {
    Uuid id = Uuid::random(system_random());
    EXPECT_EQ(Uuid::parse(id.to_string()), id);
    EXPECT_NE(id.to_string()[0], '-');
  }
}

TEST(Uuid, ParseRefusesOtherText) {
  EXPECT_FALSE(Uuid::parse("").has_value());
  EXPECT_FALSE(Uuid::parse("AAAAAAAAAAAAAAAAAAAAA").has_value());
  EXPECT_FALSE(Uuid::parse("AAAAAAAAAAAAAAAAAAAAAR").has_value());  // bits beyond the 128
  EXPECT_FALSE(Uuid::parse("AAAAAAAAAAAAAAAAAAAA+Q").has_value());
}

}  // namespace
}  // namespace milena
