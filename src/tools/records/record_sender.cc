#include "tools/records/record_sender.h"

#include <tuple>
#include <utility>

#include "base/executor.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/produce.h"

namespace milena::tools {

int32_t partition_of_key(ByteView key, int32_t partitions) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(key[i])); };
  uint32_t hash = 0x9747b28c ^ static_cast<uint32_t>(key.size());
  size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    uint32_t word = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    word *= kMultiplier;
    word ^= word >> 24;
    hash = (hash * kMultiplier) ^ (word * kMultiplier);
  }
  for (size_t i = key.size(); i-- > at;) hash ^= byte(i) << (8 * (i - at));
  if (at < key.size()) hash *= kMultiplier;
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash & 0x7fffffff) % partitions;
}

RecordSender::RecordSender(Cluster& cluster, SenderOptions options) : cluster_(cluster), options_(std::move(options)) {
  if (options_.transactional_id.empty()) return;
  transactions_ = std::make_unique<Transactions>(cluster_, options_.transactional_id, options_.transaction_timeout_ms,
                                                 options_.timeout_ms);
}

Result<RecordSender::Topic*> RecordSender::topic(const std::string& name) {
  if (auto found = topics_.find(name); found != topics_.end()) return &found->second;
  auto info = cluster_.topic(name, options_.create_topics);
  RETURN_IF_ERROR(info);
  if (info->partitions.empty()) return make_error(ErrorKind::kNotFound, "{} has no partitions", name);
  Topic& topic = topics_[name];
  topic.id = info->topic_id;
  topic.partitions = static_cast<int32_t>(info->partitions.size());
  return &topic;
}

Status RecordSender::start_transactions() {
  if (std::exchange(asked_for_id_, true)) return ok_status();
  RETURN_IF_ERROR(transactions_->start());
  take_producer_id();
  return ok_status();
}

// Its sequences begin at 0.
void RecordSender::take_producer_id() {
  const std::pair now(transactions_->producer_id(), transactions_->producer_epoch());
  if (now == std::pair(producer_id_, producer_epoch_)) return;
  std::tie(producer_id_, producer_epoch_) = now;
  for (auto& [name, topic] : topics_) {
    for (auto& [partition, batch] : topic.batches) batch.next_sequence = 0;
  }
}

Status RecordSender::commit() {
  RETURN_IF_ERROR(flush());
  if (transactions_ == nullptr) return ok_status();
  RETURN_IF_ERROR(transactions_->commit());
  take_producer_id();
  return ok_status();
}

Status RecordSender::start_producer_id() {
  if (transactions_ != nullptr) return start_transactions();
  if (asked_for_id_ || !options_.idempotent || options_.acks != -1) return ok_status();
  asked_for_id_ = true;
  InitProducerIdRequest request;
  request.transactional_id.reset();
  request.transaction_timeout_ms = INT32_MAX;
  Deadline deadline = deadline_in(options_.timeout_ms);
  for (;;) {
    auto answer = cluster_.ask<InitProducerIdResponse>(request);
    if (!answer.ok()) return answer.error().kind == ErrorKind::kUnsupported ? ok_status() : Status(answer.error());
    if (answer->error_code == ErrorCode::kNone) {
      producer_id_ = answer->producer_id;
      producer_epoch_ = answer->producer_epoch;
      return ok_status();
    }
    if (answer->error_code == ErrorCode::kClusterAuthorizationFailed) return ok_status();
    if (!is_passing(answer->error_code) || std::chrono::steady_clock::now() > deadline) {
      return answer_error(answer->error_code);
    }
    wait_a_little();
  }
}

