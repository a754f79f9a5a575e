// Array counts that claim more than the frame holds. Counts what is allocated, see message_allocation.h.

#include <gtest/gtest.h>

#include "protocol/message_allocation.h"
#include "protocol/message_random.h"

namespace milena::testing {

using allocation::largest_allocation;
namespace {

// The count at `position` replaced by one that claims `claim` elements, and `padding` bytes in place of all that
// followed.
Bytes with_count(const MadeMessage& made, size_t position, bool flexible, uint32_t claim, size_t padding) {
  Bytes bytes = made.bytes.substr(0, position);
  if (flexible) {
    uint32_t value = claim + 1;
    for (; value > 127; value /= 128) bytes.push_back(static_cast<char>(value % 128 + 128));
    bytes.push_back(static_cast<char>(value));
  } else {
    append_big_endian(bytes, static_cast<int32_t>(claim));
  }
  bytes.append(padding, '\0');
  return bytes;
}

TEST(MessageHostile, ArrayCountsBeyondTheFrameFailWithoutBigAllocation) {
  constexpr size_t kPadding = 2000;
  int tried = 0;
  for (const MessageDescription& message : all_messages()) {
    for (int version = message.min_version; version <= message.max_version; ++version) {
      const auto v = static_cast<int16_t>(version);
      const MadeMessage made = MessageMaker(3).make(message, v);
      for (const size_t position : made.array_counts) {
        for (const uint32_t claim : {0x7ffffffeu, 0x10000000u, 100000u, 2001u}) {
          const Bytes bytes = with_count(made, position, message.flexible(v), claim, kPadding);
          largest_allocation = 0;
          EXPECT_FALSE(message.recode(bytes, v).read) << message.name << " " << version << " at " << position;
          EXPECT_LE(largest_allocation, 64 * bytes.size()) << message.name << " " << version << " at " << position;
          ++tried;
        }
      }
    }
  }
  EXPECT_GT(tried, 1000);
}

// The largest valid claim: every element with its least size. Memory stays a small multiple of the frame.
TEST(MessageHostile, FramesFullOfTheSmallestElementsStayBounded) {
  constexpr size_t kPadding = 20000;
  for (const MessageDescription& message : all_messages()) {
    for (int version = message.min_version; version <= message.max_version; ++version) {
      const auto v = static_cast<int16_t>(version);
      const MadeMessage made = MessageMaker(3).make(message, v);
      for (const size_t position : made.array_counts) {
        for (const uint32_t claim : {20000u, 10000u, 6666u, 5000u, 2000u, 1000u}) {
          const Bytes bytes = with_count(made, position, message.flexible(v), claim, kPadding);
          largest_allocation = 0;
          message.recode(bytes, v);
          EXPECT_LE(largest_allocation, 64 * bytes.size()) << message.name << " " << version << " at " << position;
        }
      }
    }
  }
}

}  // namespace
}  // namespace milena::testing
