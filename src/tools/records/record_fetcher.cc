#include "tools/records/record_fetcher.h"

#include <algorithm>
#include <set>

#include "base/saturating.h"
#include "protocol/messages/fetch.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_iterator.h"

namespace milena::tools {

void RecordFetcher::assign(const std::string& topic, const Uuid& id, int32_t partition, int64_t offset) {
  places_[{topic, partition}] = {id, offset};
}

std::map<TopicPartitionName, GroupOffset> RecordFetcher::positions() const {
  std::map<TopicPartitionName, GroupOffset> found;
  for (const auto& [name, place] : places_) found[name] = {place.offset, place.epoch};
  return found;
}

int64_t RecordFetcher::end_offset(const TopicPartitionName& partition) const {
  auto found = places_.find(partition);
  return found == places_.end() ? -1 : found->second.end;
}

bool RecordFetcher::at_end() const {
  return std::all_of(places_.begin(), places_.end(),
                     [](const auto& one) { return one.second.end >= 0 && one.second.offset >= one.second.end; });
}

int64_t RecordFetcher::left() const {
  int64_t sum = 0;
  for (const auto& [name, place] : places_) sum = add_saturating(sum, std::max<int64_t>(0, place.end - place.offset));
  return sum;
}

Status RecordFetcher::poll(int32_t wait_ms, const Take& take) {
  std::map<int32_t, std::vector<TopicPartitionName>> by_leader;
  for (const auto& [name, place] : places_) {
    Result<int32_t> leader = cluster_.leader_id(name.first, name.second);
    RETURN_IF_ERROR(leader);
    by_leader[*leader].push_back(name);
  }
  bool stopped = false;
  // With several leaders, does not wait long at one of them while another may have records.
  if (by_leader.size() > 1) wait_ms = std::min(wait_ms, 100);
  for (auto& [leader, partitions] : by_leader) {
    Result<BrokerClient*> broker = cluster_.broker(leader);
    RETURN_IF_ERROR(broker);
    auto next = std::upper_bound(partitions.begin(), partitions.end(), last_served_);
    std::rotate(partitions.begin(), next, partitions.end());
    RETURN_IF_ERROR(fetch(**broker, partitions, wait_ms, take, stopped));
    if (stopped) break;
  }
  return ok_status();
}

Status RecordFetcher::fetch(BrokerClient& broker, const std::vector<TopicPartitionName>& partitions, int32_t wait_ms,
                            const Take& take, bool& stopped) {
  FetchRequest request;
  request.replica_id = -1;
  request.max_wait_ms = wait_ms;
  request.min_bytes = 1;
  request.max_bytes = options_.max_bytes;
  request.isolation_level = options_.read_committed ? 1 : 0;
  std::map<Uuid, std::string> names;
  for (const TopicPartitionName& name : partitions) {
    const Place& place = places_[name];
    names[place.topic_id] = name.first;
    if (request.topics.empty() || request.topics.back().topic != name.first) {
      auto& topic = request.topics.emplace_back();
      topic.topic = name.first;
      topic.topic_id = place.topic_id;
    }
    auto& wanted = request.topics.back().partitions.emplace_back();
    wanted.partition = name.second;
    wanted.fetch_offset = place.offset;
    wanted.partition_max_bytes = options_.partition_bytes;
  }
  auto version = broker.common_version(ApiKey::kFetch, 4, FetchRequest::kMaxVersion);
  RETURN_IF_ERROR(version);
  auto answer = broker.ask<FetchResponse>(request, *version, wait_ms);
  RETURN_IF_ERROR(answer);
  if (answer->error_code != ErrorCode::kNone) return answer_error(answer->error_code);
  for (auto& topic : answer->responses) {
    std::string topic_name = *version >= 13 ? names[topic.topic_id] : topic.topic;
    for (auto& partition : topic.partitions) {
      TopicPartitionName name{topic_name, partition.partition_index};
      auto found = places_.find(name);
      if (found == places_.end()) continue;
      Place& place = found->second;
      if (partition.error_code != ErrorCode::kNone) {
        RETURN_IF_ERROR(handle_error(name, place, partition.error_code));
        continue;
      }
      place.end = options_.read_committed ? partition.last_stable_offset : partition.high_watermark;
      if (!partition.records || partition.records->empty()) continue;
      Result<Bytes> bytes = partition.records->flatten();
      RETURN_IF_ERROR(bytes);
      Aborted aborted;
      for (const auto& one :
           partition.aborted_transactions.value_or(std::vector<FetchResponse::AbortedTransaction>())) {
        aborted.emplace_back(one.first_offset, one.producer_id);
      }
      last_served_ = name;
      RETURN_IF_ERROR(take_batches(name, place, *bytes, std::move(aborted), take, stopped));
      if (stopped) return ok_status();
    }
  }
  return ok_status();
}

Status RecordFetcher::handle_error(const TopicPartitionName& name, Place& place, ErrorCode code) {
  if (is_passing(code) || code == ErrorCode::kUnknownTopicId) {
    cluster_.forget_leaders();
    wait_a_little();
    return ok_status();
  }
  if (code == ErrorCode::kOffsetOutOfRange && options_.reset_to) {
    auto offsets = list_offsets(cluster_, {{name, *options_.reset_to}}, options_.read_committed);
    RETURN_IF_ERROR(offsets);
    if (offsets->contains(name)) place.offset = (*offsets)[name];
    return ok_status();
  }
  return make_error(ErrorKind::kInvalid, "{}-{}: {}", name.first, name.second, answer_error(code).message);
}

Status RecordFetcher::take_batches(const TopicPartitionName& name, Place& place, ByteView bytes, Aborted aborted,
                                   const Take& take, bool& stopped) {
  std::sort(aborted.begin(), aborted.end());
  size_t next_aborted = 0;
  std::set<int64_t> open;  // producers with an aborted transaction
  BatchIterator batches(bytes);
  while (batches.next()) {
    const BatchHeader& header = batches.batch().header();
    for (; next_aborted < aborted.size() && aborted[next_aborted].first <= header.last_offset(); next_aborted++) {
      open.insert(aborted[next_aborted].second);
    }
    bool hidden = header.is_control() || (header.is_transactional() && open.contains(header.producer_id));
    if (header.is_control() && open.contains(header.producer_id)) {
      Result<ControlRecordType> type = control_batch_type(batches.batch());
      if (type.ok() && *type == ControlRecordType::kAbort) open.erase(header.producer_id);
    }
    if (!hidden && header.next_offset() > place.offset) {
      if (!batches.batch().crc_ok()) {
        return make_error(ErrorKind::kCorrupt, "{}-{}: the batch at offset {} has a wrong checksum", name.first,
                          name.second, header.base_offset);
      }
      RecordIterator records(batches.batch());
      while (records.next()) {
        const RecordView& view = records.record();
        if (view.offset < place.offset) continue;
        FetchedRecord record;
        record.topic = name.first;
        record.partition = name.second;
        record.offset = view.offset;
        record.log_append_time = header.timestamp_type() == TimestampType::kLogAppendTime;
        record.timestamp_ms = record.log_append_time ? header.max_timestamp : view.timestamp;
        record.leader_epoch = header.partition_leader_epoch;
        record.key = view.key;
        record.value = view.value;
        for (const RecordHeader& one : view.headers) record.headers.emplace_back(one.key, one.value);
        place.offset = view.offset + 1;
        place.epoch = header.partition_leader_epoch;
        if (!take(record)) {
          stopped = true;
          return ok_status();
        }
      }
      RETURN_IF_ERROR(records.status());
    }
    place.offset = std::max(place.offset, header.next_offset());
  }
  // A fetch may end in an incomplete batch; an older format is an error.
  if (batches.status().ok() || batches.status().error().kind == ErrorKind::kCorrupt) return ok_status();
  return batches.status();
}

}  // namespace milena::tools
