#include "coordinator/offset_store.h"

#include <utility>

namespace milena {
namespace {

template <class Map>
auto& slot(Map& map, ByteView key) {
  auto at = map.find(key);
  if (at == map.end()) at = map.try_emplace(Bytes(key)).first;
  return at->second;
}

CommittedOffset& place(OffsetStore::Groups& groups, ByteView group, ByteView topic, int32_t partition) {
  return slot(slot(groups, group), topic)[partition];
}

const CommittedOffset* look_up(const OffsetStore::Groups& groups, ByteView group, ByteView topic, int32_t partition) {
  const auto in_group = groups.find(group);
  if (in_group == groups.end()) return nullptr;
  const auto in_topic = in_group->second.find(topic);
  if (in_topic == in_group->second.end()) return nullptr;
  const auto at = in_topic->second.find(partition);
  return at == in_topic->second.end() ? nullptr : &at->second;
}

void erase(OffsetStore::Groups& groups, ByteView group, ByteView topic, int32_t partition) {
  const auto in_group = groups.find(group);
  if (in_group == groups.end()) return;
  const auto in_topic = in_group->second.find(topic);
  if (in_topic == in_group->second.end()) return;
  in_topic->second.erase(partition);
  if (in_topic->second.empty()) in_group->second.erase(in_topic);
  if (in_group->second.empty()) groups.erase(in_group);
}

}  // namespace

void OffsetStore::put(ByteView group, ByteView topic, int32_t partition, CommittedOffset offset) {
  place(groups_, group, topic, partition) = std::move(offset);
}

void OffsetStore::put_pending(int64_t producer_id, ByteView group, ByteView topic, int32_t partition,
                              CommittedOffset offset) {
  place(pending_[producer_id], group, topic, partition) = std::move(offset);
}

void OffsetStore::remove(ByteView group, ByteView topic, int32_t partition) {
  erase(groups_, group, topic, partition);
  for (auto at = pending_.begin(); at != pending_.end();) {
    erase(at->second, group, topic, partition);
    at = at->second.empty() ? pending_.erase(at) : std::next(at);
  }
}

void OffsetStore::end_transaction(int64_t producer_id, bool committed) {
  const auto ended = pending_.find(producer_id);
  if (ended == pending_.end()) return;
  Groups offsets = std::move(ended->second);
  pending_.erase(ended);
  if (!committed) return;
  for (auto& [group, topics] : offsets) {
    for (auto& [topic, partitions] : topics) {
      for (auto& [partition, offset] : partitions) {
        CommittedOffset& current = place(groups_, group, topic, partition);
        if (offset.record_offset > current.record_offset) current = std::move(offset);
      }
    }
  }
}

const CommittedOffset* OffsetStore::find(ByteView group, ByteView topic, int32_t partition) const {
  return look_up(groups_, group, topic, partition);
}

const OffsetStore::Topics* OffsetStore::find_group(ByteView group) const {
  const auto at = groups_.find(group);
  return at == groups_.end() ? nullptr : &at->second;
}

bool OffsetStore::has_pending(ByteView group, ByteView topic, int32_t partition) const {
  for (const auto& [producer_id, groups] : pending_) {
    if (look_up(groups, group, topic, partition) != nullptr) return true;
  }
  return false;
}

bool OffsetStore::has_pending(ByteView group) const {
  for (const auto& [producer_id, groups] : pending_) {
    if (groups.find(group) != groups.end()) return true;
  }
  return false;
}

}  // namespace milena
