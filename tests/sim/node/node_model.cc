#include "sim/node/node_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace milena::sim {
namespace {

// The checkpoints are written some seconds after a change.
constexpr int64_t kCheckpointed_ms = 12'000;

bool is_open(const Record& record) {
  return record.transaction && record.transaction->outcome != Outcome::kCommitted &&
         record.transaction->outcome != Outcome::kAborted;
}
bool is_aborted(const Record& record) {
  return record.transaction && record.transaction->outcome == Outcome::kAborted;
}
bool is_committed(const Record& record) {
  return !record.transaction || record.transaction->outcome == Outcome::kCommitted;
}

class Judge {
 public:
  Judge(TopicModel& topic, size_t partition, const Scan& scan, bool restarted, int64_t now_ms)
      : topic_(topic),
        model_(topic.partitions[partition]),
        scan_(scan),
        restarted_(restarted),
        now_ms_(now_ms) {
    for (const Found& one : scan_.found) by_number_.emplace(one.number, &one);
  }

  std::string run() {
    // For a deletion up to the end whose response was lost.
    if (restarted_ && model_.deletable_up_to == INT64_MAX) model_.deletable_up_to = scan_.log_start;
    check_bounds();
    check_found();
    settle_transactions();
    settle_fates();
    if (model_.rotten) return fault_;
    check_kept();
    if (topic_.was_compacted)
      check_compacted();
    else if (!topic_.lost_power)
      check_no_gaps();
    check_committed();
    return fault_;
  }

 private:
  template <class... Args>
  void expect(bool holds, fmt::format_string<Args...> format, Args&&... args) {
    if (!holds && fault_.empty()) fault_ = fmt::format(format, std::forward<Args>(args)...);
  }

  void check_bounds() {
    int64_t least = model_.start_promised;
    for (const PartitionModel::Start& start : model_.starts) least = std::max(least, start.offset);
    // After a loss of power nothing is left of a log that was never synced, including its directory.
    const bool may_be_gone = std::exchange(model_.lost_power, false) &&
                             std::none_of(model_.records.begin(), model_.records.end(),
                                          [](const auto& one) { return one.second.promised; });
    if (may_be_gone && scan_.log_start < least) {
      model_.starts.clear();
      least = model_.start_promised = scan_.log_start;
    }
    expect(scan_.log_start >= least, "the log starts at {}, it started at {} before", scan_.log_start, least);
    expect(scan_.last_stable <= scan_.high_watermark, "last stable offset {} is beyond the high watermark {}",
           scan_.last_stable, scan_.high_watermark);
    if (scan_.log_start > least) model_.starts.push_back({scan_.log_start, now_ms_});
  }

  void check_found() {
    int64_t last = -1;
    std::set<int64_t> seen;
    for (const Found& one : scan_.found) {
      expect(one.offset > last, "offset {} follows offset {}", one.offset, last);
      last = one.offset;
      expect(seen.insert(one.number).second, "record {} is there twice, again at {}", one.number, one.offset);
      auto known = model_.records.find(one.number);
      if (known == model_.records.end()) {
        expect(false, "record {} at {} is of another topic or partition", one.number, one.offset);
        continue;
      }
      Record& record = known->second;
      // Records that recovery removed behind rotten bytes may be sent again, and get other offsets.
      expect(record.fate != Fate::kNever || model_.rotten, "record {} at {} came back, or was refused", one.number,
             one.offset);
      expect(record.offset < 0 || record.offset == one.offset || record.fate == Fate::kUnsure || model_.rotten,
             "record {} was at {} and is at {}", one.number, record.offset, one.offset);
      expect(record.key == one.key && record.tombstone == one.tombstone, "record {} is not what was written",
             one.number);
      record.offset = one.offset;
    }
  }

  // A commit whose response was lost: visible to all readers, or to none.
  void settle_transactions() {
    if (scan_.last_stable < scan_.high_watermark) return;
    for (auto& [number, record] : model_.records) {
      if (!record.transaction || !is_open(record) || !restarted_) continue;
      if (record.transaction->outcome != Outcome::kCommitAsked) continue;
      if (by_number_.contains(number)) {
        record.transaction->outcome =
            scan_.committed.contains(number) ? Outcome::kCommitted : Outcome::kAborted;
      }
    }
  }

  void settle_fates() {
    for (auto& [number, record] : model_.records) {
      if (record.fate != Fate::kUnsure) continue;
      if (by_number_.contains(number))
        record.fate = Fate::kAcked;
      else if (restarted_)
        record.fate = Fate::kNever;
    }
  }

  void check_kept() {
    int64_t last_acked = -1;
    for (const auto& [number, record] : model_.records) {
      if (record.fate != Fate::kAcked || record.offset < 0) continue;
      last_acked = std::max(last_acked, record.offset);
      if (by_number_.contains(number)) continue;
      if (record.offset < scan_.log_start) {
        // The records that compaction left in a segment may be older than those it removed.
        const bool compacted = topic_.was_compacted && may_be_compacted(record);
        expect(record.may_expire || record.offset < model_.deletable_up_to || compacted,
               "the log starts at {}, but nobody may have removed record {} at {}", scan_.log_start, number,
               record.offset);
        continue;
      }
      expect(topic_.was_compacted && may_be_compacted(record),
             "record {} at {} is lost (the log is {} to {})", number, record.offset, scan_.log_start,
             scan_.high_watermark);
    }
    expect(last_acked < scan_.high_watermark, "the log ends at {}, but {} was acknowledged",
           scan_.high_watermark, last_acked);
  }

