#include "broker/fetch_session.h"

namespace milena {
namespace {

// min.incremental.fetch.session.eviction.ms, which Kafka does not let users set.
constexpr int64_t kEvictionAge_ms = 120'000;

}  // namespace

void FetchSession::put(const FetchKey& key, const FetchPosition& position) {
  auto found = index_.find(key);
  if (found != index_.end()) {
    found->second->position = position;
    return;
  }
  entries_.push_back(Entry{key, position});
  index_.emplace(key, std::prev(entries_.end()));
}

void FetchSession::forget(const FetchKey& key) {
  auto found = index_.find(key);
  if (found == index_.end()) return;
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

FetchSessionCache::FetchSessionCache(size_t shard_index, size_t shard_count, size_t slots, Random& random)
    : shard_index_(shard_index), shard_count_(shard_count), slots_(slots), random_(random) {}

bool FetchSessionCache::make_room(int64_t now_ms) {
  if (slots_in_use_.size() < slots_) return true;
  if (by_use_.empty()) return false;
  int32_t oldest = by_use_.front();
  if (now_ms - slots_in_use_.at(oldest).last_used_ms < kEvictionAge_ms) return false;
  remove(oldest);
  return true;
}

std::shared_ptr<FetchSession> FetchSessionCache::create(bool uses_topic_ids, int64_t now_ms) {
  if (!make_room(now_ms)) return nullptr;
  int32_t id = 0;
  do {
    uint64_t groups = static_cast<uint64_t>(INT32_MAX) / shard_count_;
    id = static_cast<int32_t>(random_.next() % groups * shard_count_ + shard_index_);
  } while (id == 0 || slots_in_use_.contains(id));
  auto session = std::make_shared<FetchSession>(id, uses_topic_ids);
  by_use_.push_back(id);
  slots_in_use_.emplace(id, Slot{session, std::prev(by_use_.end()), now_ms});
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
  slots_in_use_.erase(found);
}

}  // namespace milena
