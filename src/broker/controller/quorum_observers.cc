#include "broker/controller/quorum_observers.h"

#include <algorithm>

#include "base/saturating.h"

namespace milena {

void QuorumObservers::note_fetch(int32_t id, const Uuid& directory_id, int64_t offset, int64_t leader_end,
                                 int64_t now_ms) {
  QuorumObserver& observer = observers_[id];
  if (observer.directory_id != directory_id) observer = {};
  observer.id = id;
  observer.directory_id = directory_id;
  observer.log_end_offset = offset;
  // Whoever has what the leader had at the fetch before was caught up then.
  if (offset >= leader_end) {
    observer.last_caught_up_ms = now_ms;
  } else if (observer.leader_end_at_last_fetch > 0 && offset >= observer.leader_end_at_last_fetch) {
    observer.last_caught_up_ms = observer.last_fetch_ms;
  }
  observer.last_fetch_ms = now_ms;
  observer.leader_end_at_last_fetch = leader_end;
  if (observers_.size() > kMost) forget_silent(now_ms);
}

std::vector<QuorumObserver> QuorumObservers::list(int64_t now_ms) {
  forget_silent(now_ms);
  std::vector<QuorumObserver> all;
  for (const auto& [id, observer] : observers_) all.push_back(observer);
  return all;
}

void QuorumObservers::forget_silent(int64_t now_ms) {
  std::erase_if(observers_, [now_ms](const auto& one) {
    return add_saturating(one.second.last_fetch_ms, kSession_ms) < now_ms;
  });
  while (observers_.size() > kMost) {
    observers_.erase(std::min_element(observers_.begin(), observers_.end(), [](const auto& a, const auto& b) {
      return a.second.last_fetch_ms < b.second.last_fetch_ms;
    }));
  }
}

}  // namespace milena
