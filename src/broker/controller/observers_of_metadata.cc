#include "broker/controller/observers_of_metadata.h"

#include <algorithm>

namespace milena::broker {
namespace {

constexpr int64_t kSession_ms = 300'000;
// Far more than there are brokers; a client with ClusterAction could make up more.
constexpr size_t kMax = 1000;

}  // namespace

void ObserversOfMetadata::note_fetch(int32_t id, const Uuid& directory_id, int64_t offset, int64_t log_end,
                                     int64_t wall_ms, int64_t now_ms) {
  if (id < 0) return;
  if (entries_.size() >= kMax && !entries_.contains(id)) {
    std::erase_if(entries_, [now_ms](const auto& one) { return now_ms - one.second.heard_ms > kSession_ms; });
    if (entries_.size() >= kMax) return;
  }
  Entry& entry = entries_[id];
  if (offset >= log_end) {
    entry.told.caught_up_ms = wall_ms;
  } else if (entry.log_end_at_fetch >= 0 && offset >= entry.log_end_at_fetch) {
    entry.told.caught_up_ms = std::max(entry.told.caught_up_ms, entry.told.fetch_ms);
  }
  entry.told.id = id;
  entry.told.directory_id = directory_id;
  entry.told.log_end_offset = offset;
  entry.told.fetch_ms = wall_ms;
  entry.heard_ms = now_ms;
  entry.log_end_at_fetch = log_end;
  if (on_fetch_) on_fetch_();
}

std::vector<ObserverOfMetadata> ObserversOfMetadata::list(int64_t now_ms) const {
  std::vector<ObserverOfMetadata> list;
  for (const auto& [id, entry] : entries_) {
    if (now_ms - entry.heard_ms <= kSession_ms) list.push_back(entry.told);
  }
  return list;
}

int64_t ObserversOfMetadata::end_of(int32_t id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? -1 : found->second.told.log_end_offset;
}

}  // namespace milena::broker
