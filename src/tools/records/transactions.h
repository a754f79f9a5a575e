// Transactions: the transactions of one producer, one after the other. With transaction.version 2 the partitions of a
// transaction are added by the batches themselves (KIP-890), and its end raises the producer's epoch; before that, each
// partition is added by a request. Blocks its caller.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "tools/cluster.h"

namespace milena::tools {

class Transactions {
 public:
  // `open_ms`: the broker aborts a transaction that is open for longer (transaction.timeout.ms). `patience_ms` is for
  // one request with all its tries.
  Transactions(Cluster& cluster, std::string id, int64_t open_ms, int64_t patience_ms)
      : cluster_(cluster), id_(std::move(id)), open_ms_(open_ms), patience_ms_(patience_ms) {}

  // Gets a producer id. A transaction of an earlier producer with this id is aborted.
  Status start();
  // A batch for the partition follows.
  Status add(const std::string& topic, int32_t partition);
  // All batches are acknowledged. Without any, nothing is done.
  Status commit();

  const std::string& id() const { return id_; }
  int64_t producer_id() const { return producer_id_; }
  int16_t producer_epoch() const { return producer_epoch_; }
  // Most version of Produce that fits.
  int16_t produce_version() const;

 private:
  // Asks the coordinator until the answer has no passing error. `code_of` returns the answer's error.
  template <class Response, class Request, class CodeOf>
  Result<Response> ask(const Request& request, int16_t newest, CodeOf code_of);
  Status learn_level();

  Cluster& cluster_;
  const std::string id_;
  const int64_t open_ms_;
  const int64_t patience_ms_;
  bool by_batches_ = false;  // transaction.version is 2 or more
  int64_t producer_id_ = -1;
  int16_t producer_epoch_ = -1;
  std::set<std::pair<std::string, int32_t>> partitions_;  // of the open transaction
};

}  // namespace milena::tools
