// The end of a FetchOperation: builds the answer, and notes in the session which values were sent.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/clients/endpoints.h"
#include "broker/replica/fetch_operation.h"
#include "broker/shard.h"
#include "protocol/records/down_conversion.h"

namespace milena::broker {
namespace {

constexpr int16_t kFirstVersionOfMagic2 = 4;
constexpr int16_t kFetchWithNodeEndpoints = 16;

}  // namespace

// Answers without data, and leaves the session unchanged: the client asks for the same again after the throttle time.
void FetchOperation::answer_throttled(int64_t throttle_ms) {
  FetchResponse response;
  if (kind_ == Kind::kIncremental && session_ != nullptr) response.session_id = session_->id();
  release_session();
  call_->throttle(throttle_ms);
  call_->reply(response);
}

void FetchOperation::answer() {
  if (call_->version() < kFirstVersionOfMagic2) {
    for (FetchItem& item : items_) convert_for_old_version(item);
  }
  if (kind_ == Kind::kFull) create_session();
  FetchResponse response = build_response();
  release_session();
  call_->reply(response);
}

void FetchOperation::convert_for_old_version(FetchItem& item) {
  if (item.error != ErrorCode::kNone || item.records.empty()) return;
  auto bytes = item.records.flatten();
  item.records = Payload();
  if (!bytes) {
    log_error("cannot read {} for an old client: {}", item.key.topic, bytes.error().message);
    item.error = ErrorCode::kUnknownServerError;
    return;
  }
  DownConverted converted = down_convert(*bytes, call_->version() <= 1 ? 0 : 1, item.position.fetch_offset,
                                         static_cast<size_t>(std::max(item.position.max_bytes, 0)));
  item.error = converted.error;
  if (converted.error != ErrorCode::kNone) {
    log_warn("records of {}-{} cannot be converted for an old client: {}", item.key.topic, item.key.partition,
             converted.detail);
  }
  item.records.append(std::move(converted.bytes));
}

void FetchOperation::create_session() {
  // Without space for a session the answer has session 0, and the client continues with full fetches.
  size_t cost_bytes = 0;
  for (const FetchItem& item : items_) cost_bytes += FetchSession::cost_of(item.key);
  session_ = shard_.fetch_sessions().create(call_->version() >= kFetchWithTopicIds, cost_bytes, shard_.steady_ms());
  if (session_ == nullptr) return;
  for (const FetchItem& item : items_) session_->put(item.key, item.position);
}

// Notes the values sent; returns false if nothing about the partition has changed.
bool FetchOperation::tell(FetchItem& item) {
  if (session_ == nullptr) return true;
  FetchSession::Entry* entry = session_->find(item.key);
  if (entry == nullptr) return true;
  bool news = !item.records.empty() || item.preferred_replica >= 0 ||
              entry->told_high_watermark != item.high_watermark ||
              entry->told_log_start_offset != item.log_start_offset;
  entry->told_high_watermark = item.high_watermark;
  entry->told_log_start_offset = item.log_start_offset;
  if (item.error != ErrorCode::kNone || item.has_diverging()) {
    entry->told_high_watermark = -1;  // the next successful answer must include it
    news = true;
  }
  return news || kind_ == Kind::kFull;
}

FetchResponse FetchOperation::build_response() {
  FetchResponse response;
  if (session_ != nullptr) response.session_id = session_->id();
  const FetchKey* last = nullptr;
  for (FetchItem& item : items_) {
    if (!tell(item)) continue;
    if (last == nullptr || last->topic_id != item.key.topic_id || last->topic != item.key.topic) {
      auto& topic = response.responses.emplace_back();
      topic.topic = item.key.topic;
      topic.topic_id = item.key.topic_id;
    }
    last = &item.key;
    auto& out = response.responses.back().partitions.emplace_back();
    out.partition_index = item.key.partition;
    out.error_code = item.error;
    out.high_watermark = item.high_watermark;
    out.last_stable_offset = item.last_stable_offset;
    out.log_start_offset = item.log_start_offset;
    out.diverging_epoch = item.diverging;
    out.preferred_read_replica = item.preferred_replica;
    out.aborted_transactions.reset();
    // Null if they were not asked for; if no log was read, Kafka sends an empty list instead.
    if (item.aborted || item.id.topic_id.is_zero()) out.aborted_transactions.emplace();
    if (item.aborted) {
      for (const log::AbortedTransaction& aborted : *item.aborted) {
        out.aborted_transactions->push_back({aborted.producer_id, aborted.first_offset});
      }
    }
    if (session_ != nullptr && !item.records.empty()) session_->move_to_end(item.key);
    count(item);
    out.records = std::move(item.records);
    name_leader(item, response, out);
  }
  return response;
}

void FetchOperation::count(const FetchItem& item) const {
  if (item.id.topic_id.is_zero()) return;
  shard_.figures().count_traffic(item.id.topic_id, [&](TopicTraffic& traffic) {
    traffic.fetch_requests++;
    traffic.failed_fetch_requests += item.error == ErrorCode::kNone ? 0 : 1;
    traffic.bytes_out += item.records.size();
  });
}

// A client with an old leader epoch gets the new leader here, without Metadata (KIP-951).
void FetchOperation::name_leader(const FetchItem& item, FetchResponse& response,
                                 FetchResponse::PartitionData& out) const {
  if (call_->version() < kFetchWithNodeEndpoints) return;
  if (item.error != ErrorCode::kNotLeaderOrFollower && item.error != ErrorCode::kFencedLeaderEpoch) return;
  const metadata::PartitionImage* partition = shard_.image().find_partition(item.id);
  if (partition == nullptr) return;
  out.current_leader.leader_id = partition->leader;
  out.current_leader.leader_epoch = partition->leader_epoch;
  // A replica has the addresses from the metadata.
  if (limits_.replica_id >= 0) return;
  const auto named = [&](const auto& node) { return node.node_id == partition->leader; };
  if (std::any_of(response.node_endpoints.begin(), response.node_endpoints.end(), named)) return;
  const auto endpoint = broker_endpoint(*call_, partition->leader);
  if (!endpoint) return;
  const metadata::BrokerImage* broker = shard_.image().find_broker(partition->leader);
  auto& node = response.node_endpoints.emplace_back();
  node.node_id = partition->leader;
  node.host = endpoint->host;
  node.port = endpoint->port;
  if (broker != nullptr) node.rack = broker->rack;
}

}  // namespace milena::broker
