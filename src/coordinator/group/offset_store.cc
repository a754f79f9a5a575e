#include "coordinator/group/offset_store.h"

#include <utility>

namespace milena::coordinator {
namespace {

template <class Map>
auto& slot(Map& map, ByteView key) {
  auto at = map.find(key);
  if (at == map.end()) at = map.try_emplace(Bytes(key)).first;
  return at->second;
}

// State of a partition of a group, in maps of maps of maps.
template <class Groups>
auto& place(Groups& groups, ByteView group, ByteView topic, int32_t partition) {
  return slot(slot(groups, group), topic)[partition];
}

template <class Value>
using ByPlace = std::map<Bytes, std::map<Bytes, std::map<int32_t, Value>, std::less<>>, std::less<>>;

// Null if there is none.
template <class Value>
const Value* look_up(const ByPlace<Value>& groups, ByteView group, ByteView topic, int32_t partition) {
  const auto in_group = groups.find(group);
  if (in_group == groups.end()) return nullptr;
  const auto in_topic = in_group->second.find(topic);
  if (in_topic == in_group->second.end()) return nullptr;
  const auto at = in_topic->second.find(partition);
  return at == in_topic->second.end() ? nullptr : &at->second;
}

template <class Value>
void erase(ByPlace<Value>& groups, ByteView group, ByteView topic, int32_t partition) {
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
  place(pending_producers_, group, topic, partition).insert(producer_id);
}

void OffsetStore::remove(ByteView group, ByteView topic, int32_t partition) {
  erase(groups_, group, topic, partition);
  const Producers* waiting = look_up(pending_producers_, group, topic, partition);
  if (waiting == nullptr) return;
  for (int64_t producer_id : *waiting) {
    const auto of_producer = pending_.find(producer_id);
    erase(of_producer->second, group, topic, partition);
    if (of_producer->second.empty()) pending_.erase(of_producer);
  }
  erase(pending_producers_, group, topic, partition);
}

void OffsetStore::end_transaction(int64_t producer_id, bool committed) {
  const auto ended = pending_.find(producer_id);
  if (ended == pending_.end()) return;
  Groups offsets = std::move(ended->second);
  pending_.erase(ended);
  for (auto& [group, topics] : offsets) {
    for (auto& [topic, partitions] : topics) {
      for (auto& [partition, offset] : partitions) {
        Producers& waiting = place(pending_producers_, group, topic, partition);
        waiting.erase(producer_id);
        if (waiting.empty()) erase(pending_producers_, group, topic, partition);
        if (!committed) continue;
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
  return look_up(pending_producers_, group, topic, partition) != nullptr;
}

bool OffsetStore::has_pending(ByteView group) const { return pending_producers_.contains(group); }

}  // namespace milena::coordinator
