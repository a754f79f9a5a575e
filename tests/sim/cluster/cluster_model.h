// The model of a simulated history of a cluster: the settled records and their offsets, the leader of each epoch, and
// the controller's decisions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "metadata/image.h"

namespace milena::sim {

enum class EntryKind { kPlain, kTransactional, kCommit, kAbort };

// The record at an offset of a log.
struct Entry {
  int64_t number = -1;  // of the record; -1: a marker, or a coordinator's
  int32_t epoch = -1;
  int64_t producer = -1;
  EntryKind kind = EntryKind::kPlain;
  bool operator==(const Entry&) const = default;
};
using LogEntries = std::map<int64_t, Entry>;

// A log on a node's disk, read without the broker. Batches up to the first incomplete one.
struct DiskLog {
  LogEntries entries;
  int64_t end = 0;
};

using PartitionId = std::pair<Uuid, int32_t>;

struct PartitionState {
  std::string name;
  int min_in_sync = 1;
  bool unclean = false;   // the topic allows an unclean election
  bool internal = false;  // a coordinator's
  bool retains = false;   // old records go (retention.ms)
  int64_t retention_ms = -1;
  bool compacts = false;
  // Records that were below a high watermark once: they stay so, on every leader.
  LogEntries settled;
  int64_t settled_end() const { return settled.empty() ? 0 : settled.rbegin()->first + 1; }
  std::map<int64_t, int64_t> offset_of;  // of a number
  // Of each key of a topic that is compacted: where it is last.
  std::map<int64_t, int64_t> last_of_key;
  // Numbers of transactions without a marker yet, by producer.
  std::map<int64_t, std::vector<int64_t>> open;
  // From that offset on, what was settled may be gone: until the leader of a later epoch tells.
  std::optional<int64_t> unsure_from;
  int32_t unsure_in_epoch = -1;
  // Offsets without a record below others that the leader who told has: lost with the power.
  std::set<int64_t> holes;
  // Nodes that led on after an unclean election, and may have what nobody else has.
  std::set<int> deposed;
  // The leader of each epoch, by the controller's records.
  std::map<int32_t, int32_t> leaders;
  int32_t epoch_seen = -1;
  std::vector<int32_t> members;     // who may lead next, by the same
  std::vector<int32_t> last_known;  // who led last, where nobody does
  // Of each node whose disk forgot: the first settled offset that is missing.
  std::map<int, int64_t> forgot_from;
  std::set<int64_t> lost;  // settled numbers that were lost for a valid reason
  bool was_reset = false;  // so that followers may still have lost records
  std::map<int64_t, int64_t> last_of_producer;
  int64_t deletable = 0;  // records below may have been deleted
  // Some below may have been settled and deleted in one turn, so that nobody has seen them settled.
  int64_t unseen_below = 0;
};

// The partition of the coordinators of groups; the other internal one is that of transactions.
inline bool holds_offsets(const PartitionState& state) { return state.name.starts_with("__consumer_offsets"); }

struct SentRecord {
  PartitionId partition;
  bool acked = false;
  int64_t producer = -1;  // of an idempotent one
  int64_t transaction = -1;
  int64_t key = 0;
  int64_t ms = 0;  // its timestamp
};

enum class TransactionEnd { kNone, kCommit, kAbort };

struct SimTransaction {
  TransactionEnd asked = TransactionEnd::kNone;  // by its producer
  TransactionEnd told = TransactionEnd::kNone;   // to its producer
  TransactionEnd is = TransactionEnd::kNone;     // by a marker
  std::vector<int64_t> numbers;
  // Something of it was lost where that may be.
  bool excused = false;
  bool end_lost = false;  // the records of its coordinator were, or its marker
};

}  // namespace milena::sim
