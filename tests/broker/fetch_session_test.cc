#include "broker/replica/fetch_session.h"

#include <gtest/gtest.h>

namespace milena::broker {
namespace {

FetchKey key_of(int32_t partition) { return FetchKey{Uuid{1, 2}, "", partition}; }

std::vector<int32_t> order_of(const FetchSession& session) {
  std::vector<int32_t> partitions;
  for (const auto& entry : session.entries()) partitions.push_back(entry.key.partition);
  return partitions;
}

TEST(FetchSession, KeepsOrderAndMovesServedPartitionsToTheEnd) {
  FetchSession session(5, true);
  for (int32_t p : {0, 1, 2}) session.put(key_of(p), FetchPosition{.fetch_offset = p});
  session.move_to_end(key_of(0));
  EXPECT_EQ(order_of(session), (std::vector<int32_t>{1, 2, 0}));
  session.put(key_of(1), FetchPosition{.fetch_offset = 9});
  EXPECT_EQ(order_of(session), (std::vector<int32_t>{1, 2, 0}));
  EXPECT_EQ(session.find(key_of(1))->position.fetch_offset, 9);
  session.forget(key_of(2));
  session.forget(key_of(7));
  EXPECT_EQ(order_of(session), (std::vector<int32_t>{1, 0}));
}

TEST(FetchSession, EpochWrapsToOne) {
  FetchSession session(5, true);
  EXPECT_EQ(session.epoch(), 1);
  session.advance_epoch();
  EXPECT_EQ(session.epoch(), 2);
}

TEST(FetchSessionCache, FullOfYoungSessionsGivesNone) {
  SeededRandom random(1);
  FetchSessionCache cache(0, 1, 2, random);
  auto first = cache.create(true, 0, 0);
  auto second = cache.create(true, 0, 10);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(cache.create(true, 0, 119'999), nullptr);
  ASSERT_NE(cache.find(first->id(), 119'999), nullptr);
  // The second was not used for two minutes, the first was: the second is evicted.
  auto third = cache.create(true, 0, 120'010);
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(cache.find(second->id(), 120'010), nullptr);
  EXPECT_NE(cache.find(first->id(), 120'010), nullptr);
}

TEST(FetchSessionCache, LargeSessionsMakeRoomForSmallOnesAndNeverCostTooMuchTogether) {
  const size_t one = FetchSession::cost_of(key_of(0));
  SeededRandom random(1);
  FetchSessionCache cache(0, 1, 100, random, 10 * one);
  EXPECT_EQ(cache.create(true, 11 * one, 0), nullptr);
  auto large = cache.create(true, 6 * one, 0);
  auto small = cache.create(true, one, 0);
  ASSERT_TRUE(large && small);
  EXPECT_EQ(cache.create(true, 7 * one, 1), nullptr);  // none is larger, and all are new
  auto other = cache.create(true, 4 * one, 1);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(cache.find(large->id(), 1), nullptr);
  // A session that grows counts with its new size.
  for (int32_t p = 0; p < 7; p++) small->put(key_of(p), {});
  EXPECT_EQ(small->cost_bytes(), 7 * one);
  cache.note_cost(*small);
  EXPECT_EQ(cache.find(small->id(), 1), nullptr);
  EXPECT_NE(cache.find(other->id(), 1), nullptr);
  other->forget(key_of(3));
  EXPECT_EQ(other->cost_bytes(), 0u);
}

TEST(FetchSessionCache, IdsCarryTheirShardAndAreNeverZero) {
  SeededRandom random(1);
  FetchSessionCache cache(3, 4, 100, random);
  for (int i = 0; i < 100; i++) {
    auto session = cache.create(false, 0, 0);
    ASSERT_NE(session, nullptr);
    EXPECT_EQ(session->id() % 4, 3);
    EXPECT_GT(session->id(), 0);
  }
  EXPECT_EQ(cache.size(), 100u);
}

}  // namespace
}  // namespace milena::broker
