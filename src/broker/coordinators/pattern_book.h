// PatternBook: the topics that the patterns of consumer groups match, for the coordinators of one shard.
//
// A client chooses the pattern, and so the cost of matching it with every topic. A pattern with a cheap worst case is
// matched at once. Any other is matched on a thread beside the loop, for a limited time; until then the result is
// unknown. Results are kept until topics are created or deleted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "coordinator/group/topic_regex.h"

namespace milena::broker {

class ShardContext;

class PatternBook {
 public:
  explicit PatternBook(ShardContext& shard) : shard_(shard) {}

  // Returns nullopt while it is being computed: ask again later.
  std::optional<coordinator::PatternMatches> find(ByteView pattern);
  // Topics were created or deleted.
  void forget();

 private:
  struct Page {
    std::optional<coordinator::PatternMatches> matches;
  };

  void look_up_elsewhere(const Bytes& pattern);
  void list_names();

  ShardContext& shard_;
  std::unordered_map<Bytes, Page> pages_;
  std::shared_ptr<const std::vector<Bytes>> names_;  // of all topics; null until needed
  size_t names_bytes_ = 0;
  uint64_t edition_ = 0;  // counts forget()
  int under_way_ = 0;
};

}  // namespace milena::broker
