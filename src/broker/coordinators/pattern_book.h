// PatternBook: which topics the patterns of consumer groups stand for, for the coordinators of one shard.
//
// A pattern is a client's, and what it costs to try it on every topic is the client's choice. One that is cheap at the
// worst is tried at once; any other on a thread beside the loop, for so long and no longer, and until then nobody
// knows. What is known holds until topics come or go.
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

  // nullopt while it is being found out: ask again later.
  std::optional<coordinator::PatternMatches> find(ByteView pattern);
  // Topics were made or deleted.
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
