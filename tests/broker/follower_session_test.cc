#include "broker/replica/follower_session.h"

#include <gtest/gtest.h>

namespace milena::broker::broker_test {
namespace {

constexpr Uuid kTopic{7, 7};

class FollowerSessionTest : public testing::Test {
 protected:
  // The request for these offsets, by partition.
  FetchRequest ask(const std::vector<std::pair<int32_t, int64_t>>& offsets) {
    std::vector<FollowerSession::Wanted> wanted;
    for (const auto& [partition, offset] : offsets) {
      FollowerSession::Wanted one{{kTopic, partition}, "t", {}};
      one.at.partition = partition;
      one.at.fetch_offset = offset;
      wanted.push_back(one);
    }
    FetchRequest request;
    session_.write(wanted, request);
    return request;
  }
  static std::vector<int32_t> named(const FetchRequest& request) {
    std::vector<int32_t> partitions;
    for (const auto& topic : request.topics) {
      for (const auto& one : topic.partitions) partitions.push_back(one.partition);
    }
    return partitions;
  }

  FollowerSession session_;
};

TEST_F(FollowerSessionTest, OnlyChangesAreNamed) {
  FetchRequest first = ask({{0, 10}, {1, 20}, {2, 30}});
  EXPECT_EQ(first.session_id, 0);
  EXPECT_EQ(first.session_epoch, 0);
  EXPECT_EQ(named(first), (std::vector<int32_t>{0, 1, 2}));
  EXPECT_FALSE(session_.on_answer(ErrorCode::kNone, 99));

  FetchRequest second = ask({{0, 10}, {1, 21}, {2, 30}});
  EXPECT_EQ(second.session_id, 99);
  EXPECT_EQ(second.session_epoch, 1);
  EXPECT_EQ(named(second), std::vector<int32_t>{1});
  EXPECT_FALSE(session_.on_answer(ErrorCode::kNone, 99));

  FetchRequest third = ask({{0, 10}, {3, 0}});
  EXPECT_EQ(third.session_epoch, 2);
  EXPECT_EQ(named(third), std::vector<int32_t>{3});
  ASSERT_EQ(third.forgotten_topics_data.size(), 1u);
  std::vector<int32_t> forgotten = third.forgotten_topics_data[0].partitions;
  std::sort(forgotten.begin(), forgotten.end());
  EXPECT_EQ(forgotten, (std::vector<int32_t>{1, 2}));
  session_.on_answer(ErrorCode::kNone, 99);
  EXPECT_EQ(named(ask({{0, 10}, {1, 21}, {3, 0}})), std::vector<int32_t>{1}) << "it was forgotten";
}

TEST_F(FollowerSessionTest, ALostSessionIsBegunAnew) {
  ask({{0, 10}, {1, 20}});
  session_.on_answer(ErrorCode::kNone, 99);
  ask({{0, 10}, {1, 20}});
  EXPECT_TRUE(session_.on_answer(ErrorCode::kFetchSessionIdNotFound, 0));
  FetchRequest again = ask({{0, 10}, {1, 20}});
  EXPECT_EQ(again.session_id, 0);
  EXPECT_EQ(again.session_epoch, 0);
  EXPECT_EQ(named(again).size(), 2u);
  session_.on_answer(ErrorCode::kNone, 100);
  // No response: the leader's state is unknown. The next request closes the old session.
  ask({{0, 11}, {1, 20}});
  EXPECT_FALSE(session_.on_answer(ErrorCode::kNetworkException, 0));
  FetchRequest after = ask({{0, 11}, {1, 20}});
  EXPECT_EQ(after.session_id, 100);
  EXPECT_EQ(after.session_epoch, 0);
  EXPECT_EQ(named(after).size(), 2u);
}

TEST_F(FollowerSessionTest, ALeaderWithoutRoomIsAskedForAllEachTime) {
  for (int i = 0; i < 2; i++) {
    FetchRequest request = ask({{0, 10}, {1, 20}});
    EXPECT_EQ(request.session_epoch, 0);
    EXPECT_EQ(named(request).size(), 2u);
    EXPECT_FALSE(session_.on_answer(ErrorCode::kNone, 0));
  }
}

}  // namespace
}  // namespace milena::broker::broker_test
