// TransactionRuntime: hosts the transaction coordinators (coordinator/transaction/transaction_shard.h) of the
// __transaction_state partitions that this shard owns. What it does is in coordinator_runtime.h; here is what
// transactions add: markers are sent to the leaders of their partitions, and producer ids are fetched from the
// controller.
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
  // Kafka waits as long as a transaction may last; a client has given up by then.
  static constexpr ByteView kAppendTimeoutSetting = "request.timeout.ms";
  static CoordinatorRuntime<TransactionKind>& runtime_of(Shard& shard);
};

extern template class CoordinatorRuntime<TransactionKind>;

class TransactionRuntime final : public CoordinatorRuntime<TransactionKind> {
 public:
  explicit TransactionRuntime(Shard& shard);

  // The shard's image changed: coordinators of partitions that are gone are closed; the version of transactions, and
  // the epochs of their partitions, may be other ones.
  void on_metadata(const metadata::ImageDelta& delta);

 private:
  std::unique_ptr<coordinator::TransactionShard> make_state(const TopicPartitionId& id) override;
  // As for acks=all: a decision that cannot be replicated is none (Kafka's TransactionLog.ENFORCED_REQUIRED_ACKS).
  bool asks_in_sync() const override { return true; }
  bool has_more(const coordinator::TransactionEffects& effects) const override;
  void perform(const HostId& host, coordinator::TransactionEffects& effects) override;
  // Tells the coordinator what the metadata says about its partition and its protocol.
  void adjust(const TopicPartitionId& id, coordinator::TransactionShard& state);
  void send_markers(const HostId& host, coordinator::TransactionMarkers markers);

  coordinator::TransactionConfig config_;
};

}  // namespace milena::broker
