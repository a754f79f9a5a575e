#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

#include "base/manual_executor.h"
#include "base/uuid.h"

namespace milena {
namespace {

TEST(SeededRandom, RepeatsItselfFromTheSeed) {
  SeededRandom first(7), again(7), other(8);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; i++) {
    uint64_t bits = first.next();
    EXPECT_EQ(bits, again.next());
    EXPECT_NE(bits, other.next());
    EXPECT_TRUE(seen.insert(bits).second);
  }
}

TEST(SystemRandom, GivesOtherNumbersEachTime) {
  EXPECT_NE(system_random().next(), system_random().next());
  EXPECT_NE(Uuid::random(system_random()), Uuid::random(system_random()));
}

TEST(ManualExecutor, ItsRandomNumbersComeFromItsSeed) {
  ManualClock clock;
  ManualExecutor one(clock, 5), same(clock, 5), other(clock, 6);
  const Uuid id = Uuid::random(one.random());
  EXPECT_EQ(id, Uuid::random(same.random()));
  EXPECT_NE(id, Uuid::random(other.random()));
  EXPECT_EQ(random_uuid_text(one.random()), random_uuid_text(same.random()));
}

}  // namespace
}  // namespace milena
