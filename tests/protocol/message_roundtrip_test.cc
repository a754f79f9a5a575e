// Every message in every version, with random content from a separate encoder (MessageMaker).

#include <cstring>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "protocol/message_random.h"

namespace milena::testing {
namespace {

// A copy that ends where its allocation ends, so that the address sanitizer sees one byte too many being read.
class ExactBytes {
 public:
  explicit ExactBytes(ByteView bytes) : copy_(new char[bytes.size()]), size_(bytes.size()) {
    if (size_ > 0) std::memcpy(copy_.get(), bytes.data(), size_);
  }
  ByteView view() const { return {copy_.get(), size_}; }

 private:
  std::unique_ptr<char[]> copy_;
  size_t size_;
};

template <class Check>
void for_each_version(Check check) {
  for (const MessageDescription& message : all_messages()) {
    for (int version = message.min_version; version <= message.max_version; ++version) {
      SCOPED_TRACE(std::string(message.name) + " version " + std::to_string(version));
      check(message, static_cast<int16_t>(version));
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(MessageRoundtrip, TheCatalogIsWhole) {
  int requests = 0;
  for (const MessageDescription& message : all_messages()) requests += message.api_key >= 0;
  EXPECT_EQ(requests, 2 * 89);
  EXPECT_GE(all_messages().size(), 268u);
}

TEST(MessageRoundtrip, RandomContentKeepsItsBytes) {
  for_each_version([](const MessageDescription& message, int16_t version) {
    for (uint64_t seed = 0; seed < 40; ++seed) {
      const Fill fill = seed % 8 == 0 ? Fill::kSparse : Fill::kMixed;
      const MadeMessage made = MessageMaker(seed, fill).make(message, version);
      const ExactBytes exact(made.bytes);
      const Recoded recoded = message.recode(exact.view(), version);
      ASSERT_TRUE(recoded.read) << "seed " << seed;
      ASSERT_EQ(recoded.left_over, 0u) << "seed " << seed;
      ASSERT_EQ(recoded.bytes, made.bytes) << "seed " << seed;
      ASSERT_TRUE(recoded.equal) << "seed " << seed;
      ASSERT_TRUE(recoded.honest) << "seed " << seed;
    }
  });
}

TEST(MessageRoundtrip, UnknownTaggedFieldsAreSkipped) {
  for_each_version([](const MessageDescription& message, int16_t version) {
    if (!message.flexible(version)) return;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      const MadeMessage plain = MessageMaker(seed).make(message, version);
      const MadeMessage with = MessageMaker(seed).make(message, version, true);
      const Recoded recoded = message.recode(ExactBytes(with.bytes).view(), version);
      ASSERT_TRUE(recoded.read) << "seed " << seed;
      ASSERT_EQ(recoded.bytes, plain.bytes) << "seed " << seed;
    }
  });
}

TEST(MessageRoundtrip, EveryTruncationFails) {
  for_each_version([](const MessageDescription& message, int16_t version) {
    const MadeMessage made = MessageMaker(7).make(message, version, true);
    const size_t most = std::min<size_t>(made.bytes.size(), 1500);
    for (size_t size = 0; size < most; ++size) {
      const ExactBytes exact(ByteView(made.bytes).substr(0, size));
      ASSERT_FALSE(message.recode(exact.view(), version).read) << size << " of " << made.bytes.size();
    }
  });
}

// Flipped bytes may be read or refused; in both cases nothing outside is read, and a message that was read can be
// written.
TEST(MessageRoundtrip, DamagedBytesAreHarmless) {
  for_each_version([](const MessageDescription& message, int16_t version) {
    std::mt19937_64 random(99);
    for (uint64_t seed = 0; seed < 20; ++seed) {
      MadeMessage made = MessageMaker(seed).make(message, version);
      if (made.bytes.empty()) return;
      for (int flips = 0; flips < 3; ++flips) made.bytes[random() % made.bytes.size()] = static_cast<char>(random());
      message.recode(ExactBytes(made.bytes).view(), version);
    }
  });
}

TEST(MessageRoundtrip, VersionsOutsideTheRangeFail) {
  for (const MessageDescription& message : all_messages()) {
    const Bytes zeros(4096, '\0');
    EXPECT_FALSE(message.recode(zeros, static_cast<int16_t>(message.max_version + 1)).read) << message.name;
    EXPECT_FALSE(message.recode(zeros, -1).read) << message.name;
  }
}

}  // namespace
}  // namespace milena::testing
