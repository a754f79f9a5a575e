#include "broker/replica/fetch_session.h"

#include <algorithm>

namespace milena::broker {
namespace {

// min.incremental.fetch.session.eviction.ms, a constant in Kafka.
constexpr int64_t kEvictionAge_ms = 120'000;
// An entry with its two nodes, without names that are too long for a string's inline buffer.
constexpr size_t kEntryCost_bytes = 288;

uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

size_t FetchKeyHash::operator()(const FetchKey& key) const {
  static const uint64_t seeds[] = {hash_seed(), hash_seed() | 1};
  const uint64_t id = mix(key.topic_id.hi ^ seeds[0], key.topic_id.lo ^ seeds[1]);
  return mix(id ^ static_cast<uint32_t>(key.partition), seeds[1] ^ std::hash<Bytes>()(key.topic));
}

size_t FetchSession::cost_of(const FetchKey& key) {
  return kEntryCost_bytes + (key.topic.size() < sizeof(Bytes) / 2 ? 0 : 2 * key.topic.size());
}

void FetchSession::put(const FetchKey& key, const FetchPosition& position) {
  auto found = index_.find(key);
  if (found != index_.end()) {
    found->second->position = position;
    return;
  }
  entries_.push_back(Entry{key, position});
  cost_bytes_ += cost_of(key);
  index_.emplace(key, std::prev(entries_.end()));
}

void FetchSession::forget(const FetchKey& key) {
  auto found = index_.find(key);
  if (found == index_.end()) return;
  cost_bytes_ -= cost_of(found->first);
  entries_.erase(found->second);
  index_.erase(found);
}

FetchSession::Entry* FetchSession::find(const FetchKey& key) {
  auto found = index_.find(key);
  return found == index_.end() ? nullptr : &*found->second;
}

void FetchSession::move_to_end(const FetchKey& key) {
  auto found = index_.find(key);
  if (found != index_.end()) entries_.splice(entries_.end(), entries_, found->second);
}

FetchSessionCache::FetchSessionCache(size_t shard_index, size_t shard_count, size_t slots, Random& random,
                                     size_t most_bytes)
    : shard_index_(shard_index),
      shard_count_(shard_count),
      slots_(slots),
      random_(random),
      most_bytes_(most_bytes / shard_count) {}

// Returns 0 if there is none.
int32_t FetchSessionCache::largest() const {
  const auto found = std::max_element(slots_in_use_.begin(), slots_in_use_.end(), [](const auto& a, const auto& b) {
    return a.second.cost_bytes < b.second.cost_bytes;
  });
  return found == slots_in_use_.end() ? 0 : found->first;
}

bool FetchSessionCache::make_room(size_t cost_bytes, int64_t now_ms) {
  if (slots_ == 0 || cost_bytes > most_bytes_) return false;
  const auto remove_old = [&](int32_t id) {
    const bool old = now_ms - slots_in_use_.at(id).last_used_ms >= kEvictionAge_ms;
    if (old) remove(id);
    return old;
  };
  while (slots_in_use_.size() >= slots_) {
    if (!remove_old(by_use_.front())) return false;
  }
  while (cost_bytes_ + cost_bytes > most_bytes_) {
    if (remove_old(by_use_.front())) continue;
    const int32_t id = largest();
    if (slots_in_use_.at(id).cost_bytes <= cost_bytes) return false;
    remove(id);
  }
  return true;
}

void FetchSessionCache::note_cost(const FetchSession& session) {
  auto found = slots_in_use_.find(session.id());
  if (found == slots_in_use_.end() || found->second.session.get() != &session) return;
  cost_bytes_ += session.cost_bytes() - found->second.cost_bytes;
  found->second.cost_bytes = session.cost_bytes();
  while (cost_bytes_ > most_bytes_) remove(largest());
}

std::shared_ptr<FetchSession> FetchSessionCache::create(bool uses_topic_ids, size_t cost_bytes, int64_t now_ms) {
  if (!make_room(cost_bytes, now_ms)) return nullptr;
  int32_t id = 0;
  do {
    uint64_t groups = static_cast<uint64_t>(INT32_MAX) / shard_count_;
    id = static_cast<int32_t>(random_.next() % groups * shard_count_ + shard_index_);
  } while (id == 0 || slots_in_use_.contains(id));
  auto session = std::make_shared<FetchSession>(id, uses_topic_ids);
  by_use_.push_back(id);
  slots_in_use_.emplace(id, Slot{session, std::prev(by_use_.end()), now_ms, cost_bytes});
  cost_bytes_ += cost_bytes;
  return session;
}

std::shared_ptr<FetchSession> FetchSessionCache::find(int32_t id, int64_t now_ms) {
  auto found = slots_in_use_.find(id);
  if (found == slots_in_use_.end()) return nullptr;
  found->second.last_used_ms = now_ms;
  by_use_.splice(by_use_.end(), by_use_, found->second.by_use);
  return found->second.session;
}

void FetchSessionCache::remove(int32_t id) {
  auto found = slots_in_use_.find(id);
  if (found == slots_in_use_.end()) return;
  by_use_.erase(found->second.by_use);
  cost_bytes_ -= found->second.cost_bytes;
  slots_in_use_.erase(found);
}

}  // namespace milena::broker
