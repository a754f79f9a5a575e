#include "metadata/replica_placement.h"

#include <algorithm>

#include "base/check.h"

namespace milena::metadata {

InternalTopicSettings with_replicas(InternalTopicSettings settings, size_t brokers) {
  const auto usual = static_cast<int16_t>(std::clamp<size_t>(brokers, 1, 3));
  for (int16_t* factor : {&settings.offsets_replication_factor, &settings.transaction_replication_factor}) {
    if (*factor == 0) *factor = usual;
  }
  if (settings.transaction_min_insync_replicas == 0) {
    settings.transaction_min_insync_replicas = settings.transaction_replication_factor >= 3 ? 2 : 1;
  }
  return settings;
}

void ReplicaPlacement::add(int32_t broker_id, const std::optional<Bytes>& rack, bool alive) {
  Rack& of = racks_[rack];
  (alive ? of.alive : of.down).push_back(broker_id);
  any_alive_ |= alive;
  ++brokers_;
}

int32_t ReplicaPlacement::Rack::choice(size_t turn, size_t next) const {
  if (next < alive.size()) return alive[(turn + next) % alive.size()];
  next -= alive.size();
  return next < down.size() ? down[(turn + next) % down.size()] : -1;
}

std::vector<int32_t> ReplicaPlacement::replicas(size_t number, size_t replication_factor) const {
  CHECK(any_alive_ && replication_factor <= brokers_, "{} replicas on {} brokers", replication_factor, brokers_);
  std::vector<const Rack*> racks;
  for (const auto& [name, rack] : racks_) racks.push_back(&rack);
  const size_t turn = number / racks.size();
  std::vector<size_t> taken(racks.size(), 0);
  size_t at = number % racks.size();
  while (racks[at]->alive.empty()) at = (at + 1) % racks.size();
  std::vector<int32_t> replicas;
  while (replicas.size() < replication_factor) {
    const int32_t id = racks[at]->choice(turn, taken[at]++);
    if (id >= 0) replicas.push_back(id);
    at = (at + 1) % racks.size();
  }
  return replicas;
}

}  // namespace milena::metadata
