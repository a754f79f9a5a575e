// Payloads are equal when their bytes are, however they are cut into chunks. Messages that hold one are compared only
// in tests, so this flattens both; a payload that cannot be read equals nothing.
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
