// DescribeProducers (key 61), version 0: the producers of a partition, and the start of their open transactions.
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/replica/partition_lookup.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "metadata/topic_name.h"
#include "protocol/messages/describe_producers.h"

namespace milena::broker {
namespace {

using DescribeProducersCall = Call<DescribeProducersRequest, DescribeProducersResponse>;

// The memory here, and in the answer.
constexpr size_t kProducer_bytes = sizeof(log::ProducerEntry) + sizeof(DescribeProducersResponse::ProducerState);

using PartitionOut61 = DescribeProducersResponse::PartitionResponse;

// The visits make the answer, a slice at a time.
struct ProducersItem {
  TopicPartitionId id;
  AnswerPlace place;
  coordinator::AnswerRoom* room = nullptr;
  PartitionOut61 out;
};

void describe_producers(const std::vector<log::ProducerEntry>& producers, PartitionOut61& out) {
  out.active_producers.reserve(producers.size());
  for (const log::ProducerEntry& entry : producers) {
    auto& producer = out.active_producers.emplace_back();
    producer.producer_id = entry.producer_id;
    producer.producer_epoch = entry.epoch;
    producer.last_sequence = entry.last_sequence();
    producer.last_timestamp = entry.last_timestamp;
    producer.coordinator_epoch = entry.coordinator_epoch;
    producer.current_txn_start_offset = entry.current_txn_first_offset;
  }
}

void look_up_producers(Shard& owner, ProducersItem& item) {
  if (item.room->is_full()) {
    item.out.error_code = ErrorCode::kUnknownServerError;
    return;
  }
  // Followers have them, too.
  Partition* partition = owner.replicas().find_replica(item.id);
  item.out.error_code = check_replica(partition, -1);
  if (item.out.error_code != ErrorCode::kNone) return;
  item.out.error_code = partition->with_log([&](log::PartitionLog& log) -> Status {
    auto producers = log.active_producers();
    RETURN_IF_ERROR(producers);
    describe_producers(*producers, item.out);
    item.room->take(producers->size() * kProducer_bytes, "",
                    "producers of " + partition->topic_partition().to_string());
    return ok_status();
  });
}

void handle_describe_producers(std::shared_ptr<DescribeProducersCall> call) {
  Shard& shard = call->shard();
  auto response = std::make_shared<DescribeProducersResponse>();
  std::vector<ProducersItem> items;
  for (const auto& topic : call->request.topics) {
    auto& topic_out = response->topics.emplace_back();
    topic_out.name = Bytes(topic.name);
    const auto invalid = metadata::invalid_topic_name(topic.name);
    const bool allowed = invalid || call->allows(security::kReadTopic, topic.name);
    const metadata::TopicImage* image = shard.image().find_topic(topic.name);
    for (int32_t index : topic.partition_indexes) {
      auto& out = topic_out.partitions.emplace_back();
      out.partition_index = index;
      if (!allowed) {
        out.error_code = ErrorCode::kTopicAuthorizationFailed;
        out.error_message = Bytes(error_message(out.error_code));
        continue;
      }
      if (image == nullptr || image->partition(index) == nullptr) {
        out.error_code = invalid ? ErrorCode::kInvalidTopicException : ErrorCode::kUnknownTopicOrPartition;
        if (image != nullptr) continue;  // Kafka has texts only for errors of the topic
        out.error_message = invalid ? *invalid : Bytes(error_message(out.error_code));
        continue;
      }
      items.push_back(ProducersItem{.id = {image->id, index}, .place = AnswerPlace::last_of(*response),
                                    .room = &call->answer_room()});
    }
  }
  shard.router().visit_each<ProducersItem>(shard, std::move(items), &look_up_producers,
                                           [call, response](std::vector<ProducersItem> found) {
                                             for (ProducersItem& item : found) {
                                               auto& out = item.place.in(*response);
                                               out.error_code = item.out.error_code;
                                               out.active_producers = std::move(item.out.active_producers);
                                             }
                                             call->reply(*response);
                                           });
}

}  // namespace

ApiEntry describe_producers_api() {
  return api_entry<DescribeProducersCall, handle_describe_producers>({security::kReadTopic});
}

}  // namespace milena::broker
