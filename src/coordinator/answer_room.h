// AnswerRoom: how much the answer to one request may still hold. A client may name the same group, or the same partition, a
// million times, and each time it is told all that is kept under that name. Lives with the request; its parts may be answered
// by several shards at once. Kafka has no such bound, and fails where it cannot count an answer's bytes any more.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace milena {

class AnswerRoom {
 public:
  static constexpr int64_t kBytes = 100 << 20;

  // What comes now must be refused. Who came before may have been larger than what was left.
  bool is_full() const { return left_bytes_.load(std::memory_order_relaxed) <= 0; }
  // True if this filled it.
  bool take(size_t bytes) {
    const int64_t taken = static_cast<int64_t>(bytes);
    const int64_t before = left_bytes_.fetch_sub(taken, std::memory_order_relaxed);
    return before > 0 && before <= taken;
  }

 private:
  std::atomic<int64_t> left_bytes_{kBytes};
};

}  // namespace milena
