// Transactional producers, and groups that commit offsets: clients of coordinators, which move between nodes.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/messages/end_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_fetch.h"
#include "sim/cluster/cluster_simulator.h"

namespace milena::sim {
namespace {

constexpr int64_t kPatience_ms = 8000;
constexpr int8_t kOfGroup = 0, kOfTransaction = 1;
constexpr size_t kTransactorConnection = 30, kCommitterConnection = 40;

// Another attempt may end differently.
bool may_try_again(ErrorCode error) {
  switch (error) {
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kConcurrentTransactions:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kRequestTimedOut:
    case ErrorCode::kNetworkException:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kKafkaStorageError:
      return true;
    default:
      return false;
  }
}

}  // namespace

void ClusterSimulator::find_coordinator(int8_t type, const std::string& key, std::function<void(int)> then) {
  FindCoordinatorRequest request;
  request.key_type = type;
  request.coordinator_keys = {key};
  ask<FindCoordinatorResponse>(a_broker(), 9, request, 4, kPatience_ms,
                               [then = std::move(then)](const FindCoordinatorResponse* response) {
                                 const bool found = response != nullptr && response->coordinators.size() == 1 &&
                                                    response->coordinators[0].error_code == ErrorCode::kNone;
                                 then(found ? response->coordinators[0].node_id : -1);
                               });
}

// --- transactions

void ClusterSimulator::transact() {
  const size_t which = pick(transactors_.size());
  Transactor& one = transactors_[which];
  if (one.producer < 0) return pump_transactor(which);
  if (random_.chance(7)) {
    // Another process of that name begins. Requests of the one before come too late.
    note(fmt::format("{} begins anew", one.id));
    for (const BatchPtr& zombie : one.queue) {
      after(static_cast<int64_t>(pick(2000)), [this, zombie] {
        if (!failed() && !over_) send_batch(zombie, kTransactorConnection + 5, [](std::optional<ErrorCode>) {});
      });
    }
    give_up(one);
    return pump_transactor(which);
  }
  if (one.wanted != TransactionEnd::kNone) return;
  if (one.transaction < 0) one.transaction = ++last_transaction_;
  SimTransaction& of = transactions_[one.transaction];
  if (!of.numbers.empty() && random_.chance(35)) {
    one.wanted = random_.chance(70) ? TransactionEnd::kCommit : TransactionEnd::kAbort;
    return pump_transactor(which);
  }
  for (size_t count = pick(3) + 1; count > 0 && one.queue.size() < 5; count--) {
    const auto id = a_partition();
    if (!id) return;
    int32_t& sequence = one.next_sequence[*id];
    BatchPtr batch = make_batch(*id, one.producer, one.epoch, sequence, one.transaction);
    batch->transactional_id = one.id;
    sequence += static_cast<int32_t>(batch->numbers.size());
    of.numbers.insert(of.numbers.end(), batch->numbers.begin(), batch->numbers.end());
    // A topic with unclean elections may lose records.
    of.excused |= partitions_.at(*id).unclean;
    one.queue.push_back(batch);
  }
  pump_transactor(which);
}

// Its transaction is not ended by itself any more.
void ClusterSimulator::give_up(Transactor& one) {
  one.life++;
  one.producer = -1;
  one.asking = false;
  one.transaction = -1;
  one.wanted = TransactionEnd::kNone;
  one.next_sequence.clear();
  one.queue.clear();
}

void ClusterSimulator::transact_later(size_t which) {
  after(static_cast<int64_t>(pick(200)) + 20, [this, which, life = transactors_[which].life] {
    if (failed() || transactors_[which].life != life) return;
    transactors_[which].asking = false;
    pump_transactor(which);
  });
}

// Its coordinator, then its id, then what it sends, in its order, then the end of the transaction.
void ClusterSimulator::pump_transactor(size_t which) {
  Transactor& one = transactors_[which];
  if (failed() || one.asking) return;
  const uint64_t life = one.life;
  const auto is_same = [this, which, life] { return !failed() && transactors_[which].life == life; };
  if (one.producer >= 0 && !one.queue.empty()) {
    if (!partitions_.contains(one.queue.front()->partition)) return give_up(one);
    one.asking = true;
    const BatchPtr batch = one.queue.front();
    return send_batch(batch, kTransactorConnection + which,
                      [this, which, batch, is_same](std::optional<ErrorCode> error) {
                        if (is_same()) on_transactional(which, batch, error);
                      });
  }
  if (one.producer >= 0 && one.wanted == TransactionEnd::kNone) return;
  one.asking = true;
  if (one.coordinator < 0) {
    return find_coordinator(kOfTransaction, one.id, [this, which, is_same](int node) {
      if (!is_same()) return;
      transactors_[which].coordinator = node;
      transact_later(which);
    });
  }
  if (one.producer >= 0) return end_transaction(which);
  InitProducerIdRequest request;
  request.transactional_id = one.id;
  request.transaction_timeout_ms = 20'000;
  ask<InitProducerIdResponse>(one.coordinator, kTransactorConnection + which, request, 5, kPatience_ms,
                              [this, which, is_same](const InitProducerIdResponse* response) {
                                if (!is_same()) return;
                                Transactor& now = transactors_[which];
                                if (response == nullptr || response->error_code != ErrorCode::kNone) {
                                  now.coordinator = -1;
                                  return transact_later(which);
                                }
                                now.producer = response->producer_id;
                                now.epoch = response->producer_epoch;
                                now.asking = false;
                                note(fmt::format("{} is producer {} of epoch {}", now.id, now.producer, now.epoch));
                              });
}

void ClusterSimulator::on_transactional(size_t which, const BatchPtr& batch, std::optional<ErrorCode> error) {
  Transactor& one = transactors_[which];
  if (error && (*error == ErrorCode::kNone || *error == ErrorCode::kDuplicateSequenceNumber)) {
    one.queue.erase(one.queue.begin());
    one.asking = false;
    return pump_transactor(which);
  }
  if (!error || may_try_again(*error)) return transact_later(which);
  note(fmt::format("{} gives up {}: {}", one.id, batch->numbers.front(), error_name(*error)));
  give_up(one);
}

void ClusterSimulator::end_transaction(size_t which) {
  Transactor& one = transactors_[which];
  const int64_t transaction = one.transaction;
  const TransactionEnd wanted = one.wanted;
  transactions_[transaction].asked = wanted;
  EndTxnRequest request;
  request.transactional_id = one.id;
  request.producer_id = one.producer;
  request.producer_epoch = one.epoch;
  request.committed = wanted == TransactionEnd::kCommit;
  note(fmt::format("{} is to {} its transaction", one.id, request.committed ? "commit" : "abort"));
  ask<EndTxnResponse>(one.coordinator, kTransactorConnection + which, request, 5, kPatience_ms,
                      [this, which, life = one.life, transaction, wanted](const EndTxnResponse* response) {
                        Transactor& now = transactors_[which];
                        if (failed() || now.life != life) return;
                        const ErrorCode error =
                            response == nullptr ? ErrorCode::kNetworkException : response->error_code;
                        note(fmt::format("{} ends its transaction: {}", now.id, error_name(error)));
                        if (error != ErrorCode::kNone) {
                          now.coordinator = -1;
                          return may_try_again(error) ? transact_later(which) : give_up(now);
                        }
                        SimTransaction& of = transactions_[transaction];
                        of.told = wanted;
                        if (of.is != TransactionEnd::kNone && of.is != wanted && !of.excused) {
                          return fail(fmt::format("the transaction of {} ended otherwise than its producer is told",
                                                  of.numbers.front()));
                        }
                        now.producer = response->producer_id;
                        now.epoch = response->producer_epoch;
                        now.next_sequence.clear();
                        now.transaction = -1;
                        now.wanted = TransactionEnd::kNone;
                        now.asking = false;
                      });
}

// At the end each producer that asked to end a transaction has an answer, or has given up. The coordinator aborts the
// other open transactions.
bool ClusterSimulator::transactors_done() {
  return std::all_of(transactors_.begin(), transactors_.end(),
                     [](const Transactor& one) { return one.wanted == TransactionEnd::kNone && one.queue.empty(); });
}

// --- offsets

void ClusterSimulator::commit_offset() {
  const size_t which = pick(committers_.size());
  if (random_.chance(40)) return fetch_offset(which);
  commit_next(which);
}

void ClusterSimulator::commit_next(size_t which) {
  Committer& one = committers_[which];
  if (one.asking) return;
  one.asking = true;
  if (one.coordinator < 0) {
    return find_coordinator(kOfGroup, one.group, [this, which](int node) {
      committers_[which].coordinator = node;
      committers_[which].asking = false;
    });
  }
  const int64_t offset = ++one.sent;
  one.unanswered.insert(offset);
  OffsetCommitRequest request;
  request.group_id = one.group;
  auto& topic = request.topics.emplace_back();
  topic.name = plan_.topics[0].name;
  auto& partition = topic.partitions.emplace_back();
  partition.committed_offset = offset;
  partition.committed_metadata = ByteView("");
  note(fmt::format("{} commits {}", one.group, offset));
  ask<OffsetCommitResponse>(one.coordinator, kCommitterConnection + which, request, 9, kPatience_ms,
                            [this, which, offset](const OffsetCommitResponse* response) {
                              Committer& now = committers_[which];
                              now.asking = false;
                              const ErrorCode error = response == nullptr
                                                          ? ErrorCode::kNetworkException
                                                          : response->topics.at(0).partitions.at(0).error_code;
                              if (!failed()) note(fmt::format("{} of {}: {}", offset, now.group, error_name(error)));
                              if (error != ErrorCode::kNone) {
                                now.coordinator = -1;
                                return;
                              }
                              now.acked = offset;
                              now.unanswered.erase(offset);
                              commits_++;
                            });
}

void ClusterSimulator::fetch_offset(size_t which) {
  Committer& one = committers_[which];
  if (one.asking) return;
  one.asking = true;
  if (one.coordinator < 0) {
    return find_coordinator(kOfGroup, one.group, [this, which](int node) {
      committers_[which].coordinator = node;
      committers_[which].asking = false;
    });
  }
  OffsetFetchRequest request;
  auto& group = request.groups.emplace_back();
  group.group_id = one.group;
  group.topics.emplace();
  auto& topic = group.topics->emplace_back();
  topic.name = plan_.topics[0].name;
  topic.partition_indexes = {0};
  ask<OffsetFetchResponse>(
      one.coordinator, kCommitterConnection + which, request, 9, kPatience_ms,
      [this, which, floor = one.acked, late = one.unanswered](const OffsetFetchResponse* response) {
        Committer& now = committers_[which];
        now.asking = false;
        const bool whole = response != nullptr && response->groups.size() == 1 &&
                           response->groups[0].error_code == ErrorCode::kNone && response->groups[0].topics.size() == 1;
        if (!whole) {
          now.coordinator = -1;
          return;
        }
        const auto& partition = response->groups[0].topics[0].partitions.at(0);
        if (partition.error_code != ErrorCode::kNone || failed()) return;
        check_offset(now, late, floor, partition.committed_offset);
        now.read = true;
      });
}

// A committed offset does not go back; a commit that was sent and not answered may still come.
void ClusterSimulator::check_offset(const Committer& one, const std::set<int64_t>& late, int64_t floor,
                                    int64_t offset) {
  note(fmt::format("{} is at {}", one.group, offset));
  if (offsets_lost_ || offset >= floor || late.contains(offset)) return;
  // The coordinator's partition has lost what it may lose, and has not said yet how much.
  for (const auto& [id, state] : partitions_) {
    if (holds_offsets(state) && (state.was_reset || state.unsure_from)) return;
  }
  fail(fmt::format("the group {} is at {}, and {} was committed", one.group, offset, floor));
}

bool ClusterSimulator::offsets_read() {
  bool all = true;
  for (size_t which = 0; which < committers_.size(); which++) {
    Committer& one = committers_[which];
    if (one.acked < 0 || one.read) continue;
    all = false;
    fetch_offset(which);
  }
  return all;
}

}  // namespace milena::sim
