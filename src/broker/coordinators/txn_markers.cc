// Writes the markers of transactions into the partitions. For those of __consumer_offsets, the coordinators of groups
// are also notified, which commit or drop their pending offsets.
#include <algorithm>
#include <utility>

#include "base/out_of_memory.h"
#include "broker/coordinators/group_runtime.h"
#include "broker/coordinators/transaction_requests.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "protocol/records/control_records.h"

namespace milena::broker {
namespace {

// The most time of a turn for one request.
constexpr int64_t kMarkersSlice_ms = 3;

struct MarkerItem {
  TopicPartitionId id;
  bool of_offsets = false;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  int16_t transaction_version = 0;
  EndTransactionMarker marker;
  int64_t deadline_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  // The place in the answer.
  size_t marker_index = 0, topic_index = 0, partition_index = 0;
};

// Returns true if the marker was appended; then its replication is awaited.
bool append_marker(Shard& owner, Partition& partition, MarkerItem& item) {
  if (!partition.enough_in_sync()) {
    item.error = ErrorCode::kNotEnoughReplicas;
    return false;
  }
  Bytes batch = build_end_transaction_batch(0, 0, owner.now_ms(), item.producer_id, item.producer_epoch, item.marker);
  log::AppendChecks checks = log::AppendOrigin::kMarker;
  checks.transaction_version = item.transaction_version;
  if (item.of_offsets) owner.groups().before_marker(item.id.partition);
  item.error = partition.append_as_leader(Payload(std::move(batch)), checks).error;
  if (item.error != ErrorCode::kNone) return false;
  if (item.of_offsets) owner.groups().on_marker(item.id.partition, item.producer_id, item.marker.committed);
  return true;
}

// Appends a slice of markers per turn, from `next` on. `finish_one` is called once for each that is awaited, and at the
// end.
void append_markers_from(Shard& owner, const std::shared_ptr<std::vector<MarkerItem>>& part, size_t next,
                         const std::shared_ptr<size_t>& open, const Task& finish_one) {
  const int64_t end_ms = owner.steady_ms() + kMarkersSlice_ms;
  for (size_t i = next; i < part->size(); i++) {
    if (i > next && owner.steady_ms() >= end_ms) {
      return owner.executor().post([&owner, part, i, open, finish_one] {
        whole_or_not([&] { append_markers_from(owner, part, i, open, finish_one); });
      });
    }
    MarkerItem& item = (*part)[i];
    Partition* partition = owner.replicas().find_partition(item.id);
    if (partition == nullptr) {
      item.error = ErrorCode::kNotLeaderOrFollower;
      continue;
    }
    if (!append_marker(owner, *partition, item)) continue;
    int64_t end = partition->log_end_offset();
    if (partition->is_settled(end, true)) continue;
    ++*open;
    partition->when_settled(end, true, item.deadline_ms, [part, i, finish_one](ErrorCode error) {
      (*part)[i].error = error;
      finish_one();
    });
  }
  finish_one();
}

void append_markers(Shard& owner, const std::shared_ptr<std::vector<MarkerItem>>& part, Task done) {
  auto open = std::make_shared<size_t>(1);
  const Task finish_one = [open, done = std::move(done)] {
    if (--*open == 0) done();
  };
  whole_or_not([&] { append_markers_from(owner, part, 0, open, finish_one); });
}

// The latest epoch of any coordinator in the metadata. A greater one is made up, and would fence the real coordinators
// forever.
int32_t latest_coordinator_epoch(const metadata::MetadataImage& image) {
  int32_t latest = 0;
  const metadata::TopicImage* topic = image.find_topic(metadata::kTransactionStateTopic);
  for (int32_t p = 0; topic != nullptr && p < topic->partition_count(); p++) {
    latest = std::max(latest, topic->partition(p)->leader_epoch);
  }
  return latest;
}

}  // namespace

void write_txn_markers(Shard& from, std::shared_ptr<const WriteTxnMarkersRequest> request,
                       std::function<void(WriteTxnMarkersResponse)> done) {
  auto response = std::make_shared<WriteTxnMarkersResponse>();
  std::vector<MarkerItem> items;
  const int32_t latest_epoch = latest_coordinator_epoch(from.image());
  int64_t deadline_ms = from.steady_ms() + from.settings().get_long("request.timeout.ms");
  for (const auto& marker : request->markers) {
    if (marker.topics.empty()) continue;  // Kafka has no answer for it
    auto& out = response->markers.emplace_back();
    out.producer_id = marker.producer_id;
    for (const auto& topic : marker.topics) {
      auto& topic_out = out.topics.emplace_back();
      topic_out.name = Bytes(topic.name);
      const metadata::TopicImage* image = from.image().find_topic(topic.name);
      for (int32_t partition : topic.partition_indexes) {
        topic_out.partitions.push_back({partition, ErrorCode::kUnknownTopicOrPartition});
        if (image == nullptr || image->partition(partition) == nullptr) continue;
        // It is also possible that this node has not heard of the coordinator yet, so the error is one that is retried.
        if (marker.coordinator_epoch > latest_epoch) {
          topic_out.partitions.back().error_code = ErrorCode::kNotLeaderOrFollower;
          continue;
        }
        items.push_back(MarkerItem{.id = {image->id, partition},
                                   .of_offsets = topic.name == metadata::kConsumerOffsetsTopic,
                                   .producer_id = marker.producer_id,
                                   .producer_epoch = marker.producer_epoch,
                                   .transaction_version = marker.transaction_version,
                                   .marker = {marker.transaction_result, marker.coordinator_epoch},
                                   .deadline_ms = deadline_ms,
                                   .marker_index = response->markers.size() - 1,
                                   .topic_index = out.topics.size() - 1,
                                   .partition_index = topic_out.partitions.size() - 1});
      }
    }
  }
  if (items.empty()) return done(std::move(*response));
  from.router().scatter<MarkerItem>(
      from, std::move(items), append_markers, [response, done = std::move(done)](std::vector<MarkerItem> written) {
        // A coordinator that is not notified would wait forever.
        whole_or_not([&] {
          for (const MarkerItem& item : written) {
            auto& topic = response->markers[item.marker_index].topics[item.topic_index];
            topic.partitions[item.partition_index].error_code = item.error;
          }
          done(std::move(*response));
        });
      });
}

}  // namespace milena::broker
