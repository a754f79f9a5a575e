// RecordSender: batches records by partition and sends them, in order, exactly once if the broker has producer ids, and
// in transactions if asked to.
// Blocks its caller.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/records/record_batch_builder.h"
#include "tools/cluster.h"
#include "tools/records/record.h"
#include "tools/records/transactions.h"

namespace milena::tools {

struct SenderOptions {
  int16_t acks = -1;
  Codec codec = Codec::kNone;
  std::optional<int> level;
  size_t batch_bytes = 1 << 20;
  int64_t timeout_ms = 30'000;  // for one batch with all its tries
  bool idempotent = true;
  bool create_topics = true;  // if the broker allows it
  // Not empty: records are sent in transactions, which commit() ends.
  std::string transactional_id;
  int64_t transaction_timeout_ms = 60'000;
};

class RecordSender {
 public:
  RecordSender(Cluster& cluster, SenderOptions options);

  // Adds a record, and sends full batches. `usual_topic` is for records without a topic.
  Status add(const TextRecord& record, const std::string& usual_topic);
  // Sends everything, and waits for the responses.
  Status flush();
  // The same, and ends the transaction.
  Status commit();
  int64_t sent() const { return sent_; }
  int64_t sent_bytes() const { return sent_bytes_; }

 private:
  struct Batch {
    std::unique_ptr<RecordBatchBuilder> builder;
    int32_t next_sequence = 0;
  };
  struct Topic {
    Uuid id;
    int32_t partitions = 0;
    int32_t turn = 0;  // partition of records without a key until the batch is full
    std::map<int32_t, Batch> batches;
  };

  Result<Topic*> topic(const std::string& name);
  Status start_producer_id();
  Status start_transactions();
  void take_producer_id();
  Result<int16_t> produce_version(BrokerClient& leader) const;
  Status send(const std::string& name, Topic& topic, int32_t partition);
  Result<ErrorCode> send_once(const std::string& name, const Topic& topic, int32_t partition, ByteView bytes,
                              std::string& why);

  Cluster& cluster_;
  const SenderOptions options_;
  std::unique_ptr<Transactions> transactions_;  // null without a transactional id
  std::map<std::string, Topic> topics_;
  int64_t producer_id_ = kNoProducerId;
  int16_t producer_epoch_ = kNoProducerEpoch;
  bool asked_for_id_ = false;
  int64_t sent_ = 0;
  int64_t sent_bytes_ = 0;
};

}  // namespace milena::tools