  bool may_be_compacted(const Record& record) const {
    // The coordinator aborts transactions that are open for too long.
    if (record.tombstone || is_aborted(record) || is_open(record)) return true;
    return std::any_of(model_.records.begin(), model_.records.end(), [&](const auto& one) {
      const Record& other = one.second;
      if (other.doubtful && other.fate != Fate::kAcked)
        return other.key == record.key && other.number > record.number;
      return other.key == record.key && other.offset > record.offset && other.fate == Fate::kAcked &&
             (is_committed(other) || (is_open(other) && other.transaction->commit_was_asked));
    });
  }

  // All older records with the key of a compacted record are gone, too.
  void check_compacted() {
    std::map<std::string, int64_t> gone;
    for (const auto& [number, record] : model_.records) {
      if (record.fate != Fate::kAcked || !is_committed(record) || record.offset < scan_.log_start) continue;
      if (by_number_.contains(number)) continue;
      int64_t& greatest = gone[record.key];
      greatest = std::max(greatest, record.offset);
    }
    for (const Found& one : scan_.found) {
      auto known = model_.records.find(one.number);
      if (known == model_.records.end() || !is_committed(known->second)) continue;
      auto greatest = gone.find(one.key);
      expect(greatest == gone.end() || one.offset > greatest->second,
             "key {}: record {} at {} is there, the one at {} that took its place is not", one.key,
             one.number, one.offset, greatest == gone.end() ? -1 : greatest->second);
    }
  }

  void check_no_gaps() { expect(!scan_.gaps, "{}", scan_.gap); }

  void check_committed() {
    for (const Found& one : scan_.found) {
      auto known = model_.records.find(one.number);
      if (known == model_.records.end()) continue;
      const Record& record = known->second;
      const bool seen = scan_.committed.contains(one.number);
      if (!record.transaction) {
        expect(seen || one.offset >= scan_.last_stable,
               "record {} at {} is not shown to readers of committed records", one.number, one.offset);
        continue;
      }
      const std::string name = fmt::format("record {} at {} of transaction {}", one.number, one.offset,
                                           record.transaction->number);
      switch (record.transaction->outcome) {
        case Outcome::kCommitted:
          expect(seen || one.offset >= scan_.last_stable, "{} is not shown, though it is committed", name);
          break;
        case Outcome::kAborted:
          expect(!seen, "{} is shown, though it is aborted", name);
          break;
        case Outcome::kCommitAsked:
          break;
        default:
          expect(!seen, "{} is shown, though it is open", name);
          break;
      }
    }
  }

  TopicModel& topic_;
  PartitionModel& model_;
  const Scan& scan_;
  const bool restarted_;
  const int64_t now_ms_;
  std::map<int64_t, const Found*> by_number_;
  std::string fault_;
};

}  // namespace

bool TopicModel::may_be(const std::string& setting,
                        const std::function<bool(const std::string&)>& test) const {
  auto known = config.find(setting);
  return known != config.end() && std::any_of(known->second.begin(), known->second.end(), test);
}

bool TopicModel::must_be(const std::string& setting, const std::string& value) const {
  auto known = config.find(setting);
  return known != config.end() && known->second == Possible{value};
}

void mark_expired(TopicModel& topic, int64_t wall_ms) {
  const bool deletes = topic.may_be(
      "cleanup.policy", [](const std::string& policy) { return policy.find("delete") != std::string::npos; });
  if (!deletes) return;
  int64_t shortest_ms = -1;
  for (const std::string& text : topic.config["retention.ms"]) {
    int64_t ms = std::stoll(text);
    if (ms >= 0) shortest_ms = shortest_ms < 0 ? ms : std::min(shortest_ms, ms);
  }
  const bool by_size = topic.may_be("retention.bytes", [](const std::string& text) { return text != "-1"; });
  for (PartitionModel& partition : topic.partitions) {
    for (auto& [number, record] : partition.records) {
      record.may_expire |= by_size || (shortest_ms >= 0 && wall_ms - record.timestamp > shortest_ms);
    }
  }
}

void forget_late_starts(TopicModel& topic, int64_t now_ms) {
  for (PartitionModel& partition : topic.partitions) {
    for (const PartitionModel::Start& start : std::exchange(partition.starts, {})) {
      if (start.since_ms > now_ms - kCheckpointed_ms) continue;
      partition.start_promised = std::max(partition.start_promised, start.offset);
    }
  }
}

void excuse_moves(PartitionModel& partition) {
  partition.moves_to.clear();
  partition.moves_asked++;
}

void mark_power_lost(TopicModel& topic) {
  topic.lost_power = true;
  for (PartitionModel& partition : topic.partitions) {
    partition.lost_power = true;
    for (auto& [number, record] : partition.records) {
      if (record.fate == Fate::kAcked && !record.promised) record.fate = Fate::kUnsure;
    }
  }
}

std::string judge(TopicModel& topic, size_t partition, const Scan& scan, bool restarted, int64_t now_ms) {
  std::string fault = Judge(topic, partition, scan, restarted, now_ms).run();
  return fault.empty() ? fault : fmt::format("{}-{}: {}", topic.name, partition, fault);
}

}  // namespace milena::sim
