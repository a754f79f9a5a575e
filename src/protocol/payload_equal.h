// Payloads are equal if their bytes are, independent of the chunks. Messages with payloads are compared only in tests,
// so this flattens both; an unreadable payload equals nothing.
#pragma once

#include "base/payload.h"

namespace milena {

inline bool operator==(const Payload& a, const Payload& b) {
  if (a.size() != b.size()) return false;
  const Result<Bytes> left = a.flatten();
  const Result<Bytes> right = b.flatten();
  return left.ok() && right.ok() && *left == *right;
}

}  // namespace milena
