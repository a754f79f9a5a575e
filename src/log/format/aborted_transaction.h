// One entry of a .txnindex file: a transaction that ended in an abort (Kafka's AbortedTxn), 34 bytes:
//   i16 version 0, i64 producer id, i64 first offset, i64 last offset (the marker), i64 last stable offset
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace milena::log {

constexpr size_t kAbortedTransactionSize = 34;

struct AbortedTransaction {
  int64_t producer_id = -1;
  int64_t first_offset = -1;
  int64_t last_offset = -1;
  // The last stable offset once this transaction had ended: a reader below it needs no later entry.
  int64_t last_stable_offset = -1;

  bool operator==(const AbortedTransaction&) const = default;

  void write(char* to) const {
    store_big_endian<int16_t>(to, 0);
    store_big_endian(to + 2, producer_id);
    store_big_endian(to + 10, first_offset);
    store_big_endian(to + 18, last_offset);
    store_big_endian(to + 26, last_stable_offset);
  }
  // Takes kAbortedTransactionSize bytes. The version is ignored: there is only one.
  static AbortedTransaction read(const char* from) {
    return {load_big_endian<int64_t>(from + 2), load_big_endian<int64_t>(from + 10),
            load_big_endian<int64_t>(from + 18), load_big_endian<int64_t>(from + 26)};
  }
};

}  // namespace milena::log
