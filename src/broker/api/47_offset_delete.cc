// OffsetDelete (key 47), version 0. Missing partitions are answered here; the rest goes to the group's coordinator
// (coordinator/group/group_shard.h).
#include <unordered_map>

#include "broker/api/group_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/shard_context.h"
#include "protocol/messages/offset_delete.h"

namespace milena::broker {
namespace {

using OffsetDeleteCall = Call<OffsetDeleteRequest, OffsetDeleteResponse>;

using Partitions = decltype(OffsetDeleteResponse::OffsetDeleteResponseTopic::partitions);
// Where each topic is in an answer.
using Places = std::unordered_map<Bytes, size_t>;

// Those of the topic, which occurs in the answer once.
Partitions& partitions_of(OffsetDeleteResponse& response, Places& places, ByteView topic) {
  const auto [place, is_new] = places.try_emplace(Bytes(topic), response.topics.size());
  if (is_new) response.topics.emplace_back().name = Bytes(topic);
  return response.topics[place->second].partitions;
}

// Removes topics and partitions from the request that are unknown or that the client may not delete, and answers them.
OffsetDeleteResponse take_unknown(OffsetDeleteCall& call) {
  OffsetDeleteResponse unknown;
  Places places;
  for (auto& topic : call.request.topics) {
    const metadata::TopicImage* image = call.context().image().find_topic(topic.name);
    const bool allowed = call.allows(security::kReadTopic, topic.name);
    std::erase_if(topic.partitions, [&](const auto& partition) {
      if (allowed && image != nullptr && image->partition(partition.partition_index) != nullptr) return false;
      partitions_of(unknown, places, topic.name)
          .push_back({partition.partition_index, allowed ? ErrorCode::kUnknownTopicOrPartition
                                                         : ErrorCode::kTopicAuthorizationFailed});
      return true;
    });
  }
  std::erase_if(call.request.topics, [](const auto& topic) { return topic.partitions.empty(); });
  return unknown;
}

// One topic may have partitions on both sides.
void add(const OffsetDeleteResponse& unknown, OffsetDeleteResponse& response) {
  Places places;
  for (size_t i = 0; i < response.topics.size(); i++) places.try_emplace(response.topics[i].name, i);
  for (const auto& topic : unknown.topics) {
    auto& known = partitions_of(response, places, topic.name);
    known.insert(known.begin(), topic.partitions.begin(), topic.partitions.end());
  }
}

void handle_offset_delete(std::shared_ptr<OffsetDeleteCall> call) {
  ByteView group_id = call->request.group_id;
  if (!call->allows(security::kDeleteGroup, group_id)) return refuse_whole(*call, ErrorCode::kGroupAuthorizationFailed);
  auto unknown = std::make_shared<OffsetDeleteResponse>(take_unknown(*call));
  if (group_id.empty()) {
    OffsetDeleteResponse refused;
    refused.error_code = ErrorCode::kInvalidGroupId;
    return call->reply(refused);
  }
  GroupRuntime::submit(
      call->shard(), GroupRuntime::partition_of(call->context(), group_id),
      [call](coordinator::GroupShard& state, coordinator::AnswerToken token, coordinator::Now now) {
        return state.delete_offsets(GroupCaller(*call, token), call->request, now);
      },
      [call, unknown](ErrorCode error, coordinator::GroupResponse* answer) {
        OffsetDeleteResponse response;
        if (error == ErrorCode::kNone) {
          response = std::move(std::get<OffsetDeleteResponse>(*answer));
        } else {
          response.error_code = error;
        }
        if (response.error_code == ErrorCode::kNone) add(*unknown, response);
        call->reply(response);
      });
}

}  // namespace

ApiEntry offset_delete_api() {
  return api_entry<OffsetDeleteCall, handle_offset_delete>({security::kDeleteGroup, security::kReadTopic});
}

}  // namespace milena::broker
