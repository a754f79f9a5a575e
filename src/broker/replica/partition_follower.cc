// Partition, as a follower: appends the batches of the leader unchanged. Where the two logs diverge, this one is
// truncated. Source: Kafka's ReplicaFetcherThread, AbstractFetcherThread (truncateOnFetchResponse).
#include <algorithm>

#include "base/out_of_memory.h"
#include "broker/replica/partition.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"
#include "metadata/planted_replication_bugs.h"

namespace milena::broker {

std::optional<Partition::FollowerPosition> Partition::follower_position() {
  if (known_empty_ && log_ == nullptr) return FollowerPosition{};
  FollowerPosition position;
  const ErrorCode failed = with_log([&](log::PartitionLog& log) -> Status {
    // The leader must not hear of what is behind a gap: it counts the replica as having everything below.
    position.log_end = log.gap().value_or(log.log_end_offset());
    position.log_start = log.log_start_offset();
    auto latest = log.gap() ? log.epoch_of(*log.gap() - 1) : log.latest_epoch();
    RETURN_IF_ERROR(latest);
    position.last_epoch = latest->value_or(-1);
    return ok_status();
  });
  if (failed != ErrorCode::kNone) return std::nullopt;
  return position;
}

ErrorCode Partition::append_as_follower(ByteView batches, int64_t leader_high_watermark, int64_t leader_log_start) {
  // An empty log of an empty leader is not opened.
  if (batches.empty() && known_empty_ && log_ == nullptr && leader_log_start <= 0) return ErrorCode::kNone;
  ErrorCode refused = ErrorCode::kNone;
  bool moved_on = false;
  const ErrorCode failed = whole_or_not([&] {
    return with_log([&](log::PartitionLog& log) -> Status {
      if (!batches.empty()) {
        RETURN_IF_ERROR(directory_->check_room());
        auto appended = log.append_as_follower(batches);
        RETURN_IF_ERROR(appended);
        refused = appended->error;
        if (refused != ErrorCode::kNone) return ok_status();
      }
      const int64_t high_watermark = std::min(leader_high_watermark, log.log_end_offset());
      if (high_watermark > log.high_watermark()) {
        log.set_high_watermark(high_watermark);
        moved_on = true;
      }
      if (leader_log_start <= log.log_start_offset() || leader_log_start > log.high_watermark()) return ok_status();
      auto moved = log.delete_records_before(leader_log_start);
      return moved ? ok_status() : Status(moved.error());
    });
  });
  if (failed != ErrorCode::kNone) return failed;
  if (refused != ErrorCode::kNone) return refused;
  if (moved_on) signal_progress();  // consumers may read here, too
  if (!batches.empty()) replicas_.note_append(*this);
  return ErrorCode::kNone;
}

ErrorCode Partition::cut_at_gap() {
  if (log_ == nullptr) return ErrorCode::kNone;
  return whole_or_not([&] { return with_log([](log::PartitionLog& log) { return log.cut_at_gap(); }); });
}

ErrorCode Partition::truncate_to_leader(int32_t epoch, int64_t end_offset) {
  return whole_or_not([&] {
    return with_log([&](log::PartitionLog& log) -> Status {
      if (MILENA_REPLICATION_BUG(kNoTruncation)) return ok_status();
      auto own = log.epoch_end_offset(epoch);
      RETURN_IF_ERROR(own);
      int64_t to = end_offset;
      if (own->has_value() && MILENA_REPLICATION_BUG(kTruncatesToOwnEpochEnd)) {
        to = (**own).end_offset;
      } else if (own->has_value())
        to = std::min(to, (**own).end_offset);
      // Also below the start of this log: after a loss the leader's may end before that.
      if (MILENA_REPLICATION_BUG(kCutNotBelowStart)) to = std::max(to, log.log_start_offset());
      return log.truncate_to(to);
    });
  });
}

ErrorCode Partition::truncate_into_range(int64_t leader_log_start, int64_t leader_log_end) {
  return whole_or_not([&] {
    return with_log([&](log::PartitionLog& log) -> Status {
      RETURN_IF_ERROR(log.cut_at_gap());
      if (leader_log_end < log.log_end_offset()) return log.truncate_to(leader_log_end);
      if (leader_log_start > log.log_end_offset()) return log.truncate_fully_and_start_at(leader_log_start);
      return ok_status();
    });
  });
}

}  // namespace milena::broker
