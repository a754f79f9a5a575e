#include "broker/coordinators/transaction_runtime.h"

#include <map>
#include <utility>

#include "broker/controller/controller_channel.h"
#include "broker/coordinators/peer.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "metadata/features.h"
#include "metadata/planted_replication_bugs.h"
#include "protocol/messages/write_txn_markers.h"

namespace milena::broker {
namespace {

coordinator::TransactionConfig transaction_config(const config::Settings& settings) {
  coordinator::TransactionConfig config;
  config.max_timeout_ms = settings.get_int("transaction.max.timeout.ms");
  config.id_expiration_ms = settings.get_int("transactional.id.expiration.ms");
  config.abort_check_interval_ms = settings.get_int("transaction.abort.timed.out.transaction.cleanup.interval.ms");
  config.expiry_check_interval_ms = settings.get_int("transaction.remove.expired.transaction.cleanup.interval.ms");
  return config;
}

// The request to one broker, for one transaction. The views of `message` point into `markers`.
struct MarkerRequest {
  std::shared_ptr<const coordinator::TransactionMarkers> markers;
  WriteTxnMarkersRequest message;
};

WriteTxnMarkersRequest::WritableTxnMarker& start_marker(MarkerRequest& request,
                                                        const coordinator::TransactionMarkers& markers) {
  if (!request.message.markers.empty()) return request.message.markers.back();
  auto& marker = request.message.markers.emplace_back();
  marker.producer_id = markers.producer_id;
  marker.producer_epoch = markers.producer_epoch;
  marker.transaction_result = markers.committed;
  marker.coordinator_epoch = markers.coordinator_epoch;
  marker.transaction_version = static_cast<int8_t>(markers.transaction_version);
  return marker;
}

void add_partition(WriteTxnMarkersRequest::WritableTxnMarker& marker, ByteView topic, int32_t partition) {
  if (marker.topics.empty() || marker.topics.back().name != topic) marker.topics.push_back({topic, {}});
  marker.topics.back().partition_indexes.push_back(partition);
}

void take_results(const WriteTxnMarkersResponse& response, std::vector<coordinator::MarkerResult>& results) {
  for (const auto& marker : response.markers) {
    for (const auto& topic : marker.topics) {
      for (const auto& partition : topic.partitions) {
        const bool ignored = MILENA_REPLICATION_BUG(kMarkerFailureIgnored);
        results.push_back({topic.name, partition.partition_index, ignored ? ErrorCode::kNone : partition.error_code});
      }
    }
  }
}

}  // namespace

CoordinatorRuntime<TransactionKind>& TransactionKind::runtime_of(Shard& shard) { return shard.transactions(); }

TransactionRuntime::TransactionRuntime(Shard& shard)
    : CoordinatorRuntime<TransactionKind>(shard), config_(transaction_config(shard.settings())) {}

std::unique_ptr<coordinator::TransactionShard> TransactionRuntime::make_state(const TopicPartitionId& id) {
  auto state = std::make_unique<coordinator::TransactionShard>(config_);
  adjust(id, *state);
  return state;
}

void TransactionRuntime::adjust(const TopicPartitionId& id, coordinator::TransactionShard& state) {
  Partition* partition = shard_.replicas().find_partition(id);
  if (partition != nullptr) state.set_coordinator_epoch(partition->leader_epoch());
  state.set_transaction_version(shard_.image().feature_level(metadata::kTransactionVersionFeature));
}

void TransactionRuntime::on_metadata(const metadata::ImageDelta& delta) {
  follow_leadership(delta);
  for_each_state([this](const TopicPartitionId& id, coordinator::TransactionShard& state) { adjust(id, state); });
}

bool TransactionRuntime::has_more(const coordinator::TransactionEffects& effects) const {
  return !effects.markers.empty() || !effects.producer_id_requests.empty();
}

void TransactionRuntime::perform(const HostId& host, coordinator::TransactionEffects& effects) {
  for (coordinator::TransactionMarkers& markers : effects.markers) send_markers(host, std::move(markers));
  for (coordinator::ProducerIdToken token : effects.producer_id_requests) {
    shard_.controller().next_producer_id(shard_, [this, host, token](Result<int64_t> id) {
      ErrorCode error = id ? ErrorCode::kNone : ErrorCode::kCoordinatorNotAvailable;
      int64_t given = id ? *id : -1;
      submit_own(host, [token, error, given](coordinator::TransactionShard& state, coordinator::AnswerToken,
                                             coordinator::Now now) {
        return state.producer_id_given(token, error, given, now);
      });
    });
  }
}

// One request to each broker that leads some of the partitions. A deleted partition needs none.
void TransactionRuntime::send_markers(const HostId& host, coordinator::TransactionMarkers markers) {
  struct Gather {
    std::vector<coordinator::MarkerResult> results;
    size_t open = 1;
  };
  auto shared = std::make_shared<const coordinator::TransactionMarkers>(std::move(markers));
  auto gather = std::make_shared<Gather>();
  std::map<int32_t, std::shared_ptr<MarkerRequest>> by_node;
  for (const coordinator::TopicPartitions& topic : shared->partitions) {
    const metadata::TopicImage* image = shard_.image().find_topic(topic.topic);
    for (int32_t index : topic.partitions) {
      const metadata::PartitionImage* partition = image == nullptr ? nullptr : image->partition(index);
      if (partition == nullptr) {
        gather->results.push_back({topic.topic, index, ErrorCode::kNone});
        continue;
      }
      auto& request = by_node[partition->leader];
      if (request == nullptr) request = std::make_shared<MarkerRequest>(MarkerRequest{shared, {}});
      add_partition(start_marker(*request, *shared), topic.topic, index);
    }
  }
  auto finish_one = [this, host, gather, shared] {
    if (--gather->open > 0) return;
    submit_own(host,
               [gather, shared](coordinator::TransactionShard& state, coordinator::AnswerToken, coordinator::Now now) {
                 return state.markers_written(shared->token, gather->results, now);
               });
  };
  gather->open += by_node.size();
  for (auto& [node, request] : by_node) {
    std::shared_ptr<const WriteTxnMarkersRequest> message(request, &request->message);
    shard_.node().peers->send<WriteTxnMarkersResponse>(
        shard_, node, std::move(message), [gather, finish_one](ErrorCode error, WriteTxnMarkersResponse response) {
          if (error == ErrorCode::kNone) take_results(response, gather->results);
          finish_one();
        });
  }
  finish_one();
}

}  // namespace milena::broker
