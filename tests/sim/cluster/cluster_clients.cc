// Producers of the cluster simulator.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/messages/create_topics.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/records/record_batch_builder.h"
#include "sim/cluster/cluster_simulator.h"
#include "sim/cluster/disk_log.h"

namespace milena::sim {
namespace {

constexpr int16_t kProduceById = 13;
constexpr int64_t kPatience_ms = 8000;

std::string text_of(const std::vector<int64_t>& numbers) {
  return numbers.size() == 1 ? std::to_string(numbers[0]) : fmt::format("{} to {}", numbers.front(), numbers.back());
}

bool ends_sequence(ErrorCode error) {
  switch (error) {
    case ErrorCode::kOutOfOrderSequenceNumber:
    case ErrorCode::kInvalidProducerEpoch:
    case ErrorCode::kUnknownProducerId:
      return true;
    default:
      return false;
  }
}

}  // namespace

// Retries until it exists: requests get no response while the controller is away.
void ClusterSimulator::create_topic(const TopicPlan& plan) {
  if (metadata_.image().find_topic(plan.name) != nullptr) return;
  CreateTopicsRequest request;
  request.timeout_ms = 5000;
  auto& topic = request.topics.emplace_back();
  topic.name = plan.name;
  topic.num_partitions = plan.partitions;
  topic.replication_factor = plan.replicas;
  const std::string min_in_sync = std::to_string(plan.min_in_sync);
  topic.configs.push_back({"min.insync.replicas", min_in_sync});
  if (plan.unclean) topic.configs.push_back({"unclean.leader.election.enable", "true"});
  const std::string retention_ms = std::to_string(plan.retention_ms);
  topic.configs.push_back({"retention.ms", retention_ms});
  if (plan.compacts) {
    topic.configs.push_back({"cleanup.policy", "compact"});
    topic.configs.push_back({"min.cleanable.dirty.ratio", "0.1"});
  }
  for (const auto& [name, value] : plan.settings) topic.configs.push_back({name, value});
  ask<CreateTopicsResponse>(
      a_broker(), 9, request, 7, kPatience_ms, [this, &plan](const CreateTopicsResponse* response) {
        const ErrorCode error = response == nullptr ? ErrorCode::kNetworkException : response->topics.at(0).error_code;
        note(fmt::format("{} is created: {}", plan.name, error_name(error)));
        if (error == ErrorCode::kNone || error == ErrorCode::kTopicAlreadyExists || failed()) return;
        after(300, [this, &plan] {
          if (!failed() && !over_) create_topic(plan);
        });
      });
}

std::optional<PartitionId> ClusterSimulator::a_partition() {
  std::vector<PartitionId> all;
  for (const auto& [id, state] : partitions_) {
    if (!state.internal) all.push_back(id);
  }
  if (all.empty()) return std::nullopt;
  return all[pick(all.size())];
}

// Mostly the leader; sometimes a former one, or another node.
int ClusterSimulator::leader_to_ask(const PartitionId& id) {
  const metadata::PartitionImage* image = image_of(id);
  if (image == nullptr || image->leader < 0 || random_.chance(over_ ? 2 : 12)) return a_broker();
  return image->leader;
}

ClusterSimulator::BatchPtr ClusterSimulator::make_batch(const PartitionId& id, int64_t producer, int16_t epoch,
                                                        int32_t sequence, int64_t transaction) {
  auto batch = std::make_shared<Batch>();
  batch->partition = id;
  BatchOptions options;
  options.producer_id = producer;
  options.producer_epoch = epoch;
  options.base_sequence = sequence;
  options.transactional = transaction >= 0;
  RecordBatchBuilder builder(options);
  for (size_t count = pick(3) + 1; count > 0; count--) {
    const int64_t number = ++last_number_;
    const std::string value = fmt::format("{} {}", number, std::string(pick(60), 'v'));
    SentRecord& sent = sent_[number];
    sent = {.partition = id, .producer = producer, .transaction = transaction};
    sent.key = static_cast<int64_t>(pick(4));
    sent.ms = clock_.wall_ms();
    const std::string key = fmt::format("k{}", sent.key);
    builder.append(ByteView(key), ByteView(value), sent.ms);
    batch->numbers.push_back(number);
  }
  batch->bytes = builder.build();
  return batch;
}

// `then` gets the error; nullopt: the response is lost.
void ClusterSimulator::send_batch(const BatchPtr& batch, size_t connection,
                                  std::function<void(std::optional<ErrorCode>)> then) {
  const int to = leader_to_ask(batch->partition);
  batch->asked = to;
  note(fmt::format("produce {} to {} at node {}", text_of(batch->numbers), describe(batch->partition), to));
  ProduceRequest request;
  request.acks = batch->acks;
  request.timeout_ms = 4000;
  request.transactional_id.reset();
  if (!batch->transactional_id.empty()) request.transactional_id = batch->transactional_id;
  auto& topic = request.topic_data.emplace_back();
  topic.topic_id = batch->partition.first;
  topic.partition_data.push_back({batch->partition.second, ByteView(batch->bytes)});
  ask<ProduceResponse>(to, connection, request, kProduceById, kPatience_ms,
                       [this, batch, then = std::move(then)](const ProduceResponse* response) {
                         if (failed()) return;
                         if (response == nullptr) {
                           note(fmt::format("{}: no answer", text_of(batch->numbers)));
                           return then(std::nullopt);
                         }
                         const auto& answer = response->responses.at(0).partition_responses.at(0);
                         on_produced(batch, answer);
                         then(answer.error_code);
                       });
}

bool ClusterSimulator::all_in_sync_have(const PartitionId& id, int64_t offset, int64_t number) {
  const metadata::PartitionImage* image = image_of(id);
  const std::vector<int32_t> in_sync = image->isr.to_vector();
  return !in_sync.empty() && std::all_of(in_sync.begin(), in_sync.end(), [&](int32_t member) {
    const DiskLog log = read_disk_log(node(member).disk(), partitions_.at(id).name, id.first, offset);
    const auto there = log.entries.find(offset);
    return there != log.entries.end() && there->second.number == number;
  });
}

void ClusterSimulator::on_produced(const BatchPtr& batch, const ProduceResponse::PartitionProduceResponse& answer) {
  const bool acked = answer.error_code == ErrorCode::kNone || answer.error_code == ErrorCode::kDuplicateSequenceNumber;
  note(fmt::format("{}: {}{}", text_of(batch->numbers), error_name(answer.error_code),
                   acked ? fmt::format(" at {}", answer.base_offset) : ""));
  if (!acked || batch->acks != -1) return;
  const auto state = partitions_.find(batch->partition);
  if (state == partitions_.end()) return;  // deleted meanwhile
  // The acknowledgement of a leader that has not heard of an unclean one does not count.
  const metadata::PartitionImage* image = image_of(batch->partition);
  if (state->second.unclean && (image == nullptr || image->leader != batch->asked)) return;
  // The same after a loss of power, while nobody has shown what is left.
  if (state->second.unsure_from) return;
  acknowledged_ += batch->numbers.size();
  for (size_t i = 0; i < batch->numbers.size(); i++) {
    SentRecord& record = sent_[batch->numbers[i]];
    record.acked = true;
    // It may have been lost with everything meanwhile.
    if (state->second.lost.contains(batch->numbers[i])) continue;
    const int64_t offset = answer.base_offset + static_cast<int64_t>(i);
    const auto there = state->second.offset_of.find(batch->numbers[i]);
    if (there == state->second.offset_of.end()) {
      if (answer.base_offset >= 0 && offset < state->second.unseen_below) {
        state->second.lost.insert(batch->numbers[i]);
        continue;
      }
      // The leader may have settled it and lost its replica in one turn, at the end of a reassignment. The high
      // watermark of the next leader must cover it, in the end.
      const bool removed = image != nullptr && !image->replicas.contains(batch->asked);
      if (removed && all_in_sync_have(batch->partition, offset, batch->numbers[i])) continue;
      // By the same leader in an epoch before, which had not heard of another's: it leads again, and still has it.
      if (state->second.unclean) {
        record.acked = false;
        continue;
      }
      return fail(fmt::format("{} was acknowledged by all, and was below no high watermark", batch->numbers[i]));
    }
    if (answer.base_offset >= 0 && answer.error_code == ErrorCode::kNone && there->second != offset) {
      return fail(fmt::format("{} was acknowledged at {}, and is at {}", batch->numbers[i], offset, there->second));
    }
  }
}

void ClusterSimulator::produce(int16_t acks) {
  const auto id = a_partition();
  if (!id) return;
  for (size_t i = pick(3) + 1; i > 0; i--) {
    BatchPtr batch = make_batch(*id);
    batch->acks = acks;
    send_batch(batch, pick(2), [](std::optional<ErrorCode>) {});
  }
}

// --- idempotent producers

void ClusterSimulator::get_producer_id(Producer& producer) {
  if (producer.asking || failed()) return;
  producer.asking = true;
  InitProducerIdRequest request;
  request.transactional_id.reset();
  request.transaction_timeout_ms = 60'000;
  ask<InitProducerIdResponse>(a_broker(), 8, request, 5, kPatience_ms,
                              [this, &producer](const InitProducerIdResponse* response) {
                                producer.asking = false;
                                if (response == nullptr || response->error_code != ErrorCode::kNone) return;
                                producer.id = response->producer_id;
                                producer.epoch = response->producer_epoch;
                                producer.streams.clear();
                                note(fmt::format("producer {} of epoch {}", producer.id, producer.epoch));
                              });
}

void ClusterSimulator::produce_in_sequence() {
  const size_t which = pick(producers_.size());
  Producer& producer = producers_[which];
  if (producer.id < 0) return get_producer_id(producer);
  const auto id = a_partition();
  if (!id) return;
  Stream& stream = producer.streams[*id];
  for (size_t count = pick(3) + 1; count > 0 && stream.queue.size() < 5; count--) {
    BatchPtr batch = make_batch(*id, producer.id, producer.epoch, stream.next_sequence);
    stream.next_sequence += static_cast<int32_t>(batch->numbers.size());
    stream.queue.push_back(batch);
  }
  pump_stream(which, *id);
}

// Sends the first of the queue until it succeeds, like librdkafka with one request in flight.
void ClusterSimulator::pump_stream(size_t which, const PartitionId& id) {
  Producer& producer = producers_[which];
  const auto found = producer.streams.find(id);
  if (failed() || found == producer.streams.end()) return;
  Stream& stream = found->second;
  if (stream.in_flight || stream.waits || stream.queue.empty()) return;
  if (!partitions_.contains(id)) {
    producer.streams.erase(found);
    return;
  }
  stream.in_flight = true;
  BatchPtr batch = stream.queue.front();
  const int64_t producer_id = producer.id;
  send_batch(batch, 3 + which, [this, which, id, batch, producer_id](std::optional<ErrorCode> error) {
    Producer& of = producers_[which];
    const auto at = of.streams.find(id);
    if (failed() || of.id != producer_id || at == of.streams.end()) return;
    Stream& now = at->second;
    now.in_flight = false;
    if (error && (*error == ErrorCode::kNone || *error == ErrorCode::kDuplicateSequenceNumber)) {
      now.queue.erase(now.queue.begin());
      return pump_stream(which, id);
    }
    // A former leader that has not heard of the next one lacks its records.
    const metadata::PartitionImage* image = image_of(id);
    const bool leads = image != nullptr && image->leader == batch->asked;
    if (error && leads && ends_sequence(*error)) {
      const auto state = partitions_.find(id);
      // Retention or deletion may have removed all records of the producer: a follower that begins behind them does
      // not know it (as in Kafka).
      const bool excused = state == partitions_.end() || state->second.unclean || state->second.was_reset ||
                           state->second.unsure_from || state->second.deletable > 0;
      if (!excused) {
        return fail(fmt::format("producer {} goes on in its sequence, and is told {}", of.id, error_name(*error)));
      }
      of.id = -1;
      of.streams.clear();
      return;
    }
    now.waits = true;
    after(static_cast<int64_t>(pick(200)) + 20, [this, which, id, producer_id] {
      Producer& again = producers_[which];
      const auto still = again.streams.find(id);
      if (failed() || again.id != producer_id || still == again.streams.end()) return;
      still->second.waits = false;
      pump_stream(which, id);
    });
  });
}

bool ClusterSimulator::streams_done() const {
  for (const Producer& producer : producers_) {
    for (const auto& [id, stream] : producer.streams) {
      if (!stream.queue.empty() && partitions_.contains(id)) return false;
    }
  }
  return true;
}

}  // namespace milena::sim
