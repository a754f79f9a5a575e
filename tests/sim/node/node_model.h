// The model of the records that a simulated history wrote: which of them must be there, which may, and which must not.
//
// Every record carries a number in a header, so that it can be recognized anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/uuid.h"

namespace milena::sim {

enum class Fate {
  kAsked,   // not answered yet
  kAcked,   // it must be there
  kUnsure,  // the response was lost, or does not count any more: the next scan of a restarted node decides
  kNever,   // refused, or seen to be gone: it must not be there
};

enum class Outcome { kOpen, kCommitAsked, kAbortAsked, kCommitted, kAborted };

struct Transaction {
  int number = 0;
  Outcome outcome = Outcome::kOpen;
  bool commit_was_asked = false;
};
using TransactionPtr = std::shared_ptr<Transaction>;

struct Record {
  int64_t number = 0;
  std::string key;
  bool tombstone = false;
  int64_t timestamp = 0;
  Fate fate = Fate::kAsked;
  int64_t offset = -1;      // -1: not known
  bool doubtful = false;    // its response was lost once: it may have been there and gone
  bool promised = false;    // survives a power failure
  bool may_expire = false;  // retention could have removed it
  TransactionPtr transaction;
};

// One record that was read.
struct Found {
  int64_t offset = -1;
  int64_t number = -1;
  std::string key;
  bool tombstone = false;
};

struct Scan {
  int64_t log_start = -1;
  int64_t high_watermark = -1;
  int64_t last_stable = -1;
  int64_t first_batch = -1;  // base offset of the first batch
  bool gaps = false;
  std::string gap;
  std::vector<Found> found;
  std::set<int64_t> committed;  // the numbers visible to read_committed consumers
};

// The possible values of a setting: several while it is unknown whether a change was made.
using Possible = std::set<std::string>;

struct PartitionModel {
  std::map<int64_t, Record> records;  // by number
  int64_t deletable_up_to = 0;        // a deletion up to it was requested
  bool deleting = false;              // a response is pending
  // Acknowledged log start offsets, and when; old enough ones are on the disk.
  struct Start {
    int64_t offset = 0;
    int64_t since_ms = 0;
  };
  std::vector<Start> starts;
  int64_t start_promised = 0;
  int64_t end_seen = 0;
  int32_t epoch_seen = -1;
  bool lost_power = false;  // since it was read last
  bool rotten = false;   // somebody changed bytes on the disk
  // The directory that was asked for last, and that nothing has spoken against since; empty: none.
  std::string moves_to;
  size_t moves_asked = 0;
  size_t moves_open = 0;  // of them, without an answer yet
};

struct TopicModel {
  std::string name;
  Uuid id;
  bool deleted = false;
  bool delete_asked = false;
  std::map<std::string, Possible> config;
  bool was_compacted = false;  // it may have been at any time
  bool lost_power = false;     // unsynced files may have lost more than those behind them
  std::vector<PartitionModel> partitions;

  bool may_be(const std::string& setting, const std::function<bool(const std::string&)>& test) const;
  bool must_be(const std::string& setting, const std::string& value) const;
};
using TopicPtr = std::shared_ptr<TopicModel>;

// Marks the records that retention may remove from now on.
void mark_expired(TopicModel& topic, int64_t wall_ms);
// The process died: only acknowledged log start offsets that had time to get into a checkpoint count.
void forget_late_starts(TopicModel& topic, int64_t now_ms);
// Something happened that a move may fail by.
void excuse_moves(PartitionModel& partition);
// The machine lost power: what was not promised may be gone.
void mark_power_lost(TopicModel& topic);

// The fault in the records that were read; empty if there is none. `restarted`: records that are missing now will never
// be there. Settles unsure fates.
std::string judge(TopicModel& topic, size_t partition, const Scan& scan, bool restarted, int64_t now_ms);

}  // namespace milena::sim
