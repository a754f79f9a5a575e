// Produce (key 0), versions 0-13. Versions 0 to 2 carry magic 0 and 1, which are converted; topic ids came with 13.
//
// Batches are checked, decompressed and rewritten here, on the connection's shard, or on a thread beside it if that
// would keep others waiting. The owner of each partition only assigns the offsets and appends. With acks=all the answer
// waits for the high watermark. With acks=0 there is no answer, and an error closes the connection, as in Kafka, so
// that the client notices.
//
// produce_append.h handles transactions (from version 12 on a write to a partition adds it).
#include "base/log.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/replica/partition_lookup.h"
#include "broker/replica/produce_append.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "metadata/internal_topics.h"
#include "protocol/compression/decompression_budget.h"
#include "protocol/messages/produce.h"
#include "protocol/records/produce_validation.h"

namespace milena::broker {
namespace {

using ProduceCall = Call<ProduceRequest, ProduceResponse>;

constexpr int16_t kProduceWithTopicIds = 13;
constexpr size_t kMaxPartitions = 10'000;
// The client id under which Kafka's own tools may write to internal topics.
constexpr ByteView kAdminClientId = "__admin_client";

using PartitionOut = ProduceResponse::PartitionProduceResponse;

// The most bytes to check within the turn, before and after decompression. More goes to a thread beside the loop.
constexpr size_t kMaxCheckedHere_bytes = 4 << 20;
constexpr size_t kMaxDecompressedHere_bytes = 8 << 20;

// The records of one partition, to be checked on another thread.
struct RecordsCheck {
  size_t topic_place = 0, partition_place = 0;
  std::string topic;
  ProducedRecords records;
  ProduceLimits limits;
  ProduceValidation checked;
};

// A request in progress: its answer, and the place in it of each travelling item.
struct Produce {
  std::shared_ptr<ProduceCall> call;
  ProducedBy by;
  std::vector<RecordsCheck> checks;  // in the request's order, if it was checked elsewhere
  bool checked_elsewhere = false;
  ProduceResponse response;
  std::vector<std::pair<size_t, size_t>> places;
  std::vector<uint64_t> sizes;  // of the items' batches
};

ProduceLimits limits_of(const config::TopicConfig& config) {
  ProduceLimits limits;
  limits.max_message_bytes = config.max_message_bytes;
  switch (config.compression) {
    case config::TopicCompression::kProducer: break;
    case config::TopicCompression::kUncompressed: limits.compression = Codec::kNone; break;
    case config::TopicCompression::kGzip:
      limits.compression = Codec::kGzip;
      limits.compression_level = config.compression_gzip_level;
      break;
    case config::TopicCompression::kSnappy: limits.compression = Codec::kSnappy; break;
    case config::TopicCompression::kLz4:
      limits.compression = Codec::kLz4;
      limits.compression_level = config.compression_lz4_level;
      break;
    case config::TopicCompression::kZstd:
      limits.compression = Codec::kZstd;
      limits.compression_level = config.compression_zstd_level;
      break;
  }
  limits.timestamp_type = config.log_append_time ? TimestampType::kLogAppendTime : TimestampType::kCreateTime;
  limits.timestamp_before_max_ms = config.message_timestamp_before_max_ms;
  limits.timestamp_after_max_ms = config.message_timestamp_after_max_ms;
  limits.compacted = config.cleanup_compact;
  limits.segment_bytes = config.segment_bytes;
  return limits;
}

void set_error(PartitionOut& out, ErrorCode error) {
  out.error_code = error;
  out.base_offset = -1;
  out.log_append_time_ms = -1;
  out.log_start_offset = -1;
}

void report(const ProduceCall& call, const metadata::TopicImage& topic, ProduceValidation& checked, PartitionOut& out) {
  set_error(out, checked.error);
  out.error_message = std::move(checked.error_message);
  for (ProducedRecordError& error : checked.record_errors) {
    out.record_errors.push_back({error.batch_index, std::move(error.message)});
  }
  call.shard().figures().count_traffic(topic.id, [&](TopicTraffic& traffic) {
    traffic.produce_requests++;
    traffic.failed_produce_requests++;
    traffic.bytes_rejected += checked.original.size();
  });
  const ConnectionInfo& peer = call.connection().info;
  log_warn("records for {}-{} from {}:{} (client id \"{}\") refused with {}: {}", topic.name, out.index, peer.peer_host,
           peer.peer_port, call.client_id(), error_name(checked.error), checked.detail);
}

// Kafka's answer has the log start offset with these refusals of records, and not with the others.
bool tells_log_start(ErrorCode error) {
  switch (error) {
    case ErrorCode::kNone:
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kCorruptMessage:
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge: return false;
    default: return true;
  }
}

// Takes the result of the check of one partition's records. Returns true if `batches` must be appended, otherwise `out`
// is the answer.
bool take_checked(const ProduceCall& call, const metadata::TopicImage& topic, ProduceValidation checked,
                  ProduceItem& item, PartitionOut& out) {
  if (!checked.ok()) {
    report(call, topic, checked, out);
    return false;
  }
  if (checked.bytes().empty()) return false;  // versions 0 to 2 may send nothing; the answer is offset 0
  bool adds = produce_transaction_support(call.version()) == TransactionSupport::kAddPartition;
  if (checked.header.is_transactional() && (adds || call.shard().verifies_transactions())) {
    item.transactional = TransactionalBatch{checked.header.producer_id, checked.header.producer_epoch,
                                            checked.header.base_sequence, adds};
  }
  if (checked.rewritten.empty()) {
    item.batches.append(SharedBytes{call.frame().buffer, checked.original});
  } else {
    item.batches.append(std::move(checked.rewritten));
  }
  return true;
}

// Whether the client may write to a topic. An unknown topic id has no name to check.
bool may_write(const ProduceCall& call, const metadata::TopicImage* topic, ByteView name) {
  if (topic == nullptr && call.version() >= kProduceWithTopicIds) return true;
  return call.allows(security::kWriteTopic, topic == nullptr ? name : ByteView(topic->name));
}

ErrorCode topic_error(const ProduceCall& call, const metadata::TopicImage* topic, bool allowed, int32_t partition) {
  if (!allowed) return ErrorCode::kTopicAuthorizationFailed;
  if (topic == nullptr) {
    return call.version() >= kProduceWithTopicIds ? ErrorCode::kUnknownTopicId
                                                       : ErrorCode::kUnknownTopicOrPartition;
  }
  if (topic->partition(partition) == nullptr) return ErrorCode::kUnknownTopicOrPartition;
  if (topic->internal && call.client_id() != kAdminClientId) return ErrorCode::kInvalidTopicException;
  return ErrorCode::kNone;
}

const metadata::TopicImage* find_produced_topic(const ProduceCall& call,
                                                const ProduceRequest::TopicProduceData& topic) {
  const metadata::MetadataImage& image = call.context().image();
  return call.version() >= kProduceWithTopicIds ? image.find_topic(topic.topic_id) : image.find_topic(topic.name);
}

// Collects the records to check, with the current topics.
void collect_checks(Produce& produce) {
  const ProduceCall& call = *produce.call;
  const auto& topics = call.request.topic_data;
  for (size_t t = 0; t < topics.size(); t++) {
    const metadata::TopicImage* image = find_produced_topic(call, topics[t]);
    const bool allowed = may_write(call, image, topics[t].name);
    for (size_t p = 0; p < topics[t].partition_data.size(); p++) {
      const auto& partition = topics[t].partition_data[p];
      if (topic_error(call, image, allowed, partition.index) != ErrorCode::kNone) continue;
      produce.checks.push_back(RecordsCheck{t, p, std::string(image->name),
                                     {partition.records.value_or(ByteView()), call.version(), {}, partition.index},
                                     limits_of(*call.shard().replicas().topic_config(*image)), {}});
    }
  }
}

// The result for a place in the request. There is none if its topic did not exist when the others were checked.
ProduceValidation take_check(Produce& produce, size_t& next, size_t topic, size_t partition) {
  std::vector<RecordsCheck>& all = produce.checks;
  const auto place = std::pair(topic, partition);
  while (next < all.size() && std::pair(all[next].topic_place, all[next].partition_place) < place) next++;
  if (next < all.size() && std::pair(all[next].topic_place, all[next].partition_place) == place) {
    return std::move(all[next].checked);
  }
  ProduceValidation missing;
  missing.error = ErrorCode::kUnknownTopicOrPartition;
  missing.detail = "the topic was created while the request was checked";
  return missing;
}

// Returns the items to append; the response has the rest. Returns nullopt if there is more to decompress than is
// allowed here.
std::optional<std::vector<ProduceItem>> prepare(Produce& produce) {
  const DecompressionBudget budget(kMaxDecompressedHere_bytes);
  const ProduceCall& call = *produce.call;
  const ProduceRequest& request = call.request;
  Shard& shard = call.shard();
  int64_t deadline_ms = shard.steady_ms() + std::max(request.timeout_ms, 0);
  bool acks_valid = request.acks >= -1 && request.acks <= 1;
  size_t next_check = 0;
  std::vector<ProduceItem> items;
  for (const auto& topic : request.topic_data) {
    auto& topic_out = produce.response.responses.emplace_back();
    topic_out.name = Bytes(topic.name);
    topic_out.topic_id = topic.topic_id;
    const metadata::TopicImage* image = find_produced_topic(call, topic);
    const bool allowed = may_write(call, image, topic.name);
    std::optional<ProduceLimits> limits;
    for (const auto& partition : topic.partition_data) {
      auto& out = topic_out.partition_responses.emplace_back();
      out.index = partition.index;
      out.log_append_time_ms = -1;
      if (ErrorCode error = topic_error(call, image, allowed, partition.index); error != ErrorCode::kNone) {
        set_error(out, error);
        continue;
      }
      const auto place = std::pair(produce.response.responses.size() - 1, topic_out.partition_responses.size() - 1);
      ProduceValidation checked;
      if (produce.checked_elsewhere) {
        checked = take_check(produce, next_check, place.first, place.second);
      } else {
        if (!limits) limits = limits_of(*shard.replicas().topic_config(*image));
        ProducedRecords records{partition.records.value_or(ByteView()), call.version(), image->name, out.index};
        checked = validate_produced_records(records, *limits, shard.now_ms());
        if (budget.exceeded()) return std::nullopt;
      }
      ProduceItem item{
          .id = {image->id, partition.index}, .wait_for_replicas = request.acks == -1, .deadline_ms = deadline_ms};
      if (!take_checked(call, *image, std::move(checked), item, out)) {
        if (!acks_valid || !tells_log_start(out.error_code)) continue;
        item.refused = out.error_code;
      }
      if (!acks_valid) {
        set_error(out, ErrorCode::kInvalidRequiredAcks);
        continue;
      }
      produce.places.push_back(place);
      produce.sizes.push_back(item.batches.size());
      items.push_back(std::move(item));
    }
  }
  return items;
}

void take_outcome(const log::AppendOutcome& outcome, PartitionOut& out) {
  if (outcome.error != ErrorCode::kNone) {
    set_error(out, outcome.error);
    out.log_start_offset = outcome.log_start_offset;  // Kafka sends it with the errors of producers' sequences
    return;
  }
  out.base_offset = outcome.base_offset;
  out.log_append_time_ms = outcome.log_append_time;
  out.log_start_offset = outcome.log_start_offset;
}

void answer_without_acks(Produce& produce) {
  for (const auto& topic : produce.response.responses) {
    for (const auto& partition : topic.partition_responses) {
      if (partition.error_code == ErrorCode::kNone) continue;
      return produce.call->close(fmt::format("a Produce request with acks=0 failed for {}-{} with {}", topic.name,
                                             partition.index, error_name(partition.error_code)));
    }
  }
  produce.call->reply_nothing();
}

void answer(Produce& produce) {
  if (produce.call->request.acks == 0) return answer_without_acks(produce);
  produce.call->reply(produce.response);
}

void refuse_all(Produce& produce, ErrorCode error, std::optional<Bytes> message = std::nullopt) {
  for (const auto& topic : produce.call->request.topic_data) {
    auto& topic_out = produce.response.responses.emplace_back();
    topic_out.name = Bytes(topic.name);
    topic_out.topic_id = topic.topic_id;
    for (const auto& partition : topic.partition_data) {
      auto& out = topic_out.partition_responses.emplace_back();
      out.index = partition.index;
      set_error(out, error);
      out.error_message = message;
    }
  }
  answer(produce);
}

// The producers of the request's transactions, from the first batch of each partition, as in Kafka.
struct TransactionalProducers {
  bool any = false;
  bool several = false;
  TransactionalProducer first;
};

TransactionalProducers transactional_producers(const ProduceRequest& request) {
  TransactionalProducers found;
  for (const auto& topic : request.topic_data) {
    for (const auto& partition : topic.partition_data) {
      auto batch = RecordBatchView::parse(partition.records.value_or(ByteView()));
      if (!batch || !batch->header().is_transactional()) continue;
      const BatchHeader& header = batch->header();
      if (!found.any) found.first = {{}, header.producer_id, header.producer_epoch};
      found.any = true;
      found.several |= header.producer_id != found.first.producer_id || header.producer_epoch != found.first.epoch;
    }
  }
  return found;
}

void count(const Produce& produce, const ProduceItem& item, uint64_t bytes) {
  produce.call->shard().figures().count_traffic(item.id.topic_id, [&](TopicTraffic& traffic) {
    const log::AppendOutcome& outcome = item.outcome;
    traffic.produce_requests++;
    traffic.failed_produce_requests += outcome.error == ErrorCode::kNone ? 0 : 1;
    if (outcome.error != ErrorCode::kNone || outcome.duplicate) return;
    traffic.records_in += static_cast<uint64_t>(outcome.last_offset - outcome.base_offset + 1);
    traffic.bytes_in += bytes;
  });
}

void finish(Produce& produce, std::vector<ProduceItem> items) {
  for (size_t i = 0; i < items.size(); i++) {
    auto [t, p] = produce.places[i];
    PartitionOut& out = produce.response.responses[t].partition_responses[p];
    count(produce, items[i], produce.sizes[i]);
    take_outcome(items[i].outcome, out);
    if (items[i].error_message) out.error_message = std::move(items[i].error_message);
  }
  answer(produce);
}

void append_checked(const std::shared_ptr<Produce>& produce, std::vector<ProduceItem> items) {
  if (items.empty()) return answer(*produce);
  append_produced(produce->call->shard(), std::move(produce->by), std::move(items),
                  [produce](std::vector<ProduceItem> done) { finish(*produce, std::move(done)); });
}

// The connection's next request waits for this one, so nothing overtakes it.
void check_elsewhere(const std::shared_ptr<Produce>& produce) {
  produce->response = {};
  produce->places.clear();
  produce->sizes.clear();
  collect_checks(*produce);
  Shard& shard = produce->call->shard();
  run_or_drop(
      shard.executor(), &Executor::run_computation,
      [produce, now_ms = shard.now_ms()] {
        for (RecordsCheck& check : produce->checks) {
          check.records.topic = check.topic;
          check.checked = validate_produced_records(check.records, check.limits, now_ms);
        }
      },
      [produce] {
        produce->checked_elsewhere = true;
        std::optional<std::vector<ProduceItem>> items = prepare(*produce);
        append_checked(produce, std::move(*items));
      });
}

void handle_produce(std::shared_ptr<ProduceCall> call) {
  auto produce = std::make_shared<Produce>();
  produce->call = std::move(call);
  const ProduceRequest& request = produce->call->request;
  size_t partitions = 0;
  for (const auto& topic : request.topic_data) partitions += topic.partition_data.size();
  if (partitions > kMaxPartitions) {
    return produce->call->close(
        fmt::format("a Produce request has {} partitions, expected at most {}", partitions, kMaxPartitions));
  }
  TransactionalProducers producers = transactional_producers(request);
  if (producers.any && (!request.transactional_id ||
                        !produce->call->allows(security::kWriteTransactionalId, *request.transactional_id))) {
    return refuse_all(*produce, ErrorCode::kTransactionalIdAuthorizationFailed);
  }
  if (producers.several) {
    return refuse_all(*produce, ErrorCode::kInvalidProducerIdMapping,
                      "Transactional records contained more than one producer ID");
  }

  produce->by = {.producer = std::move(producers.first),
                 .support = produce_transaction_support(produce->call->version())};
  produce->by.producer.transactional_id = Bytes(request.transactional_id.value_or(""));
  if (produce->call->frame().bytes.size() > kMaxCheckedHere_bytes) return check_elsewhere(produce);
  std::optional<std::vector<ProduceItem>> items = prepare(*produce);
  if (!items) return check_elsewhere(produce);
  append_checked(produce, std::move(*items));
}

}  // namespace

ApiEntry produce_api() {
  return api_entry<ProduceCall, handle_produce>({security::kWriteTopic, security::kWriteTransactionalId});
}

}  // namespace milena::broker
