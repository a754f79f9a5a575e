// The producers of the simulator.
#include "sim/transaction_simulator.h"

namespace milena {
namespace {

constexpr int64_t kClientPatience_ms = 2'000;

bool passes(ErrorCode error) {
  switch (error) {
    case ErrorCode::kConcurrentTransactions:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kUnknownServerError:
    case ErrorCode::kRequestTimedOut: return true;
    default: return false;
  }
}

}  // namespace

std::shared_ptr<TransactionSimulator::Client> TransactionSimulator::spawn(const std::string& id) {
  auto client = std::make_shared<Client>();
  client->number = static_cast<int>(clients_.size());
  client->id = id;
  client->version_2 = level_ >= 2 && pick(4) != 0;
  clients_.push_back(client);
  note("client {} for {}, protocol {}", client->number, id, client->version_2 ? 2 : 1);
  init(client);
  return client;
}

void TransactionSimulator::gone(const std::shared_ptr<Client>& client, const char* why) {
  if (client->phase == Phase::kGone) return;
  note("client {} is gone: {}", client->number, why);
  client->phase = Phase::kGone;
  ++client->attempt;
  if (winding_down_ || !faults_) return;
  after(100 + pick(3'000), [this, id = client->id] {
    if (!winding_down_) spawn(id);
  });
}

int TransactionSimulator::begin_attempt(const std::shared_ptr<Client>& client,
                                        void (TransactionSimulator::*step)(std::shared_ptr<Client>)) {
  const int attempt = ++client->attempt;
  after(kClientPatience_ms, [this, client, attempt, step] {
    if (client->phase == Phase::kGone || client->attempt != attempt) return;
    note("client {} has waited long enough", client->number);
    (this->*step)(client);
  });
  return attempt;
}

// Between two steps a client may sleep for long (and wake up a zombie), or die.
void TransactionSimulator::later(const std::shared_ptr<Client>& client,
                                 void (TransactionSimulator::*step)(std::shared_ptr<Client>)) {
  if (trouble(150)) return gone(client, "it died");
  const int attempt = ++client->attempt;
  after(trouble(60) ? 5'000 + pick(20'000) : 1 + pick(60), [this, client, attempt, step] {
    if (client->phase != Phase::kGone && client->attempt == attempt) (this->*step)(client);
  });
}

void TransactionSimulator::init(std::shared_ptr<Client> client) {
  client->phase = Phase::kInit;
  const int attempt = begin_attempt(client, &TransactionSimulator::init);
  const int64_t producer_id = client->producer_id;
  const int16_t epoch = client->epoch;
  send([this, client, attempt, producer_id, epoch] {
    submit(
        5,
        [client, producer_id, epoch](coordinator::TransactionShard& shard, const coordinator::Caller& caller,
                                     coordinator::Now at) {
          InitProducerIdRequest request;
          request.transactional_id = client->id;
          request.transaction_timeout_ms = kTransactionTimeout_ms;
          request.producer_id = producer_id;
          request.producer_epoch = epoch;
          return shard.init_producer_id(caller, request, at);
        },
        [this, client, attempt](coordinator::TransactionResponse* response) {
          const auto answer = std::get<InitProducerIdResponse>(*response);
          note("InitProducerId of client {}: {} producer {} epoch {}", client->number,
               static_cast<int>(answer.error_code), answer.producer_id, answer.producer_epoch);
          if (answer.error_code == ErrorCode::kNone) {
            id_of_producer_[answer.producer_id] = client->id;
            auto& granted = granted_[client->id];
            granted = std::max(granted, std::pair(answer.producer_id, answer.producer_epoch));
          }
          send([this, client, attempt, answer] {
            if (client->attempt != attempt || client->phase == Phase::kGone) return;
            if (passes(answer.error_code)) return later(client, &TransactionSimulator::init);
            if (answer.error_code != ErrorCode::kNone) return gone(client, "it is fenced");
            client->producer_id = answer.producer_id;
            client->epoch = answer.producer_epoch;
            client->sequence.fill(0);
            client->phase = Phase::kIdle;
            later(client, &TransactionSimulator::begin);
          });
        });
  });
}

void TransactionSimulator::begin(std::shared_ptr<Client> client) {
  if (winding_down_) return;
  client->phase = Phase::kWriting;
  client->tag = static_cast<int>(transactions_.size());
  transactions_.push_back({client->id, {}, {}, {}});
  client->plan.clear();
  for (uint32_t i = 0, count = 1 + pick(4); i < count; ++i) client->plan.push_back(static_cast<int>(pick(kPartitions)));
  client->at = 0;
  client->tries = 0;
  client->added.clear();
  client->commit = pick(3) != 0;
  client->unresolved = false;
  note("client {} begins transaction {}", client->number, client->tag);
  write(client);
}

void TransactionSimulator::write(std::shared_ptr<Client> client) {
  if (client->at == client->plan.size()) return end(client);
  const int partition = client->plan[client->at];
  if (!client->version_2 && !client->added.contains(partition)) return add(client, partition);
  if (client->tries > 0 && pick(3) == 0) {
    client->unresolved = true;
    return give_up(client);
  }
  ++client->tries;
  const int attempt = begin_attempt(client, &TransactionSimulator::write);
  const Client copy = *client;
  send([this, client, copy, partition, attempt] {
    produce(partition, copy, copy.sequence[static_cast<size_t>(partition)],
            [this, client, partition, attempt](SimPartition::Appended appended) {
              send([this, client, partition, attempt, appended] {
                if (client->attempt != attempt || client->phase == Phase::kGone) return;
                written(client, partition, appended);
              });
            });
  });
}

