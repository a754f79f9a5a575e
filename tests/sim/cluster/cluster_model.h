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

// The record at an offset of a log.
struct Entry {
  int64_t number = -1;  // the record's; -1: a marker
  int32_t epoch = -1;
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
  bool unclean = false;  // the topic allows an unclean election
  // Records that were below a high watermark once: they stay so, on every leader.
  LogEntries settled;
  int64_t settled_end() const { return settled.empty() ? 0 : settled.rbegin()->first + 1; }
  std::map<int64_t, int64_t> offset_of;  // of a number
  // From that offset on settled records may be gone: the leader of a later epoch decides.
  std::optional<int64_t> unsure_from;
  int32_t unsure_in_epoch = -1;
  // The leader of each epoch, by the controller's records.
  std::map<int32_t, int32_t> leaders;
  int32_t epoch_seen = -1;
  std::vector<int32_t> members;  // the replicas that may lead next, by the same
  std::vector<int32_t> last_known;  // the last leader, if there is none
  // For each node whose disk lost data: the first missing settled offset.
  std::map<int, int64_t> forgot_from;
  std::set<int64_t> lost;  // settled numbers that were lost for a valid reason
  bool was_reset = false;  // so that followers may still have lost records
  std::map<int64_t, int64_t> last_of_producer;
  int64_t deletable = 0;  // records below may have been deleted
};

struct SentRecord {
  PartitionId partition;
  bool acked = false;
  int64_t producer = -1;  // of an idempotent one
};

}  // namespace milena::sim
