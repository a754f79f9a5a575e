// GroupOffsets: expired offsets (offsets.retention.minutes), and groups without anything left.
#include "base/log.h"
#include "base/saturating.h"
#include "coordinator/group/group_offsets.h"

namespace milena::coordinator {
namespace {

// The tombstones of one check, so that they fit into a batch; the next check follows at once.
constexpr size_t kMaxExpiredAtOnce = 2'000;

// Clients may send any time; overflows wrap, as in Java.
int64_t wrapping_difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

}  // namespace

void GroupOffsets::start_expiry(Now now) {
  next_expiry_ms_ = add_saturating(now.steady_ms, space_.config.offsets_retention_check_ms);
}

void GroupOffsets::postpone_expiry(Now now) {
  next_expiry_ms_ =
      std::max(next_expiry_ms_, add_saturating(now.steady_ms, space_.config.offsets_retention_check_ms));
}

bool GroupOffsets::expire_offsets(Turn& turn, const Group& group) const {
  const OffsetStore::Topics* stored = store_.find_group(group.id());
  const bool pending = store_.has_pending(group.id());
  if (stored == nullptr) return !pending;
  const std::optional<OffsetRetention> retention = group.offset_retention();
  if (!retention) return false;
  bool all_gone = true;
  for (const auto& [topic, partitions] : *stored) {
    const bool wanted = group.is_subscribed_to(topic);
    for (const auto& [partition, offset] : partitions) {
      if (turn.effects.records.size() >= kMaxExpiredAtOnce) return false;
      const int64_t since_ms = retention->since_ms.value_or(offset.commit_timestamp_ms);
      const int64_t age_ms = wrapping_difference(turn.now.wall_ms, since_ms);
      const bool old = offset.expire_timestamp_ms != -1 ? turn.now.wall_ms >= offset.expire_timestamp_ms
                                                        : age_ms >= space_.config.offsets_retention_ms;
      if (old && !wanted && !store_.has_pending(group.id(), topic, partition)) {
        turn.write(make_offset_tombstone(group.id(), topic, partition));
      } else {
        all_gone = false;
      }
    }
  }
  return all_gone && !pending;
}

void GroupOffsets::expire(Turn& turn) {
  start_expiry(turn.now);
  for (const auto& [id, group] : space_.groups.all()) {
    if (turn.effects.records.size() >= kMaxExpiredAtOnce) break;
    if (!expire_offsets(turn, *group) || !group->may_be_removed()) continue;
    log_info("Group {}: empty and without offsets, removed", id);
    group->write_tombstones(turn.effects.records);
  }
  if (turn.effects.records.size() >= kMaxExpiredAtOnce) next_expiry_ms_ = turn.now.steady_ms + 1;
}

}  // namespace milena::coordinator
