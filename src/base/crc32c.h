// CRC-32C (Castagnoli, reflected, as in RFC 3720), the checksum of a record batch. Uses the processor's instruction if
// there is one, in three interleaved streams because the instruction's latency is three times its throughput.
#pragma once

#include "base/bytes.h"

namespace milena {

// Continues from `seed`, the checksum of what came before: crc32c(b, crc32c(a)) == crc32c(a + b).
uint32_t crc32c(ByteView bytes, uint32_t seed = 0);

// The same by table, on any processor. For the test that compares the two.
uint32_t crc32c_portable(ByteView bytes, uint32_t seed = 0);

}  // namespace milena
