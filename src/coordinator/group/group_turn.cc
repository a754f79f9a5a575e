#include "coordinator/group/group_turn.h"

namespace milena::coordinator {

void turn_into_error(GroupResponse& response, ErrorCode error) {
  struct Visitor {
    ErrorCode error;
    void operator()(JoinGroupResponse& r) const { r = {}; r.error_code = error; }
    void operator()(SyncGroupResponse& r) const { r = {}; r.error_code = error; }
    void operator()(HeartbeatResponse& r) const { r.error_code = error; }
    void operator()(LeaveGroupResponse& r) const { r = {}; r.error_code = error; }
    void operator()(DescribeGroupsResponse& r) const {
      for (auto& group : r.groups) {
        Bytes id = std::move(group.group_id);
        group = {};
        group.group_id = std::move(id);
        group.error_code = error;
      }
    }
    void operator()(ListGroupsResponse& r) const { r = {}; r.error_code = error; }
    void operator()(DeleteGroupsResponse& r) const { for (auto& result : r.results) result.error_code = error; }
    void operator()(OffsetCommitResponse& r) const {
      for (auto& topic : r.topics) for (auto& partition : topic.partitions) partition.error_code = error;
    }
    void operator()(TxnOffsetCommitResponse& r) const {
      for (auto& topic : r.topics) for (auto& partition : topic.partitions) partition.error_code = error;
    }
    void operator()(OffsetFetchGroupResponse& r) const { r.topics.clear(); r.error_code = error; }
    void operator()(OffsetDeleteResponse& r) const { r = {}; r.error_code = error; }
    void operator()(ConsumerGroupHeartbeatResponse& r) const { r = {}; r.error_code = error; }
    void operator()(ConsumerGroupDescribeResponse& r) const {
      for (auto& group : r.groups) {
        Bytes id = std::move(group.group_id);
        group = {};
        group.group_id = std::move(id);
        group.error_code = error;
      }
    }
  };
  std::visit(Visitor{error}, response);
}

void GroupTurn::undo_with_error(AnswerToken token) {
  undo = [token](ErrorCode error, GroupTurn& failed) {
    for (Answer& answer : failed.effects.answers) {
      if (answer.token == token) turn_into_error(answer.response, error);
    }
  };
}

void GroupTurn::also_undo_with_error(AnswerToken token) {
  std::function<void(ErrorCode, GroupTurn&)> others = std::move(undo);
  undo_with_error(token);
  if (!others) return;
  undo = [others = std::move(others), own = std::move(undo)](ErrorCode error, GroupTurn& failed) {
    others(error, failed);
    own(error, failed);
  };
}

}  // namespace milena::coordinator
