// PartitionNumbers: a set of partitions of one topic, in a vector, in order. A group may have a hundred thousand
// partitions, and every new target is compared with the one before: as a tree that takes several times as long.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "base/check.h"

namespace milena::coordinator {

class PartitionNumbers {
 public:
  using const_iterator = std::vector<int32_t>::const_iterator;

  PartitionNumbers() = default;
  PartitionNumbers(std::initializer_list<int32_t> numbers) : PartitionNumbers(numbers.begin(), numbers.end()) {}
  // In any order, and perhaps twice.
  template <class Iterator>
  PartitionNumbers(Iterator first, Iterator last) : numbers_(first, last) {
    if (!std::is_sorted(numbers_.begin(), numbers_.end())) std::sort(numbers_.begin(), numbers_.end());
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
  }

  // The number is larger than all that are there.
  void append(int32_t number) {
    CHECK(numbers_.empty() || numbers_.back() < number, "partitions are not in order");
    numbers_.push_back(number);
  }
  // Adds the others, which are in order.
  template <class Numbers>
  void merge(const Numbers& others) {
    const auto middle = static_cast<std::ptrdiff_t>(numbers_.size());
    numbers_.insert(numbers_.end(), others.begin(), others.end());
    std::inplace_merge(numbers_.begin(), numbers_.begin() + middle, numbers_.end());
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
  }

  bool contains(int32_t number) const { return std::binary_search(numbers_.begin(), numbers_.end(), number); }
  bool empty() const { return numbers_.empty(); }
  size_t size() const { return numbers_.size(); }
  const_iterator begin() const { return numbers_.begin(); }
  const_iterator end() const { return numbers_.end(); }
  bool operator==(const PartitionNumbers&) const = default;

 private:
  std::vector<int32_t> numbers_;
};

}  // namespace milena::coordinator
