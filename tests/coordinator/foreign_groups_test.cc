// Share and streams groups of another broker in the log: their names stay reserved, and they are listed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/consumer_harness.h"
#include "coordinator/record_bytes.h"
#include "protocol/messages/offsets/share_group_member_metadata.h"
#include "protocol/messages/offsets/share_group_metadata.h"
#include "protocol/messages/offsets/streams_group_member_metadata.h"
#include "protocol/messages/offsets/streams_group_metadata.h"

namespace milena::coordinator {
namespace {

class ForeignGroupsTest : public testing::Test {
 protected:
  template <class Key, class Value>
  void write_group(const std::string& group) {
    Key key;
    key.group_id = group;
    write(make_record(key, Value(), 0));
  }
  template <class Key, class Value>
  void write_member(const std::string& group) {
    Key key;
    key.group_id = group;
    key.member_id = "m";
    write(make_record(key, Value(), 0));
  }
  void write(CoordinatorRecord record) {
    Effects effects;
    effects.records.push_back(std::move(record));
    h_.run(std::move(effects));
  }
  // A share group with a member, an empty streams group.
  void SetUp() override {
    write_group<ShareGroupMetadataKey, ShareGroupMetadataValue>("share");
    write_member<ShareGroupMemberMetadataKey, ShareGroupMemberMetadataValue>("share");
    write_group<StreamsGroupMetadataKey, StreamsGroupMetadataValue>("streams");
    written_ = h_.log().size();
  }

  ErrorCode join_classic(const std::string& group) {
    ShardHarness::Join what;
    what.group = group;
    return h_.answer<JoinGroupResponse>(h_.join(what)).error_code;
  }
  ErrorCode commit(const std::string& group, int32_t generation) {
    ShardHarness::Commit what;
    what.group = group;
    what.generation = generation;
    if (generation >= 0) what.member = "m";
    return h_.commit(what);
  }
  ErrorCode fetch_error(const std::string& group) {
    OffsetFetchGroup request;
    request.group_id = group;
    request.topics.reset();
    h_.run(h_.shard().fetch_offsets(h_.caller(9), request, false, h_.now()));
    return h_.answer<OffsetFetchGroupResponse>(h_.last_token()).error_code;
  }
  ErrorCode delete_error(ByteView group) {
    h_.run(h_.shard().delete_groups(h_.caller(2), {&group, 1}, h_.now()));
    return h_.answer<DeleteGroupsResponse>(h_.last_token()).results.at(0).error_code;
  }
  std::vector<std::string> listed(std::vector<ByteView> types) {
    ListGroupsRequest request;
    request.types_filter = std::move(types);
    h_.run(h_.shard().list_groups(h_.caller(5), request));
    std::vector<std::string> found;
    for (const auto& group : h_.answer<ListGroupsResponse>(h_.last_token()).groups) {
      found.push_back(group.group_id + " " + group.group_state + " " + group.protocol_type + " " + group.group_type);
    }
    return found;
  }

  ConsumerHarness h_;
  size_t written_ = 0;
};

TEST_F(ForeignGroupsTest, NobodyGetsTheirNames) {
  for (bool reloaded : {false, true}) {
    if (reloaded) h_.reload();
    for (const char* name : {"share", "streams"}) {
      EXPECT_EQ(join_classic(name), ErrorCode::kInconsistentGroupProtocol) << name;
      auto joining = ConsumerHarness::joining("c");
      joining.group = name;
      const auto refused = h_.beat(joining);
      EXPECT_EQ(refused.error_code, ErrorCode::kGroupIdNotFound) << name;
      EXPECT_EQ(refused.error_message, std::string("Group ") + name + " is not a consumer group.");
      joining.epoch = 3;
      EXPECT_EQ(h_.beat(joining).error_code, ErrorCode::kGroupIdNotFound) << name;
      EXPECT_NE(commit(name, 1), ErrorCode::kNone) << name;
    }
    EXPECT_EQ(commit("share", -1), ErrorCode::kGroupIdNotFound);
    EXPECT_EQ(fetch_error("share"), ErrorCode::kGroupIdNotFound);
    EXPECT_EQ(delete_error("share"), ErrorCode::kNonEmptyGroup);
    EXPECT_EQ(delete_error("streams"), ErrorCode::kUnsupportedVersion);
    EXPECT_EQ(h_.log().size(), written_);
  }
}

TEST_F(ForeignGroupsTest, AreListedAndDescribedAsOfAnotherKind) {
  EXPECT_THAT(listed({}), testing::ElementsAre("share Stable share share", "streams Empty streams streams"));
  EXPECT_THAT(listed({"share"}), testing::ElementsAre("share Stable share share"));
  EXPECT_THAT(listed({"classic", "consumer"}), testing::IsEmpty());
  ByteView name = "share";
  h_.run(h_.shard().describe_groups(h_.caller(6), {&name, 1}));
  EXPECT_EQ(h_.answer<DescribeGroupsResponse>(h_.last_token()).groups.at(0).error_message,
            "Group share is not a classic group.");
}

// Administrators read and set Kafka Streams' offsets; these do not create a classic group of the name.
TEST_F(ForeignGroupsTest, OffsetsOfAnEmptyStreamsGroupAreKept) {
  EXPECT_EQ(commit("streams", -1), ErrorCode::kNone);
  EXPECT_EQ(fetch_error("streams"), ErrorCode::kNone);
  EXPECT_EQ(h_.shard().find_group("streams"), nullptr);
  h_.reload();
  EXPECT_EQ(h_.shard().find_group("streams"), nullptr);
  EXPECT_NE(h_.shard().offsets().find("streams", "t", 0), nullptr);
}

// Compaction leaves offsets before the group's newest record.
TEST_F(ForeignGroupsTest, TakeTheNameFromASimpleGroup) {
  EXPECT_EQ(commit("late", -1), ErrorCode::kNone);
  ASSERT_NE(h_.shard().find_group("late"), nullptr);
  write_group<StreamsGroupMetadataKey, StreamsGroupMetadataValue>("late");
  EXPECT_EQ(h_.shard().find_group("late"), nullptr);
  EXPECT_EQ(join_classic("late"), ErrorCode::kInconsistentGroupProtocol);
}

TEST_F(ForeignGroupsTest, AreGoneWithTheirTombstones) {
  ShareGroupMemberMetadataKey member;
  member.group_id = "share";
  member.member_id = "m";
  write(make_tombstone(member));
  EXPECT_THAT(listed({"share"}), testing::ElementsAre("share Empty share share"));
  ShareGroupMetadataKey group;
  group.group_id = "share";
  write(make_tombstone(group));
  EXPECT_THAT(listed({"share"}), testing::IsEmpty());
  ShardHarness::Join what;
  what.group = "share";
  EXPECT_EQ(h_.answer<JoinGroupResponse>(h_.join(what)).error_code, ErrorCode::kMemberIdRequired);
}

}  // namespace
}  // namespace milena::coordinator
