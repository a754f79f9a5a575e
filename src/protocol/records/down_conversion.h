// Record batches as messages of magic 1 (Fetch 2 and 3) or 0 (Fetch 0 and 1), as Kafka 3.9 does it (RecordsUtil,
// LazyDownConversionRecords): headers and control batches are dropped, offsets kept, compressed batches are compressed
// again with the same codec; the old formats do not have zstd. Messages of that format or an older one are not changed.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "protocol/error_code.h"

namespace milena {

struct DownConverted {
  // kNone, kUnsupportedCompressionType (zstd), kCorruptMessage. After an error there are no bytes.
  ErrorCode error = ErrorCode::kNone;
  std::string detail;
  Bytes bytes;
  // The offset behind the last batch that was read. If there was input and no output, all of it was control batches,
  // and the caller reads on from here: a client that gets no message would ask again for ever.
  int64_t next_offset = 0;
};

// `batches` are whole batches from the log; an incomplete one at the end is ignored. Uncompressed messages before
// `first_offset` are left out. Stops when the messages have `max_bytes`, but not before the end of the first batch that
// has any.
DownConverted down_convert(ByteView batches, int8_t to_magic, int64_t first_offset, size_t max_bytes);

}  // namespace milena
