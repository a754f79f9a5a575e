// The name of one partition, as a map key and in log lines ("topic-0").
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "base/bytes.h"

namespace milena {

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;

  auto operator<=>(const TopicPartition&) const = default;
  std::string to_string() const { return topic + "-" + std::to_string(partition); }
};

}  // namespace milena

template <>
struct std::hash<milena::TopicPartition> {
  size_t operator()(const milena::TopicPartition& key) const noexcept {
    return std::hash<milena::ByteView>()(key.topic) * 31 + static_cast<size_t>(key.partition);
  }
};
