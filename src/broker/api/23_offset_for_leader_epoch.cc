// OffsetForLeaderEpoch (key 23), versions 0-4: the end of a leader epoch in this log, so that a client or follower
// finds the point at which its own log diverges (KIP-320). Unknown: epoch -1, offset -1.
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/replica/partition_lookup.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "protocol/messages/offset_for_leader_epoch.h"

namespace milena::broker {
namespace {

using OffsetForLeaderEpochCall = Call<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse>;

struct EpochItem {
  TopicPartitionId id;
  AnswerPlace place;
  int32_t current_leader_epoch = -1;
  int32_t epoch = -1;
  ErrorCode error = ErrorCode::kNone;
  int32_t found_epoch = -1;
  int64_t end_offset = -1;
};

void look_up_epoch(Shard& owner, EpochItem& item) {
  Partition* partition = owner.replicas().find_replica(item.id);
  item.error = check_leader(partition, item.current_leader_epoch);
  if (item.error != ErrorCode::kNone) return;
  item.error = partition->with_log([&](log::PartitionLog& log) -> Status {
    auto end = log.epoch_end_offset(item.epoch);
    RETURN_IF_ERROR(end);
    if (!end->has_value()) return ok_status();
    item.found_epoch = (*end)->epoch;
    item.end_offset = (*end)->end_offset;
    return ok_status();
  });
}

void handle_offset_for_leader_epoch(std::shared_ptr<OffsetForLeaderEpochCall> call) {
  Shard& shard = call->shard();
  auto response = std::make_shared<OffsetForLeaderEpochResponse>();
  std::vector<EpochItem> items;
  const bool follower = call->allows_quietly(security::kClusterAction);
  for (const auto& topic : call->request.topics) {
    auto& topic_out = response->topics.emplace_back();
    topic_out.topic = Bytes(topic.topic);
    const bool allowed = follower || call->allows(security::kDescribeTopic, topic.topic);
    const metadata::TopicImage* image = shard.image().find_topic(topic.topic);
    for (const auto& p : topic.partitions) {
      auto& out = topic_out.partitions.emplace_back();
      out.partition = p.partition;
      if (!allowed) {
        out.error_code = ErrorCode::kTopicAuthorizationFailed;
        continue;
      }
      if (image == nullptr || image->partition(p.partition) == nullptr) {
        out.error_code = ErrorCode::kUnknownTopicOrPartition;
        continue;
      }
      items.push_back(EpochItem{{image->id, p.partition}, AnswerPlace::last_of(*response), p.current_leader_epoch,
                                p.leader_epoch});
    }
  }
  shard.router().visit_each<EpochItem>(
      shard, std::move(items), &look_up_epoch, [call, response](std::vector<EpochItem> done) {
        for (const EpochItem& item : done) {
          auto& out = item.place.in(*response);
          out.error_code = item.error;
          out.leader_epoch = item.found_epoch;
          out.end_offset = item.end_offset;
        }
        call->reply(*response);
      });
}

}  // namespace

ApiEntry offset_for_leader_epoch_api() {
  return api_entry<OffsetForLeaderEpochCall, handle_offset_for_leader_epoch>(
      {security::kClusterAction, security::kDescribeTopic});
}

}  // namespace milena::broker
