#include "sim/transaction_simulator.h"

#include "base/log.h"
#include "coordinator/transaction/transaction_records.h"

namespace milena {
namespace {

constexpr int64_t kStory_ms = 60'000;
constexpr ErrorCode kAppendFailures[] = {ErrorCode::kNotEnoughReplicas, ErrorCode::kRequestTimedOut,
                                         ErrorCode::kKafkaStorageError, ErrorCode::kMessageTooLarge};
constexpr ErrorCode kMarkerFailures[] = {ErrorCode::kNotLeaderOrFollower, ErrorCode::kNotEnoughReplicas,
                                         ErrorCode::kRequestTimedOut, ErrorCode::kUnknownTopicOrPartition};

std::string topic_of(int partition, int partitions) { return partition == partitions - 1 ? "__consumer_offsets" : "t"; }
int32_t index_of(int partition, int partitions) { return partition == partitions - 1 ? 0 : partition; }

}  // namespace

TransactionSimulator::TransactionSimulator(uint32_t seed, bool keep_history)
    : random_(seed), keep_history_(keep_history) {
  set_log_level(LogLevel::kOff);
  config_.abort_check_interval_ms = 1'000;
  constexpr int16_t kLevels[] = {2, 2, 2, 1, 0};
  level_ = kLevels[pick(5)];
  if (pick(4) == 0) {
    // Ids that are near the end of their epochs.
    for (int i = 0; i < kIds; ++i) {
      coordinator::TransactionMetadata old;
      old.producer_id = old.previous_producer_id = 100 + i;
      old.producer_epoch = static_cast<int16_t>(32'760 + pick(7));
      old.timeout_ms = kTransactionTimeout_ms;
      old.last_update_ms = now().wall_ms;
      log_.push_back(coordinator::make_transaction_record("id" + std::to_string(i), old, level_));
      id_of_producer_[old.producer_id] = "id" + std::to_string(i);
    }
  }
  reload("the beginning");
  for (int i = 0; i < kIds; ++i) spawn("id" + std::to_string(i));
}

void TransactionSimulator::fail(std::string what) {
  if (!failure_.empty()) return;
  failure_ = std::move(what);
  note("FAILED: {}", failure_);
}

void TransactionSimulator::after(int64_t delay_ms, std::function<void()> what) {
  events_.push({now_ms_ + delay_ms, next_order_++, std::make_shared<std::function<void()>>(std::move(what))});
}

void TransactionSimulator::send(std::function<void()> what) {
  if (trouble(40)) return;
  after(trouble(30) ? 1'000 + pick(9'000) : 1 + pick(20), std::move(what));
}

bool TransactionSimulator::turn() {
  if (events_.empty()) return false;
  const Event event = events_.top();
  events_.pop();
  now_ms_ = event.at_ms;
  (*event.what)();
  check();
  return true;
}

void TransactionSimulator::check() {
  for (int i = 0; i < kPartitions; ++i) {
    const int64_t stable = partitions_[static_cast<size_t>(i)].last_stable_offset();
    const int64_t open = partitions_[static_cast<size_t>(i)].first_open_offset();
    if (stable != open) fail(fmt::format("partition {}: last stable offset {}, first open {}", i, stable, open));
  }
}

std::string TransactionSimulator::run() {
  while (failure_.empty() && now_ms_ < kStory_ms && turn()) {
    if (trouble(300)) reload("its time had come");
    if (trouble(500)) spawn("id" + std::to_string(pick(kIds)));
    if (trouble(2'000)) {
      // Running clients keep their level; later ones use the new one.
      level_ = static_cast<int16_t>(pick(3));
      note("transaction.version is {} now", level_);
      shard_->set_transaction_version(level_);
    }
    if (trouble(20)) compare_with_log();
  }
  if (failure_.empty()) fail(settle());
  return failure_;
}

std::string TransactionSimulator::settle() {
  note("--- peace");
  faults_ = false;
  winding_down_ = true;
  for (const auto& client : clients_) gone(client, "the story is over");
  const int64_t end_ms = now_ms_ + 120'000;
  while (failure_.empty() && now_ms_ < end_ms && turn()) {
  }
  if (!failure_.empty()) return failure_;
  for (const auto& [id, metadata] : shard_->transactions()) {
    if (!metadata.may_expire())
      return fmt::format("{} remains in {}", id, coordinator::transaction_state_name(metadata.state));
  }
  for (int i = 0; i < kPartitions; ++i) {
    const SimPartition& partition = partitions_[static_cast<size_t>(i)];
    if (partition.last_stable_offset() != partition.end()) {
      return fmt::format("partition {}: last stable offset stays at {} of {}", i, partition.last_stable_offset(),
                         partition.end());
    }
  }
  for (size_t tag = 0; tag < transactions_.size(); ++tag) {
    const Transaction& transaction = transactions_[tag];
    if (transaction.told_commit == true && !transaction.acknowledged.empty() && transaction.outcome != true) {
      return fmt::format("transaction {} was told committed, and nothing of it is visible", tag);
    }
  }
  // New producers find everything in order.
  winding_down_ = false;
  const size_t before = told_committed_ + told_aborted_;
  for (int i = 0; i < kIds; ++i) {
    const std::shared_ptr<Client> client = spawn("id" + std::to_string(i));
    const int64_t patience_ms = now_ms_ + 30'000;
    while (failure_.empty() && client->phase != Phase::kGone && client->tag < 0 && now_ms_ < patience_ms && turn()) {
    }
    const int tag = client->tag;
    while (failure_.empty() && tag >= 0 && !transactions_[static_cast<size_t>(tag)].told_commit &&
           client->phase != Phase::kGone && now_ms_ < patience_ms && turn()) {
    }
    gone(client, "it has seen enough");
  }
  if (failure_.empty() && told_committed_ + told_aborted_ < before + kIds) return "an id cannot be used any more";
  return failure_;
}

// --- the coordinator

std::unique_ptr<coordinator::TransactionShard> TransactionSimulator::load() const {
  auto shard = std::make_unique<coordinator::TransactionShard>(config_);
  shard->set_coordinator_epoch(life_);
  shard->set_transaction_version(level_);
  int64_t offset = 0;
  for (const coordinator::CoordinatorRecord& record : log_) {
    shard->apply(record.key, record.value ? std::optional<ByteView>(*record.value) : std::nullopt, offset++);
  }
  return shard;
}

void TransactionSimulator::reload(const char* why) {
  note("the coordinator is loaded again: {}", why);
  ++reloads_;
  ++life_;
  // All pending requests are lost.
  waiting_.clear();
  armed_ms_ = -1;
  shard_ = load();
  execute(shard_->loaded(now()));
}

void TransactionSimulator::submit(int16_t version, Input input, OnAnswer on_answer) {
  const coordinator::AnswerToken token = ++last_token_;
  waiting_[token] = std::move(on_answer);
  execute(input(*shard_, coordinator::Caller{.token = token, .api_version = version}, now()));
}

void TransactionSimulator::execute(coordinator::TransactionEffects effects) {
  if (!effects.records.empty()) {
    if (trouble(200)) return reload("before an append");
    if (trouble(60)) {
      const ErrorCode error = kAppendFailures[pick(4)];
      note("  append failed with {}", static_cast<int>(error));
      effects = shard_->append_failed(std::move(effects), error, now());
    }
    for (const coordinator::CoordinatorRecord& record : effects.records) log_.push_back(record);
    if (!effects.records.empty() && trouble(100)) return reload("behind an append");
    int64_t offset = static_cast<int64_t>(log_.size() - effects.records.size());
    for (const coordinator::CoordinatorRecord& record : effects.records) {
      shard_->apply(record.key, record.value ? std::optional<ByteView>(*record.value) : std::nullopt, offset++);
      if (!keep_history_) continue;
      const auto parsed = coordinator::parse_transaction_record(
          record.key, record.value ? std::optional<ByteView>(*record.value) : std::nullopt);
      if (parsed->metadata) {
        note("  record: {} is {}, producer {} epoch {}", parsed->transactional_id,
             coordinator::transaction_state_name(parsed->metadata->state), parsed->metadata->producer_id,
             parsed->metadata->producer_epoch);
      }
    }
  }
  release(std::move(effects));
  arm();
}

void TransactionSimulator::release(coordinator::TransactionEffects effects) {
  for (coordinator::TransactionAnswer& answer : effects.answers) {
    auto waiting = waiting_.extract(answer.token);
    if (waiting.empty()) return fail("an answer to nobody");
    waiting.mapped()(&answer.response);
  }
  for (coordinator::TransactionMarkers& markers : effects.markers) send_markers(std::move(markers));
  for (coordinator::ProducerIdToken token : effects.producer_id_requests) {
    const bool none = trouble(10);
    after(1 + pick(5), [this, token, none, life = life_] {
      if (life != life_) return;
      execute(shard_->producer_id_given(token, none ? ErrorCode::kCoordinatorLoadInProgress : ErrorCode::kNone,
                                        none ? -1 : next_producer_id_++, now()));
    });
  }
}

void TransactionSimulator::arm() {
  const std::optional<int64_t> next = shard_->next_deadline_ms();
  if (!next || (armed_ms_ >= 0 && armed_ms_ <= *next)) return;
  // The expiry of ids is hours away.
  if (*next > now_ms_ + 600'000) return;
  armed_ms_ = std::max(*next, now_ms_);
  after(armed_ms_ - now_ms_, [this, life = life_] {
    if (life != life_) return;
    armed_ms_ = -1;
    execute(shard_->tick(now()));
  });
}

void TransactionSimulator::send_markers(coordinator::TransactionMarkers markers) {
  // The partitions respond one by one; then all results are reported.
  struct Gather {
    coordinator::MarkerToken token;
    std::vector<coordinator::MarkerResult> results;
    size_t open = 0;
  };
  auto gather = std::make_shared<Gather>();
  gather->token = markers.token;
  auto shared = std::make_shared<coordinator::TransactionMarkers>(std::move(markers));
  const auto finish_one = [this, gather, life = life_] {
    if (--gather->open > 0 || life != life_) return;
    execute(shard_->markers_written(gather->token, gather->results, now()));
  };
  for (int i = 0; i < kPartitions; ++i) {
    const std::string topic = topic_of(i, kPartitions);
    const int32_t index = index_of(i, kPartitions);
    bool asked = false;
    for (const coordinator::TopicPartitions& wanted : shared->partitions) {
      asked |= wanted.topic == topic && std::ranges::count(wanted.partitions, index) > 0;
    }
    if (!asked) continue;
    ++gather->open;
    // A lost marker has no result.
    const bool lost = trouble(20);
    after(trouble(20) ? 3'000 : 1 + pick(30), [this, i, topic, index, shared, gather, finish_one, lost] {
      if (lost) return finish_one();
      if (trouble(10)) {
        gather->results.push_back({topic, index, kMarkerFailures[pick(4)]});
        return finish_one();
      }
      const ErrorCode error = partitions_[static_cast<size_t>(i)].mark(
          *shared, [this](int tag, bool committed) { on_marked(tag, committed); });
      note("  marker in partition {}: producer {} epoch {} {}: {}", i, shared->producer_id, shared->producer_epoch,
           shared->committed ? "commit" : "abort", static_cast<int>(error));
      // Written, but the response is lost.
      if (!trouble(20)) gather->results.push_back({topic, index, error});
      finish_one();
    });
  }
}

void TransactionSimulator::on_marked(int tag, bool committed) {
  Transaction& transaction = transactions_[static_cast<size_t>(tag)];
  if (transaction.outcome && *transaction.outcome != committed) {
    return fail(fmt::format("transaction {} is half visible", tag));
  }
  transaction.outcome = committed;
  if (transaction.told_commit && *transaction.told_commit != committed) {
    fail(
        fmt::format("transaction {} was told {}, and is not", tag, *transaction.told_commit ? "committed" : "aborted"));
  }
}

void TransactionSimulator::compare_with_log() {
  const std::unique_ptr<coordinator::TransactionShard> fresh = load();
  if (fresh->transactions().size() != shard_->transactions().size()) return fail("the log knows other ids");
  for (const auto& [id, metadata] : shard_->transactions()) {
    const coordinator::TransactionMetadata* other = fresh->find(id);
    // The log does not have the written markers, the last epoch, and the fields missing in version 0.
    const bool same = other != nullptr && other->producer_id == metadata.producer_id &&
                      other->producer_epoch == metadata.producer_epoch && other->state == metadata.state &&
                      other->start_ms == metadata.start_ms && other->timeout_ms == metadata.timeout_ms &&
                      (metadata.is_ending() || other->partitions == metadata.partitions);
    if (!same) fail(fmt::format("the log knows {} otherwise", id));
  }
}

// --- partitions

SimPartition::Appended TransactionSimulator::append(int partition, const Client& client, int32_t sequence,
                                                    uint64_t guard) {
  const SimPartition::Appended appended =
      partitions_[static_cast<size_t>(partition)].append(client.producer_id, client.epoch, sequence, guard, client.tag);
  note("  partition {}: record of client {} for transaction {}, producer {} epoch {} sequence {}: {}{}", partition,
       client.number, client.tag, client.producer_id, client.epoch, sequence, static_cast<int>(appended.error),
       appended.duplicate ? ", known" : "");
  if (appended.error == ErrorCode::kNone && !appended.duplicate) {
    const auto granted = granted_.find(client.id);
    if (granted != granted_.end() && std::pair(client.producer_id, client.epoch) < granted->second) {
      fail(fmt::format("producer {} wrote with epoch {} after {} epoch {} was given out", client.producer_id,
                       client.epoch, granted->second.first, granted->second.second));
    }
  }
  return appended;
}

// The broker's side of Produce: a transaction that is not open here must be known to the coordinator.
void TransactionSimulator::produce(int partition, const Client& client, int32_t sequence,
                                   std::function<void(SimPartition::Appended)> reply) {
  const log::VerificationStart start = partitions_[static_cast<size_t>(partition)].start(
      client.producer_id, client.epoch, sequence, client.version_2, now_ms_);
  if (start.error != ErrorCode::kNone) return reply({start.error});
  if (start.guard == 0) return reply(append(partition, client, sequence, 0));
  auto copy = std::make_shared<Client>(client);
  auto answered = std::make_shared<bool>(false);
  const auto reply_once = [answered, reply](SimPartition::Appended appended) {
    if (!std::exchange(*answered, true)) reply(appended);
  };
  after(1'500, [reply_once] { reply_once({ErrorCode::kRequestTimedOut}); });
  send([this, partition, copy, sequence, start, reply_once, answered] {
    submit(
        5,
        [copy, partition](coordinator::TransactionShard& shard, const coordinator::Caller& caller,
                          coordinator::Now at) {
          coordinator::PartitionsToAdd request;
          const std::string topic = topic_of(partition, kPartitions);
          request.transactional_id = copy->id;
          request.producer_id = copy->producer_id;
          request.producer_epoch = copy->epoch;
          request.verify_only = !copy->version_2;
          request.topics.push_back({.name = topic, .partitions = {index_of(partition, kPartitions)}});
          return shard.add_partitions(caller, request, at);
        },
        [this, partition, copy, sequence, start, reply_once, answered](coordinator::TransactionResponse* response) {
          const ErrorCode error = std::get<coordinator::AddedPartitions>(*response)
                                      .topic_results[0]
                                      .results_by_partition[0]
                                      .partition_error_code;
          send([this, partition, copy, sequence, start, reply_once, answered, error] {
            if (*answered) return;
            if (error != ErrorCode::kNone) return reply_once({error});
            reply_once(append(partition, *copy, sequence, start.guard));
          });
        });
  });
}

}  // namespace milena