Status RecordSender::add(const TextRecord& record, const std::string& usual_topic) {
  const std::string& name = record.topic.empty() ? usual_topic : record.topic;
  RETURN_IF_ERROR(start_producer_id());
  Result<Topic*> found = topic(name);
  RETURN_IF_ERROR(found);
  Topic& topic = **found;
  int32_t partition = record.partition ? *record.partition
                      : record.key     ? partition_of_key(*record.key, topic.partitions)
                                       : topic.turn;
  if (partition < 0 || partition >= topic.partitions) {
    return make_error(ErrorKind::kInvalid, "{} has no partition {}", name, partition);
  }
  std::vector<RecordHeader> headers;
  for (const auto& [key, value] : record.headers) {
    headers.push_back({ByteView(key), value ? std::optional<ByteView>(*value) : std::nullopt});
  }
  auto view = [](const std::optional<std::string>& text) {
    return text ? std::optional<ByteView>(*text) : std::nullopt;
  };
  size_t size = RecordBatchBuilder::max_record_size(record.key ? record.key->size() : 0,
                                                    record.value ? record.value->size() : 0, headers);
  Batch& batch = topic.batches[partition];
  if (batch.builder && batch.builder->uncompressed_size() + size > options_.batch_bytes) {
    RETURN_IF_ERROR(send(name, topic, partition));
    topic.turn = (topic.turn + 1) % topic.partitions;
  }
  if (!batch.builder) {
    BatchOptions options;
    options.compression = options_.codec;
    options.compression_level = options_.level;
    options.producer_id = producer_id_;
    options.producer_epoch = producer_epoch_;
    options.base_sequence = producer_id_ == kNoProducerId ? kNoSequence : batch.next_sequence;
    options.transactional = transactions_ != nullptr;
    batch.builder = std::make_unique<RecordBatchBuilder>(options);
  }
  batch.builder->append(view(record.key), view(record.value), record.timestamp_ms.value_or(system_clock().wall_ms()),
                        headers);
  return ok_status();
}

Status RecordSender::flush() {
  for (auto& [name, topic] : topics_) {
    bool some = false;
    for (auto& [partition, batch] : topic.batches) {
      if (!batch.builder) continue;
      some = true;
      RETURN_IF_ERROR(send(name, topic, partition));
    }
    if (some) topic.turn = (topic.turn + 1) % topic.partitions;
  }
  return ok_status();
}

Result<int16_t> RecordSender::produce_version(BrokerClient& leader) const {
  const int16_t newest = transactions_ != nullptr ? transactions_->produce_version() : ProduceRequest::kMaxVersion;
  return leader.common_version(ApiKey::kProduce, 3, newest);
}

Result<ErrorCode> RecordSender::send_once(const std::string& name, const Topic& topic, int32_t partition,
                                          ByteView bytes, std::string& why) {
  Result<BrokerClient*> leader = cluster_.leader(name, partition);
  RETURN_IF_ERROR(leader);
  ProduceRequest request;
  request.acks = options_.acks;
  request.timeout_ms = static_cast<int32_t>(options_.timeout_ms);
  auto& data = request.topic_data.emplace_back();
  data.name = name;
  data.topic_id = topic.id;
  data.partition_data.push_back({partition, bytes});
  if (transactions_ != nullptr) request.transactional_id = ByteView(transactions_->id());
  auto version = produce_version(**leader);
  RETURN_IF_ERROR(version);
  if (options_.acks == 0) {
    Status told = (*leader)->tell(request, *version);
    RETURN_IF_ERROR(told);
    return ErrorCode::kNone;
  }
  auto answer = (*leader)->ask<ProduceResponse>(request, *version);
  RETURN_IF_ERROR(answer);
  if (answer->responses.empty() || answer->responses.front().partition_responses.empty()) {
    return make_error(ErrorKind::kCorrupt, "the broker's response lacks {}-{}", name, partition);
  }
  const auto& result = answer->responses.front().partition_responses.front();
  why = result.error_message.value_or("");
  return result.error_code;
}

Status RecordSender::send(const std::string& name, Topic& topic, int32_t partition) {
  Batch& batch = topic.batches[partition];
  int32_t count = batch.builder->record_count();
  Bytes bytes = batch.builder->build();
  batch.builder.reset();
  if (transactions_ != nullptr) RETURN_IF_ERROR(transactions_->add(name, partition));
  Deadline deadline = deadline_in(options_.timeout_ms);
  for (;;) {
    std::string why;
    Result<ErrorCode> code = send_once(name, topic, partition, bytes, why);
    bool in_time = std::chrono::steady_clock::now() < deadline && !stop_requested();
    if (!code.ok()) {
      // Retried only if the broker detects duplicates.
      if (code.error().kind != ErrorKind::kIo || producer_id_ == kNoProducerId || !in_time) return code.error();
      cluster_.reconnect();
    } else if (*code == ErrorCode::kNone || *code == ErrorCode::kDuplicateSequenceNumber) {
      if (producer_id_ != kNoProducerId) batch.next_sequence = sequence_after(batch.next_sequence, count);
      sent_ += count;
      sent_bytes_ += static_cast<int64_t>(bytes.size());
      return ok_status();
    } else if ((!is_passing(*code) && *code != ErrorCode::kConcurrentTransactions) || !in_time) {
      return make_error(ErrorKind::kInvalid, "{}-{}: {}", name, partition, answer_error(*code, Bytes(why)).message);
    }
    cluster_.forget_leaders();
    wait_a_little();
  }
}

}  // namespace milena::tools
