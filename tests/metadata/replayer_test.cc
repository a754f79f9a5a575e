#include "metadata/replayer.h"

#include "metadata/metadata_fixture.h"

namespace milena::metadata {
namespace {

using namespace milena::metadata::testing;  // NOLINT

TEST(Replayer, AppliesATransactionWhenItEnds) {
  MetadataReplayer replayer;
  ImageDelta delta;
  ASSERT_TRUE(replayer.replay({topic("a", kA), BeginTransactionRecord(), topic("b", kB)}, 2, 1, delta).ok());
  EXPECT_NE(replayer.image().find_topic("a"), nullptr);
  EXPECT_EQ(replayer.image().find_topic("b"), nullptr);
  EXPECT_TRUE(replayer.in_transaction());
  ASSERT_TRUE(
      replayer.replay({partition(kB, 0), EndTransactionRecord(), partition(kA, 0)}, 5, 2, delta).ok());
  EXPECT_NE(replayer.image().find_partition("b", 0), nullptr);
  EXPECT_NE(replayer.image().find_partition("a", 0), nullptr);
  EXPECT_FALSE(replayer.in_transaction());
  EXPECT_EQ(replayer.last_offset(), 5);
  EXPECT_EQ(replayer.last_epoch(), 2);
  EXPECT_EQ(delta.topics_created.size(), 2u);
}

TEST(Replayer, DropsAnAbortedTransaction) {
  MetadataReplayer replayer;
  ImageDelta delta;
  ASSERT_TRUE(
      replayer
          .replay({BeginTransactionRecord(), topic("b", kB), AbortTransactionRecord(), topic("a", kA)}, 3, 1,
                  delta)
          .ok());
  EXPECT_EQ(replayer.image().topic_count(), 1u);
  EXPECT_FALSE(replayer.in_transaction());
}

TEST(Replayer, RefusesMarksThatDoNotFit) {
  for (const MetadataRecords& batch :
       {MetadataRecords{BeginTransactionRecord(), BeginTransactionRecord()},
        MetadataRecords{EndTransactionRecord()}, MetadataRecords{AbortTransactionRecord()}}) {
    MetadataReplayer replayer;
    ImageDelta delta;
    EXPECT_FALSE(replayer.replay(batch, 1, 1, delta).ok());
  }
}

}  // namespace
}  // namespace milena::metadata
