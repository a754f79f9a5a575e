#include "broker/replica/produce_append.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "metadata/planted_replication_bugs.h"

namespace milena::broker {
namespace {

using OnAppended = std::function<void(std::vector<ProduceItem>)>;

// --- on the owner's shard

// Returns true if the item may be appended now; otherwise it has an error, or a guard for the verification.
bool may_append(Partition& partition, ProduceItem& item) {
  if (!item.transactional || item.verified) return true;
  const TransactionalBatch& batch = *item.transactional;
  log::VerificationStart start =
      partition.start_verification(batch.producer_id, batch.epoch, batch.first_sequence, batch.supports_epoch_bump);
  item.outcome.error = start.error;
  item.guard = start.guard;
  return start.error == ErrorCode::kNone && start.guard == 0;
}

// Appends all, then waits for the items that need replication or a sync.
void append_all(Shard& owner, const std::shared_ptr<std::vector<ProduceItem>>& part, Task done) {
  auto open = std::make_shared<size_t>(1);
  auto finish_one = [open, done = std::move(done)] {
    if (--*open == 0) done();
  };
  for (size_t i = 0; i < part->size(); i++) {
    ProduceItem& item = (*part)[i];
    Partition* partition = owner.replicas().find_partition(item.id);
    if (partition == nullptr) {
      item.outcome.error = ErrorCode::kNotLeaderOrFollower;
      continue;
    }
    if (item.refused != ErrorCode::kNone) {
      item.outcome.error = item.refused;
      item.outcome.log_start_offset = partition->offsets().log_start_offset;
      continue;
    }
    if (item.wait_for_replicas && !partition->enough_in_sync()) {
      item.outcome.error = ErrorCode::kNotEnoughReplicas;
      continue;
    }
    if (!may_append(*partition, item)) continue;
    log::AppendChecks checks =
        MILENA_REPLICATION_BUG(kDuplicatesNotSeen) ? log::AppendOrigin::kCoordinator : log::AppendOrigin::kClient;
    checks.guard = std::exchange(item.guard, 0);
    item.outcome = partition->append_as_leader(item.batches, checks);
    item.batches = Payload();
    if (item.outcome.error != ErrorCode::kNone) continue;
    int64_t end = item.outcome.last_offset + 1;
    if (partition->is_settled(end, item.wait_for_replicas)) continue;
    ++*open;
    partition->when_settled(end, item.wait_for_replicas, item.deadline_ms, [part, i, finish_one](ErrorCode error) {
      (*part)[i].outcome.error = error;
      finish_one();
    });
  }
  finish_one();
}

// --- verification, on the connection's shard

// The items between two visits to their owners.
struct Verification {
  Shard* from = nullptr;
  ProducedBy by;
  std::vector<ProduceItem> items;
  OnAppended done;
  int64_t deadline_ms = 0;

  bool adds() const { return by.support == TransactionSupport::kAddPartition; }
};
using VerificationPtr = std::shared_ptr<Verification>;

// Maps a coordinator's error to one for a producer. Temporary errors become one that old clients retry.
void refuse_unverified(ErrorCode error, bool supports_epoch_bump, ProduceItem& item) {
  item.outcome.error = error;
  switch (error) {
    case ErrorCode::kInvalidTxnState: item.error_message = "Partition was not added to the transaction"; return;
    case ErrorCode::kConcurrentTransactions:
      if (supports_epoch_bump) return;
      [[fallthrough]];
    case ErrorCode::kNetworkException:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kNotCoordinator:
      item.outcome.error = ErrorCode::kNotEnoughReplicas;
      item.error_message = fmt::format(
          "Unable to verify the partition has been added to the transaction. Underlying error: {}", error_name(error));
      return;
    default: return;
  }
}

void append_verified(const VerificationPtr& work, const std::vector<size_t>& places) {
  std::vector<ProduceItem> verified;
  for (size_t place : places) verified.push_back(std::move(work->items[place]));
  Shard& from = *work->from;
  from.router().scatter<ProduceItem>(from, std::move(verified), append_all,
                                     [work, places](std::vector<ProduceItem> done) {
                                       for (size_t i = 0; i < done.size(); i++) {
                                         work->items[places[i]] = std::move(done[i]);
                                       }
                                       work->done(std::move(work->items));
                                     });
}

void verify(const VerificationPtr& work);

// The coordinator's codes belong to the items with a guard, in their order. Verified items are appended now.
void on_verified(const VerificationPtr& work, const std::vector<ErrorCode>& errors) {
  Shard& from = *work->from;
  bool concurrent = std::find(errors.begin(), errors.end(), ErrorCode::kConcurrentTransactions) != errors.end();
  // The end of the producer's previous transaction is awaited here, not by the client.
  int64_t retry_ms = from.steady_ms() + from.settings().get_long("add.partitions.to.txn.retry.backoff.ms");
  if (concurrent && work->adds() && retry_ms <= work->deadline_ms) {
    from.executor().call_at(retry_ms, [work] { verify(work); });
    return;
  }
  std::vector<size_t> places;
  size_t next = 0;
  for (size_t i = 0; i < work->items.size(); i++) {
    ProduceItem& item = work->items[i];
    if (item.guard == 0) continue;
    ErrorCode error = errors.at(next++);
    if (error != ErrorCode::kNone) {
      refuse_unverified(error, work->adds(), item);
      continue;
    }
    item.verified = true;
    places.push_back(i);
  }
  if (places.empty()) return work->done(std::move(work->items));
  append_verified(work, places);
}

void verify(const VerificationPtr& work) {
  std::vector<TopicPartition> partitions;
  for (const ProduceItem& item : work->items) {
    if (item.guard == 0) continue;
    const metadata::TopicImage* topic = work->from->image().find_topic(item.id.topic_id);
    partitions.push_back({topic == nullptr ? std::string() : std::string(topic->name), item.id.partition});
  }
  verify_in_transaction(*work->from, work->by.producer, work->by.support, std::move(partitions),
                        [work](std::vector<ErrorCode> errors) { on_verified(work, errors); });
}

}  // namespace

void append_produced(Shard& from, ProducedBy by, std::vector<ProduceItem> items, OnAppended done) {
  auto on_visited = [&from, by = std::move(by), done = std::move(done)](std::vector<ProduceItem> visited) {
    bool unverified =
        std::any_of(visited.begin(), visited.end(), [](const ProduceItem& item) { return item.guard != 0; });
    if (!unverified) return done(std::move(visited));
    int64_t wait_ms = from.settings().get_long("add.partitions.to.txn.retry.backoff.max.ms");
    verify(std::make_shared<Verification>(
        Verification{&from, by, std::move(visited), done, from.steady_ms() + wait_ms}));
  };
  from.router().scatter<ProduceItem>(from, std::move(items), append_all, std::move(on_visited));
}

}  // namespace milena::broker
