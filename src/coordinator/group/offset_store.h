// OffsetStore: the committed offsets of the groups of one __consumer_offsets partition. Hard state: changed only while
// a record is applied, by GroupShard::apply and apply_marker. It does not know the groups themselves.
//
// Offsets committed in a transaction are pending under their producer id until its marker (KIP-447; Kafka's
// OffsetMetadataManager). Between a transactional and an ordinary commit the later record in the log wins.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/uuid.h"

namespace milena::coordinator {

struct CommittedOffset {
  int64_t offset = -1;
  int32_t leader_epoch = -1;
  Bytes metadata;
  int64_t commit_timestamp_ms = -1;
  int64_t expire_timestamp_ms = -1;  // -1: by the server's retention
  Uuid topic_id;                     // zero: unknown at the commit
  int64_t record_offset = -1;        // its record in the log
};

class OffsetStore {
 public:
  using Partitions = std::map<int32_t, CommittedOffset>;
  using Topics = std::map<Bytes, Partitions, std::less<>>;
  using Groups = std::map<Bytes, Topics, std::less<>>;

  void put(ByteView group, ByteView topic, int32_t partition, CommittedOffset offset);
  void put_pending(int64_t producer_id, ByteView group, ByteView topic, int32_t partition, CommittedOffset offset);
  // For a tombstone: removes the offset, and pending ones of transactions.
  void remove(ByteView group, ByteView topic, int32_t partition);
  // The transaction of this producer ended.
  void end_transaction(int64_t producer_id, bool committed);

  const CommittedOffset* find(ByteView group, ByteView topic, int32_t partition) const;
  // Null if the group has no offsets.
  const Topics* find_group(ByteView group) const;
  const Groups& groups() const { return groups_; }
  const std::map<int64_t, Groups>& pending() const { return pending_; }

  // Called for each partition of a fetch, a deletion or an expiry, so fast with any number of open transactions.
  bool has_pending(ByteView group, ByteView topic, int32_t partition) const;
  bool has_pending(ByteView group) const;

  bool empty() const { return groups_.empty() && pending_.empty(); }

 private:
  // The producers with a pending offset for a partition (Kafka: OffsetMetadataManager.OpenTransactions).
  using Producers = std::set<int64_t>;
  using PendingGroups = std::map<Bytes, std::map<Bytes, std::map<int32_t, Producers>, std::less<>>, std::less<>>;

  Groups groups_;
  std::map<int64_t, Groups> pending_;  // by producer id
  PendingGroups pending_producers_;    // the inverse
};

}  // namespace milena::coordinator
