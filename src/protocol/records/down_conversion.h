// Record batches as messages of magic 1 (Fetch 2 and 3) or 0 (Fetch 0 and 1), as Kafka 3.9 does it (RecordsUtil,
// LazyDownConversionRecords): headers and control batches are dropped, offsets kept, what was compressed is compressed
// again in the same codec; zstd cannot be said in the old formats. Messages of that format or an older one go
// as they are. Pure; any thread.
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
  // Behind the last batch that was looked at. When nothing came out although there was something to read, all of it
  // was control batches, and the caller reads on from here: a client without any message would ask again for ever.
  int64_t next_offset = 0;
};

// `batches` are whole batches as the log has them; a piece of one at the end is ignored. Messages before
// `first_offset` are left out where they are not compressed. Goes on until the messages have `max_bytes`, but to the
// end of the first batch that has any in any case.
DownConverted down_convert(ByteView batches, int8_t to_magic, int64_t first_offset, size_t max_bytes);

}  // namespace milena
