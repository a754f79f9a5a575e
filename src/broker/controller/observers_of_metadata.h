// ObserversOfMetadata: the brokers that follow the metadata log of this node's controller, according to their fetches.
// Lives on the controller's shard. Source: Kafka's LeaderState (observers, their session of five minutes).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "base/uuid.h"

namespace milena::broker {

struct ObserverOfMetadata {
  int32_t id = -1;
  Uuid directory_id;
  // It has all records below.
  int64_t log_end_offset = -1;
  int64_t fetch_ms = -1;
  int64_t caught_up_ms = -1;
};

class ObserversOfMetadata {
 public:
  // The observer fetched from `offset`, when the log ended at `log_end`. Times are of the wall clock, except `now_ms`.
  void note_fetch(int32_t id, const Uuid& directory_id, int64_t offset, int64_t log_end, int64_t wall_ms,
                  int64_t now_ms);
  // The observers that have fetched within the last minutes, by id.
  std::vector<ObserverOfMetadata> list(int64_t now_ms) const;
  // Returns -1 if it has not fetched yet.
  int64_t end_of(int32_t id) const;
  void set_on_fetch(std::function<void()> hook) { on_fetch_ = std::move(hook); }

 private:
  struct Entry {
    ObserverOfMetadata told;
    int64_t heard_ms = 0;
    int64_t log_end_at_fetch = -1;
  };

  std::map<int32_t, Entry> entries_;
  std::function<void()> on_fetch_;
};

}  // namespace milena::broker
