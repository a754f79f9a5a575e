// AnswerRoom: limits the memory of the response to one request. A client may name the same group, topic or partition a
// million times, and each time the response has all its data. Lives with the request; several shards may use it at
// once. Kafka has no such limit, and runs out of memory.
//
// The arrays of the request are counted first, with a part of the response for each of their elements
// (Reader::limit_arrays); a request that leaves no room closes its connection. Larger responses take more as they grow,
// and when the room is full the rest is refused.
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
  // The same; logs the client and the last name if this filled it.
  void take(size_t bytes, ByteView host, ByteView name);

 private:
  std::atomic<int64_t> left_bytes_{kBytes};
};

}  // namespace milena::coordinator