void TransactionSimulator::written(std::shared_ptr<Client> client, int partition, SimPartition::Appended appended) {
  if (appended.error == ErrorCode::kNone) {
    transactions_[static_cast<size_t>(client->tag)].acknowledged.emplace_back(partition, appended.offset);
    ++client->sequence[static_cast<size_t>(partition)];
    ++client->at;
    client->tries = 0;
    return later(client, &TransactionSimulator::write);
  }
  if (passes(appended.error)) return later(client, &TransactionSimulator::write);
  client->unresolved = true;
  give_up(client);
}

void TransactionSimulator::give_up(const std::shared_ptr<Client>& client) {
  client->commit = false;
  later(client, &TransactionSimulator::end);
}

void TransactionSimulator::add(std::shared_ptr<Client> client, int partition) {
  const int attempt = begin_attempt(client, &TransactionSimulator::write);
  const Client copy = *client;
  const auto answered = [this, client, attempt, partition](ErrorCode error) {
    note("AddPartitions of client {} for {}: {}", client->number, partition, static_cast<int>(error));
    send([this, client, attempt, partition, error] {
      if (client->attempt != attempt || client->phase == Phase::kGone) return;
      if (error == ErrorCode::kNone) {
        client->added.insert(partition);
        return write(client);
      }
      if (passes(error)) return later(client, &TransactionSimulator::write);
      gone(client, "it may not add partitions");
    });
  };
  send([this, copy, partition, answered] {
    if (partition == kPartitions - 1) {
      return submit(
          3,
          [copy](coordinator::TransactionShard& shard, const coordinator::Caller& caller, coordinator::Now at) {
            AddOffsetsToTxnRequest request;
            request.transactional_id = copy.id;
            request.producer_id = copy.producer_id;
            request.producer_epoch = copy.epoch;
            request.group_id = "g";
            return shard.add_offsets(caller, request, 0, at);
          },
          [answered](coordinator::TransactionResponse* response) {
            answered(std::get<AddOffsetsToTxnResponse>(*response).error_code);
          });
    }
    submit(
        3,
        [copy, partition](coordinator::TransactionShard& shard, const coordinator::Caller& caller,
                          coordinator::Now at) {
          coordinator::PartitionsToAdd request;
          request.transactional_id = copy.id;
          request.producer_id = copy.producer_id;
          request.producer_epoch = copy.epoch;
          request.topics.push_back({.name = "t", .partitions = {partition}});
          return shard.add_partitions(caller, request, at);
        },
        [answered](coordinator::TransactionResponse* response) {
          answered(std::get<coordinator::AddedPartitions>(*response)
                       .topic_results[0]
                       .results_by_partition[0]
                       .partition_error_code);
        });
  });
}

void TransactionSimulator::end(std::shared_ptr<Client> client) {
  client->phase = Phase::kEnding;
  // Nothing was added, for all the client knows: there is nothing to end.
  if (!client->version_2 && client->added.empty()) return gone(client, "its transaction came to nothing");
  const int attempt = begin_attempt(client, &TransactionSimulator::end);
  const Client copy = *client;
  send([this, client, copy, attempt] {
    // An EndTxn that arrives after its client went on would end the next transaction: a flaw of the first protocol,
    // fixed by the second one (KIP-890).
    if (!copy.version_2 && client->tag != copy.tag) return;
    submit(
        copy.version_2 ? 5 : 4,
        [copy](coordinator::TransactionShard& shard, const coordinator::Caller& caller, coordinator::Now at) {
          EndTxnRequest request;
          request.transactional_id = copy.id;
          request.producer_id = copy.producer_id;
          request.producer_epoch = copy.epoch;
          request.committed = copy.commit;
          return shard.end_transaction(caller, request, at);
        },
        [this, client, copy, attempt](coordinator::TransactionResponse* response) {
          const auto answer = std::get<EndTxnResponse>(*response);
          note("EndTxn of client {}, transaction {}, {}: {} producer {} epoch {}", copy.number, copy.tag,
               copy.commit ? "commit" : "abort", static_cast<int>(answer.error_code), answer.producer_id,
               answer.producer_epoch);
          send([this, client, attempt, answer] {
            if (client->attempt == attempt && client->phase != Phase::kGone) ended(client, answer);
          });
        });
  });
}

void TransactionSimulator::ended(std::shared_ptr<Client> client, const EndTxnResponse& response) {
  if (passes(response.error_code)) return later(client, &TransactionSimulator::end);
  if (response.error_code != ErrorCode::kNone) return gone(client, "its end is refused");
  Transaction& transaction = transactions_[static_cast<size_t>(client->tag)];
  transaction.told_commit = client->commit;
  ++(client->commit ? told_committed_ : told_aborted_);
  if (transaction.outcome && *transaction.outcome != client->commit) {
    fail(fmt::format("transaction {} is told {}, and is not", client->tag, client->commit ? "committed" : "aborted"));
  }
  if (client->version_2 && (response.producer_id != client->producer_id || response.producer_epoch != client->epoch)) {
    client->producer_id = response.producer_id;
    client->epoch = response.producer_epoch;
    client->sequence.fill(0);
    id_of_producer_[client->producer_id] = client->id;
  }
  client->phase = Phase::kIdle;
  // A record may be under way that must not get into the next transaction with this epoch (KIP-360).
  if (!client->version_2 && client->unresolved) return later(client, &TransactionSimulator::init);
  later(client, &TransactionSimulator::begin);
}

}  // namespace milena
