// Consumers: they read on from their positions, from leaders and followers; some read committed records only.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "protocol/messages/fetch.h"
#include "sim/cluster/cluster_simulator.h"
#include "sim/cluster/disk_log.h"

namespace milena::sim {
namespace {

constexpr int16_t kFetchById = 16;
constexpr int64_t kPatience_ms = 8000;
constexpr size_t kFirstConnection = 20;

// As consumers do it: of the batches of an aborted transaction nothing is seen, from the first of them to its marker.
class Aborted {
 public:
  explicit Aborted(const FetchResponse::PartitionData& data) {
    for (const auto& one : data.aborted_transactions.value_or(std::vector<FetchResponse::AbortedTransaction>())) {
      left_.emplace(one.first_offset, one.producer_id);
    }
  }
  bool hides(const RecordBatchView& batch, const Entry& first) {
    const BatchHeader& header = batch.header();
    while (!left_.empty() && left_.begin()->first <= header.last_offset()) {
      open_.insert(left_.begin()->second);
      left_.erase(left_.begin());
    }
    if (first.kind == EntryKind::kAbort) open_.erase(header.producer_id);
    return first.kind == EntryKind::kTransactional && open_.contains(header.producer_id);
  }

 private:
  std::multimap<int64_t, int64_t> left_;
  std::set<int64_t> open_;
};

}  // namespace

void ClusterSimulator::consume() {
  const auto id = a_partition();
  if (id) fetch(pick(consumers_.size()), *id);
}

void ClusterSimulator::fetch(size_t which, const PartitionId& id) {
  Consumer& consumer = consumers_[which];
  const metadata::PartitionImage* image = image_of(id);
  if (failed() || image == nullptr || (over_ && image->leader < 0) || !consumer.asking.insert(id).second) return;
  const int64_t from = consumer.position[id];
  // Sometimes whoever else has a replica; at the end what the leader says counts.
  const int to = over_ ? image->leader : leader_to_ask(id);
  FetchRequest request;
  request.replica_id = -1;
  request.max_wait_ms = over_ ? 0 : static_cast<int32_t>(pick(2) * 300);
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  request.isolation_level = consumer.committed ? 1 : 0;
  auto& topic = request.topics.emplace_back();
  topic.topic_id = id.first;
  auto& at = topic.partitions.emplace_back();
  at.partition = id.second;
  at.fetch_offset = from;
  at.partition_max_bytes = random_.chance(30) ? 200 : 1 << 20;
  ask<FetchResponse>(to, kFirstConnection + which, request, kFetchById, kPatience_ms,
                     [this, which, id, from, to](const FetchResponse* response) {
                       consumers_[which].asking.erase(id);
                       if (failed() || response == nullptr || response->responses.empty()) return;
                       on_fetched(which, id, from, to, response->responses.at(0).partitions.at(0));
                     });
}

void ClusterSimulator::on_fetched(size_t which, const PartitionId& id, int64_t from, int by,
                                  const FetchResponse::PartitionData& data) {
  const auto found = partitions_.find(id);
  if (found == partitions_.end()) return;
  PartitionState& state = found->second;
  Consumer& consumer = consumers_[which];
  if (data.error_code == ErrorCode::kOffsetOutOfRange) {
    // Deleted records are gone, and after a loss the log is shorter. A follower may not be so far yet.
    const bool known = !state.was_reset && !state.unsure_from && from >= state.deletable;
    const View& view = views_[{by, id}];
    if (known && view.leads && view.epoch == state.epoch_seen) {
      return fail(fmt::format("{}: a consumer at {} is out of range, says leader {}", state.name, from, by));
    }
    consumer.position[id] = std::clamp(from, state.deletable, std::max(state.deletable, state.settled_end()));
    return;
  }
  if (data.error_code != ErrorCode::kNone || !data.records || data.records->empty()) return;
  auto bytes = data.records->flatten();
  CHECK(bytes.ok(), "an answer's records cannot be read");
  int64_t next = from;
  Aborted aborted(data);
  BatchIterator batches(*bytes);
  while (batches.next() && !failed()) {
    const RecordBatchView& batch = batches.batch();
    if (!batch.crc_ok()) return fail(fmt::format("{}: a consumer was given a damaged batch", state.name));
    const LogEntries entries = entries_of(batch);
    const bool hidden = !entries.empty() && aborted.hides(batch, entries.begin()->second) && consumer.committed;
    for (const auto& [offset, entry] : entries) {
      if (offset < next) continue;
      check_gap(state, next, offset);
      next = offset + 1;
      check_given(consumer, state, offset, entry, hidden);
      if (failed()) return;
    }
    const int64_t end = batch.header().next_offset();
    if (end > next) check_gap(state, next, end);
    next = std::max(next, end);
  }
  if (consumer.position[id] == from) consumer.position[id] = next;
}

// Between two records that a consumer was given lies nothing but what may be gone.
void ClusterSimulator::check_gap(PartitionState& state, int64_t from, int64_t to) {
  if (state.was_reset || state.unsure_from) return;
  for (auto at = state.settled.lower_bound(from); at != state.settled.end() && at->first < to; ++at) {
    if (may_be_gone(state, at->first, at->second)) continue;
    return fail(fmt::format("{}: a consumer was given what is behind {}, and not {} at {}", state.name, to - 1,
                            at->second.number, at->first));
  }
}

void ClusterSimulator::check_given(Consumer& consumer, PartitionState& state, int64_t offset, const Entry& entry,
                                   bool hidden) {
  const auto known = state.settled.find(offset);
  const bool same = known != state.settled.end() && known->second == entry;
  // Where records were lost for a reason, an answer on its way, or a leader of before, may still have them. Records
  // below the log's start may have been deleted before this look.
  const bool excused = state.was_reset || (state.unsure_from && offset >= *state.unsure_from) ||
                       (state.unclean && !state.leaders.empty()) || offset < state.deletable;
  if (!same && !excused) {
    return fail(fmt::format("{}: a consumer was given {} of epoch {} at {}, which was below no high watermark",
                            state.name, entry.number, entry.epoch, offset));
  }
  given_++;
  if (!consumer.committed || hidden || entry.number < 0 || entry.kind != EntryKind::kTransactional) return;
  const auto transaction = transactions_.find(sent_[entry.number].transaction);
  if (transaction == transactions_.end()) return;
  const SimTransaction& of = transaction->second;
  if (of.asked != TransactionEnd::kCommit && !of.excused) {
    return fail(fmt::format("{}: a consumer of what is committed was given {}, whose transaction nobody committed",
                            state.name, entry.number));
  }
}

// Everything, from the first record on, as a new consumer reads it.
void ClusterSimulator::read_all() {
  for (const bool committed : {false, true}) {
    Consumer& reader = consumers_.emplace_back();
    reader.committed = committed;
    for (const auto& [id, state] : partitions_) {
      if (!state.internal) reader.position[id] = state.deletable;
    }
  }
  const bool read = pass_until(
      [this] {
        bool all = true;
        for (size_t which = 0; which < consumers_.size(); which++) {
          for (const auto& [id, state] : partitions_) {
            // A transaction that nobody ends any more (only_lost_ones_are_open()) ends what is committed.
            const int64_t stable = consumers_[which].committed ? last_stable_offset(id).value_or(0) : INT64_MAX;
            const int64_t end = std::min(stable, state.settled_end());
            // Below it may be no record any more: compacted away, or lost with the power.
            const auto next = state.settled.lower_bound(consumers_[which].position[id]);
            if (state.internal || next == state.settled.end() || next->first >= end) continue;
            all = false;
            fetch(which, id);
          }
        }
        return all;
      },
      60'000);
  if (!failed() && !read) fail("consumers do not come to the end");
}

}  // namespace milena::sim
