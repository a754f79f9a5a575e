// Clients of the node: producers of three kinds, deletions of records, commits of offsets.
#include "protocol/messages/delete_records.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/records/record_batch_builder.h"
#include "sim/node/node_simulator.h"

namespace milena::sim {
namespace {

constexpr int16_t kProduceById = 13;

std::string text_of(const std::vector<int64_t>& numbers) {
  return numbers.size() == 1 ? std::to_string(numbers[0])
                             : fmt::format("{} to {}", numbers.front(), numbers.back());
}

// Whether nothing was written, and will not be.
bool is_refusal(ErrorCode error) {
  switch (error) {
    case ErrorCode::kOutOfOrderSequenceNumber:
    case ErrorCode::kInvalidProducerEpoch:
    case ErrorCode::kUnknownProducerId:
    case ErrorCode::kInvalidTxnState:
    case ErrorCode::kInvalidProducerIdMapping:
    case ErrorCode::kProducerFenced:
    case ErrorCode::kConcurrentTransactions:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kUnknownTopicOrPartition:
      return true;
    default:
      return false;
  }
}

}  // namespace

// --- batches

NodeSimulator::BatchPtr NodeSimulator::make_batch(const TopicPtr& topic, int32_t partition, size_t count,
                                                  const Producer* producer, int32_t sequence) {
  auto batch = std::make_shared<Batch>();
  batch->topic = topic;
  batch->partition = partition;
  BatchOptions options;
  if (producer != nullptr) {
    options.producer_id = producer->producer_id;
    options.producer_epoch = producer->epoch;
    options.base_sequence = sequence;
    options.transactional = !producer->id.empty();
  }
  const bool old = random_.chance(plan_.times_mixed ? 80 : 20);
  const int64_t timestamp = wall_ms() - (old ? static_cast<int64_t>(pick(3'600'000)) : 0);
  RecordBatchBuilder builder(options);
  for (size_t i = 0; i < count; i++) {
    Record record;
    record.number = ++last_number_;
    record.key = fmt::format("k{}", pick(plan_.keys));
    record.tombstone = random_.chance(25);
    record.timestamp = timestamp;
    if (producer != nullptr) record.transaction = producer->transaction;
    const std::string number = plan_.even ? fmt::format("{:0>6}", record.number) : std::to_string(record.number);
    const std::string value(plan_.even ? 0 : pick(100), 'v');
    RecordHeader header{"n", ByteView(number)};
    builder.append(ByteView(record.key), record.tombstone ? std::nullopt : std::optional<ByteView>(value),
                   timestamp, std::span<const RecordHeader>(&header, 1));
    batch->numbers.push_back(record.number);
    topic->partitions[static_cast<size_t>(partition)].records.emplace(record.number, record);
  }
  batch->bytes = builder.build();
  return batch;
}

// `then` gets the error; nullopt: the response is lost.
void NodeSimulator::send_batch(const BatchPtr& batch, const std::string& transactional_id,
                               std::function<void(std::optional<ErrorCode>)> then) {
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 30'000;
  if (!transactional_id.empty()) request.transactional_id = transactional_id;
  auto& topic = request.topic_data.emplace_back();
  topic.topic_id = batch->topic->id;
  topic.partition_data.push_back({batch->partition, ByteView(batch->bytes)});
  batch->promised = batch->topic->must_be("flush.messages", "1");
  // Records that are known to be gone may come back with this request, at other offsets.
  for (int64_t number : batch->numbers) {
    Record& record = batch->topic->partitions[static_cast<size_t>(batch->partition)].records.at(number);
    if (record.fate != Fate::kNever) continue;
    record.fate = Fate::kAsked;
    record.offset = -1;
  }
  auto lost = [this, batch, then] {
    for (int64_t number : batch->numbers) {
      Record& record = batch->topic->partitions[static_cast<size_t>(batch->partition)].records.at(number);
      if (record.fate == Fate::kAsked) record.fate = Fate::kUnsure;
      record.doubtful = true;
    }
    then(std::nullopt);
  };
  a_connection().ask<ProduceResponse>(
      request, kProduceById, [this, batch, then, lost](const ProduceResponse* response) {
        if (response == nullptr) return lost();
        const auto& answer = response->responses.at(0).partition_responses.at(0);
        on_produced(batch, answer);
        then(answer.error_code);
      });
}

void NodeSimulator::on_produced(const BatchPtr& batch,
                                const ProduceResponse::PartitionProduceResponse& answer) {
  TopicModel& topic = *batch->topic;
  const std::string name = fmt::format("{} in {}-{}", text_of(batch->numbers), topic.name, batch->partition);
  note(fmt::format("{}: {}{}", name, error_name(answer.error_code),
                   answer.error_code == ErrorCode::kNone ? fmt::format(" at {}", answer.base_offset) : ""));
  const bool acked =
      answer.error_code == ErrorCode::kNone || answer.error_code == ErrorCode::kDuplicateSequenceNumber;
  const bool gone = topic.deleted || topic.delete_asked;
  const bool refused = is_refusal(answer.error_code);
  if (!acked && !gone && !troubled_ && !short_ && answer.error_code == ErrorCode::kKafkaStorageError) {
    fail(name + ": the partition is offline, and no disk failed");
  }
  const bool rotten = topic.partitions[static_cast<size_t>(batch->partition)].rotten;
  const bool promised = acked && batch->promised && topic.must_be("flush.messages", "1");
  if (acked) acknowledged_ += batch->numbers.size();
  for (size_t i = 0; i < batch->numbers.size(); i++) {
    Record& record = topic.partitions[static_cast<size_t>(batch->partition)].records.at(batch->numbers[i]);
    if (acked) {
      if (answer.error_code == ErrorCode::kNone) {
        int64_t offset = answer.base_offset + static_cast<int64_t>(i);
        if (record.fate == Fate::kAcked && record.offset >= 0 && record.offset != offset && !rotten) {
          fail(fmt::format("record {} was at {}, and is said to be at {} when it is sent again",
                           record.number, record.offset, offset));
        }
        record.offset = offset;
      }
      record.fate = Fate::kAcked;
      record.promised |= promised;
    } else if (record.fate == Fate::kAsked) {
      record.fate = refused ? Fate::kNever : Fate::kUnsure;
      record.doubtful |= !refused;
    }
  }
  batch->answered = acked;
}

void NodeSimulator::produce() {
  TopicPtr topic = a_topic();
  if (topic == nullptr) return;
  for (size_t i = pick(3) + 1; i > 0; i--) {
    auto partition = static_cast<int32_t>(pick(topic->partitions.size()));
    BatchPtr batch = make_batch(topic, partition, plan_.even ? 1 : pick(3) + 1, nullptr, -1);
    note(fmt::format("produce {} to {}-{}", text_of(batch->numbers), topic->name, partition));
    send_batch(batch, "", [](std::optional<ErrorCode>) {});
  }
}

// --- idempotent producers

void NodeSimulator::get_producer_id(Producer& producer) {
  if (producer.asking) return;
  producer.asking = true;
  InitProducerIdRequest request;
  request.transactional_id.reset();
  request.transaction_timeout_ms = 60'000;
  a_connection().ask<InitProducerIdResponse>(
      request, 5, [this, &producer](const InitProducerIdResponse* response) {
        producer.asking = false;
        if (response == nullptr || response->error_code != ErrorCode::kNone) return;
        producer.producer_id = response->producer_id;
        producer.epoch = response->producer_epoch;
        producer.sequences.clear();
        note(fmt::format("producer {} of epoch {}", producer.producer_id, producer.epoch));
      });
}

void NodeSimulator::produce_in_sequence() {
  Producer& producer = producers_[pick(producers_.size())];
  if (producer.producer_id < 0) {
    get_producer_id(producer);
    machine_.run_until_idle();
    if (producer.producer_id < 0) return;
  }
  TopicPtr topic = a_topic();
  if (topic == nullptr) return;
  auto partition = static_cast<int32_t>(pick(topic->partitions.size()));
  Sequence& sequence = producer.sequences[{topic->id, partition}];
  if (sequence.in_flight) return;
  if (!sequence.unknown) {
    const size_t count = pick(3) + 1;
    sequence.last = make_batch(topic, partition, count, &producer, sequence.next);
    sequence.next += static_cast<int32_t>(count);
  }
  note(fmt::format("{} {} to {}-{} by producer {}", sequence.unknown ? "again" : "produce",
                   text_of(sequence.last->numbers), topic->name, partition, producer.producer_id));
  send_sequence(producer, sequence.last);
}

void NodeSimulator::send_sequence(Producer& producer, const BatchPtr& batch) {
  Sequence& sequence = producer.sequences[{batch->topic->id, batch->partition}];
  sequence.in_flight = true;
  const int64_t id = producer.producer_id;
  send_batch(batch, "", [this, &producer, batch, id](std::optional<ErrorCode> error) {
    auto found = producer.sequences.find({batch->topic->id, batch->partition});
    if (producer.producer_id != id || found == producer.sequences.end()) return;
    Sequence& of_it = found->second;
    of_it.in_flight = false;
    of_it.unknown = !error || (*error != ErrorCode::kNone && *error != ErrorCode::kDuplicateSequenceNumber);
    if (!error || !is_refusal(*error)) return;
    const bool deleted = batch->topic->deleted || batch->topic->delete_asked;
    const bool rotten = batch->topic->partitions[static_cast<size_t>(batch->partition)].rotten;
    if (!deleted && !of_it.forgettable && !troubled_ && !rotten) {
      fail(fmt::format("producer {} goes on in its sequence, and is told {}", id, error_name(*error)));
    }
    // Like clients, gets a new id.
    producer.producer_id = -1;
    producer.sequences.clear();
  });
}

// The response was lost on the way to the client: its retry is a duplicate.
void NodeSimulator::repeat() {
  Producer& producer = producers_[pick(producers_.size())];
  if (producer.producer_id < 0 || producer.sequences.empty()) return;
  auto at =
      std::next(producer.sequences.begin(), static_cast<std::ptrdiff_t>(pick(producer.sequences.size())));
  Sequence& sequence = at->second;
  if (sequence.last == nullptr || sequence.in_flight || sequence.last->topic->deleted) return;
  // After a power failure it is no duplicate, if it was lost.
  for (int64_t number : sequence.last->numbers) {
    Record& record =
        sequence.last->topic->partitions[static_cast<size_t>(at->first.second)].records.at(number);
    if (record.fate == Fate::kNever) return;
  }
  note(fmt::format("repeat {} by producer {}", text_of(sequence.last->numbers), producer.producer_id));
  send_sequence(producer, sequence.last);
}

// --- transactions

void NodeSimulator::transact() {
  if (transactional_.empty()) return;
  Producer& producer = transactional_[pick(transactional_.size())];
  if (producer.asking) return;
  if (producer.producer_id < 0 || producer.lost) return begin_anew(producer);
  if (producer.transaction == nullptr) {
    producer.transaction = std::make_shared<Transaction>();
    producer.transaction->number = static_cast<int>(++last_transaction_);
    return write_in_transaction(producer);
  }
  size_t what = pick(10);
  if (what < 4) return write_in_transaction(producer);
  if (what == 9) return begin_anew(producer);
  end_transaction(producer, what < 7);
}

// InitProducerId ends its producer's open transaction.
void NodeSimulator::begin_anew(Producer& producer) {
  producer.asking = true;
  note(fmt::format("{} begins anew", producer.id));
  InitProducerIdRequest request;
  request.transactional_id = producer.id;
  request.transaction_timeout_ms = 60'000;
  a_connection().ask<InitProducerIdResponse>(
      request, 5, [this, &producer](const InitProducerIdResponse* response) {
        producer.asking = false;
        if (response == nullptr || response->error_code != ErrorCode::kNone) {
          producer.lost = true;
          return;
        }
        producer.producer_id = response->producer_id;
        producer.epoch = response->producer_epoch;
        producer.sequences.clear();
        producer.lost = false;
        note(fmt::format("{} is producer {} of epoch {}", producer.id, producer.producer_id, producer.epoch));
        TransactionPtr before = std::exchange(producer.transaction, nullptr);
        if (before != nullptr && !before->commit_was_asked) before->outcome = Outcome::kAborted;
      });
}

void NodeSimulator::write_in_transaction(Producer& producer) {
  TopicPtr topic = a_topic();
  if (topic == nullptr) return;
  auto partition = static_cast<int32_t>(pick(topic->partitions.size()));
  Sequence& sequence = producer.sequences[{topic->id, partition}];
  if (sequence.in_flight) return;
  const size_t count = pick(2) + 1;
  BatchPtr batch = make_batch(topic, partition, count, &producer, sequence.next);
  sequence.next += static_cast<int32_t>(count);
  sequence.in_flight = true;
  producer.asking = true;
  note(fmt::format("{} writes {} to {}-{} in transaction {}", producer.id, text_of(batch->numbers),
                   topic->name, partition, producer.transaction->number));
  send_batch(batch, producer.id, [this, &producer, topic, partition](std::optional<ErrorCode> error) {
    producer.asking = false;
    producer.sequences[{topic->id, partition}].in_flight = false;
    if (!error || *error != ErrorCode::kNone) producer.lost = true;
  });
}

void NodeSimulator::end_transaction(Producer& producer, bool commit) {
  TransactionPtr transaction = producer.transaction;
  producer.asking = true;
  transaction->outcome = commit ? Outcome::kCommitAsked : Outcome::kAbortAsked;
  transaction->commit_was_asked |= commit;
  note(fmt::format("{} {} transaction {}", producer.id, commit ? "commits" : "aborts", transaction->number));
  EndTxnRequest request;
  request.transactional_id = producer.id;
  request.producer_id = producer.producer_id;
  request.producer_epoch = producer.epoch;
  request.committed = commit;
  a_connection().ask<EndTxnResponse>(
      request, 5, [this, &producer, transaction, commit](const EndTxnResponse* response) {
        producer.asking = false;
        if (response != nullptr)
          note(fmt::format("{}: transaction {}: {}", producer.id, transaction->number,
                           error_name(response->error_code)));
        if (response == nullptr || response->error_code != ErrorCode::kNone) {
          producer.lost = true;
          return;
        }
        transaction->outcome = commit ? Outcome::kCommitted : Outcome::kAborted;
        if (response->producer_id != producer.producer_id || response->producer_epoch != producer.epoch) {
          producer.sequences.clear();
        }
        producer.producer_id = response->producer_id;
        producer.epoch = response->producer_epoch;
        producer.transaction = nullptr;
      });
}

// --- offsets

void NodeSimulator::delete_records(Aim aim) {
  TopicPtr topic = a_topic();
  if (topic == nullptr) return;
  auto partition = static_cast<int32_t>(pick(topic->partitions.size()));
  PartitionModel& model = topic->partitions[static_cast<size_t>(partition)];
  int64_t end = 0;
  for (const auto& [number, record] : model.records) end = std::max(end, record.offset + 1);
  const bool all = aim == Aim::kAll || random_.chance(30);
  const int64_t offset = all ? -1 : static_cast<int64_t>(pick(static_cast<size_t>(end) + 1));
  if (std::exchange(model.deleting, true)) return;
  note(fmt::format("delete {}-{} up to {}", topic->name, partition, offset));
  DeleteRecordsRequest request;
  request.timeout_ms = 30'000;
  auto& of = request.topics.emplace_back();
  of.name = topic->name;
  of.partitions.push_back({partition, offset});
  if (!topic->must_be("cleanup.policy", "compact")) {
    model.deletable_up_to = offset < 0 ? INT64_MAX : std::max(model.deletable_up_to, offset);
  }
  a_connection().ask<DeleteRecordsResponse>(
      request, 2, [this, topic, &model](const DeleteRecordsResponse* response) {
        model.deleting = false;
        if (response == nullptr) return;
        const auto& answer = response->topics.at(0).partitions.at(0);
        note(fmt::format("deleted: {} {}", error_name(answer.error_code), answer.low_watermark));
        if (answer.error_code != ErrorCode::kNone) return;
        if (model.deletable_up_to == INT64_MAX) model.deletable_up_to = answer.low_watermark;
        model.starts.push_back({answer.low_watermark, machine_.clock().steady_ms()});
      });
}

void NodeSimulator::commit_offset() {
  TopicPtr topic = a_topic();
  if (topic == nullptr) return;
  auto partition = static_cast<int32_t>(pick(topic->partitions.size()));
  const auto offset = static_cast<int64_t>(pick(1000));
  note(fmt::format("commit {} of {}-{}", offset, topic->name, partition));
  OffsetCommitRequest request;
  request.group_id = "g";
  auto& of = request.topics.emplace_back();
  of.name = topic->name;
  of.partitions.push_back({.partition_index = partition, .committed_offset = offset});
  const OffsetPlace place{topic->name, partition};
  if (!committing_.insert(place).second) return;
  if (offsets_[place].empty()) offsets_[place].insert(-1);
  offsets_[place].insert(offset);
  a_connection().ask<OffsetCommitResponse>(
      request, 9, [this, topic, place, offset](const OffsetCommitResponse* response) {
        committing_.erase(place);
        if (response == nullptr || topic->deleted || topic->delete_asked) return;
        const ErrorCode error = response->topics.at(0).partitions.at(0).error_code;
        note(fmt::format("committed {}: {}", offset, error_name(error)));
        if (error == ErrorCode::kNone) offsets_[place] = {offset};
      });
}

}  // namespace milena::sim
