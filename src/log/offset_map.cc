#include "log/offset_map.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"

namespace milena::log {
namespace {

constexpr size_t kFirstSlots = 1024;

struct Seed {
  uint64_t words[4];
  Seed() {
    for (uint64_t& word : words) word = hash_seed() | 1;
  }
};

// Both halves of the product: every bit of it depends on every bit of the factors.
uint64_t fold(uint64_t a, uint64_t b) {
  auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

OffsetMap::OffsetMap(uint64_t budget_bytes, double load_factor)
    : most_slots_(std::max<size_t>(budget_bytes / sizeof(Entry), 2)), load_factor_(std::clamp(load_factor, 0.1, 0.95)) {
  most_ = std::max<size_t>(static_cast<size_t>(static_cast<double>(most_slots_) * load_factor_), 1);
  table_.resize(std::min(kFirstSlots, most_slots_));
}

OffsetMap::Hash OffsetMap::hash_of(ByteView key) {
  static const Seed seed;
  uint64_t first = seed.words[0] ^ key.size();
  uint64_t second = seed.words[1] + key.size();
  for (size_t at = 0; at < key.size(); at += 8) {
    uint64_t word = 0;
    key.substr(at, 8).copy(reinterpret_cast<char*>(&word), 8);
    first = fold(first ^ word, seed.words[2]) + first;
    second = fold(second + word, seed.words[3]) ^ second;
  }
  return {fold(first, seed.words[3]), fold(second, seed.words[2])};
}

// The slot of the key, or the free one for it.
size_t OffsetMap::slot_of(const std::vector<Entry>& table, const Hash& hash) {
  auto slot = static_cast<size_t>(static_cast<unsigned __int128>(hash.first) * table.size() >> 64);
  while (table[slot].offset >= 0 && (table[slot].first != hash.first || table[slot].second != hash.second)) {
    if (++slot == table.size()) slot = 0;
  }
  return slot;
}

void OffsetMap::grow() {
  std::vector<Entry> larger(std::min(table_.size() * 2, most_slots_));
  for (const Entry& entry : table_) {
    if (entry.offset >= 0) larger[slot_of(larger, {entry.first, entry.second})] = entry;
  }
  table_ = std::move(larger);
}

void OffsetMap::put(ByteView key, int64_t offset) {
  CHECK(offset >= 0, "{}", offset);
  Hash hash = hash_of(key);
  size_t slot = slot_of(table_, hash);
  latest_offset_ = std::max(latest_offset_, offset);
  if (table_[slot].offset >= 0) {
    table_[slot].offset = std::max(table_[slot].offset, offset);
    return;
  }
  CHECK(!full(), "{} keys", count_);
  if (table_.size() < most_slots_ && static_cast<double>(count_) >= static_cast<double>(table_.size()) * load_factor_) {
    grow();
    slot = slot_of(table_, hash);
  }
  table_[slot] = {hash.first, hash.second, offset};
  ++count_;
}

int64_t OffsetMap::get(ByteView key) const { return table_[slot_of(table_, hash_of(key))].offset; }

}  // namespace milena::log
