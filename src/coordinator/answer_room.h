// AnswerRoom: what the answer to one request may still cost, in bytes of memory. A client may name the same group,
// topic or partition a million times, and each time it is told all that is kept under that name. Lives with the
// request; its parts may be answered by several shards at once. Kafka has no such bound, and fails when its memory is
// used up.
//
// The arrays of the request are taken from it first, with something for the answer to each of their elements
// (Reader::limit_arrays); a request that leaves nothing closes its connection. Answers that are larger than that by
// what they hold take it from here as they grow, and what comes after the room is full is refused.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace milena::coordinator {

class AnswerRoom {
 public:
  static constexpr int64_t kBytes = 100 << 20;

  // Further parts must be refused. The last one that fitted may have been larger than the room left.
  bool is_full() const { return left_bytes_.load(std::memory_order_relaxed) <= 0; }
  // True if this filled it.
  bool take(size_t bytes) {
    const int64_t taken = static_cast<int64_t>(bytes);
    const int64_t before = left_bytes_.fetch_sub(taken, std::memory_order_relaxed);
    return before > 0 && before <= taken;
  }
  // The same; who asked, and for what last, is logged if this filled it.
  void take(size_t bytes, ByteView host, ByteView name);

 private:
  std::atomic<int64_t> left_bytes_{kBytes};
};

}  // namespace milena::coordinator
