// TransactionRuntime: hosts the transaction coordinators (coordinator/transaction/transaction_shard.h) of the
// __transaction_state partitions that this shard owns. coordinator_runtime.h has the common part; this adds the part of
// transactions: it sends markers to the leaders of their partitions, and gets producer ids from the controller.
#pragma once

#include "broker/coordinators/coordinator_runtime.h"
#include "coordinator/transaction/transaction_shard.h"
#include "metadata/internal_topics.h"

namespace milena::broker {

class TransactionRuntime;

struct TransactionKind {
  using State = coordinator::TransactionShard;
  using Effects = coordinator::TransactionEffects;
  using Answer = coordinator::TransactionAnswer;
  using Response = coordinator::TransactionResponse;
  static constexpr ByteView kTopic = metadata::kTransactionStateTopic;
  // Kafka waits for as long as a transaction may last, but clients have given up by then.
  static constexpr ByteView kAppendTimeoutSetting = "request.timeout.ms";
  static CoordinatorRuntime<TransactionKind>& runtime_of(Shard& shard);
};

extern template class CoordinatorRuntime<TransactionKind>;

class TransactionRuntime final : public CoordinatorRuntime<TransactionKind> {
 public:
  explicit TransactionRuntime(Shard& shard);

  // The shard's image changed: closes the coordinators of removed partitions, and updates the transaction version and
  // the epochs of the partitions.
  void on_metadata(const metadata::ImageDelta& delta);

 private:
  std::unique_ptr<coordinator::TransactionShard> make_state(const TopicPartitionId& id) override;
  // As for acks=all: a decision that cannot be replicated is refused (Kafka's TransactionLog.ENFORCED_REQUIRED_ACKS).
  bool asks_in_sync() const override { return true; }
  bool has_more(const coordinator::TransactionEffects& effects) const override;
  void perform(const HostId& host, coordinator::TransactionEffects& effects) override;
  // Passes the metadata about its partition and its protocol to the coordinator.
  void adjust(const TopicPartitionId& id, coordinator::TransactionShard& state);
  void send_markers(const HostId& host, coordinator::TransactionMarkers markers);

  coordinator::TransactionConfig config_;
};

}  // namespace milena::broker
