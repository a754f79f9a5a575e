// GroupFixture: shorthands for the requests of consumer groups, as one member after the other sends them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/node_fixture.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/sync_group.h"

namespace milena::broker::broker_test {

class GroupFixture : public NodeFixture {
 protected:
  static constexpr int16_t kJoinVersion = 9;
  static constexpr int16_t kSyncVersion = 5;

  void SetUp() override {
    NodeFixture::SetUp();
    create_topic("t", 4);
    find_coordinator("g");
  }

  // The first call creates the topic of the offsets.
  FindCoordinatorResponse::Coordinator find_coordinator(ByteView group) {
    FindCoordinatorRequest request;
    request.coordinator_keys = {group};
    auto response = client().ask<FindCoordinatorResponse>(request, 4);
    EXPECT_EQ(response.coordinators.size(), 1u);
    return response.coordinators.empty() ? FindCoordinatorResponse::Coordinator{} : response.coordinators[0];
  }

  static JoinGroupRequest join_request(ByteView group, ByteView member) {
    JoinGroupRequest request;
    request.group_id = group;
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 30'000;
    request.member_id = member;
    request.protocol_type = "consumer";
    request.protocols.push_back({"range", "meta"});
    return request;
  }
  // Gets a member id, like clients since KIP-394.
  std::string new_member(TestClient& from, ByteView group) {
    auto response = from.ask<JoinGroupResponse>(join_request(group, ""), kJoinVersion);
    EXPECT_EQ(response.error_code, ErrorCode::kMemberIdRequired);
    EXPECT_FALSE(response.member_id.empty());
    return response.member_id;
  }
  static SyncGroupRequest sync_request(ByteView group, ByteView member, int32_t generation) {
    SyncGroupRequest request;
    request.group_id = group;
    request.member_id = member;
    request.generation_id = generation;
    request.protocol_type = "consumer";
    request.protocol_name = "range";
    return request;
  }
  ErrorCode heartbeat(TestClient& from, ByteView group, ByteView member, int32_t generation) {
    HeartbeatRequest request;
    request.group_id = group;
    request.member_id = member;
    request.generation_id = generation;
    return from.ask<HeartbeatResponse>(request, 4).error_code;
  }
  // One member alone; returns its id. Its generation is 1 in a new group.
  std::string join_alone(TestClient& from, ByteView group) {
    std::string member = new_member(from, group);
    auto joined = from.ask<JoinGroupResponse>(join_request(group, member), kJoinVersion);
    EXPECT_EQ(joined.error_code, ErrorCode::kNone);
    EXPECT_EQ(joined.leader, member);
    SyncGroupRequest sync = sync_request(group, member, joined.generation_id);
    sync.assignments.push_back({member, "mine"});
    auto synced = from.ask<SyncGroupResponse>(sync, kSyncVersion);
    EXPECT_EQ(synced.error_code, ErrorCode::kNone);
    EXPECT_EQ(synced.assignment, "mine");
    return member;
  }

  static OffsetCommitRequest commit_request(ByteView group, int32_t partition, int64_t offset, ByteView member = "",
                                            int32_t generation = -1) {
    OffsetCommitRequest request;
    request.group_id = group;
    request.member_id = member;
    request.generation_id_or_member_epoch = generation;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    OffsetCommitRequest::OffsetCommitRequestPartition one;
    one.partition_index = partition;
    one.committed_offset = offset;
    one.committed_metadata = "note";
    topic.partitions.push_back(one);
    return request;
  }
  static ErrorCode error_of(const OffsetCommitResponse& response) {
    if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
      ADD_FAILURE() << "not the answer for one partition";
      return ErrorCode::kUnknownServerError;
    }
    return response.topics[0].partitions[0].error_code;
  }
  ErrorCode commit(ByteView group, int32_t partition, int64_t offset, ByteView member = "", int32_t generation = -1) {
    return error_of(
        client().ask<OffsetCommitResponse>(commit_request(group, partition, offset, member, generation), 9));
  }

  static OffsetFetchRequest committed_request(ByteView group, int32_t partition) {
    OffsetFetchRequest request;
    auto& one = request.groups.emplace_back();
    one.group_id = group;
    auto& topic = one.topics->emplace_back();
    topic.name = "t";
    topic.partition_indexes = {partition};
    return request;
  }
  static int64_t offset_in(const OffsetFetchResponse& response) {
    if (response.groups.size() != 1 || response.groups[0].topics.size() != 1) {
      ADD_FAILURE() << "not the answer for one group and topic";
      return -2;
    }
    EXPECT_EQ(response.groups[0].error_code, ErrorCode::kNone);
    return response.groups[0].topics[0].partitions.at(0).committed_offset;
  }
  // -1 if nothing was committed.
  int64_t committed(ByteView group, int32_t partition) {
    return offset_in(client().ask<OffsetFetchResponse>(committed_request(group, partition), 9));
  }
};

}  // namespace milena::broker::broker_test
