#include "base/crc32c.h"

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#define MILENA_CRC_INSTRUCTION 1
#define MILENA_CRC_TARGET __attribute__((target("sse4.2")))
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <sys/auxv.h>
#define MILENA_CRC_INSTRUCTION 1
#define MILENA_CRC_TARGET __attribute__((target("+crc")))
#endif

namespace milena {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's, bits reflected

// Slicing by eight: table[k][b] is the checksum of byte b followed by k zero bytes.
using SliceTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr SliceTables make_slice_tables() {
  SliceTables tables{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; byte++) {
    for (size_t k = 1; k < 8; k++) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr SliceTables kSlices = make_slice_tables();

uint64_t load_little_endian_64(const char* from) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

#ifdef MILENA_CRC_INSTRUCTION

#if defined(__x86_64__)
MILENA_CRC_TARGET inline uint64_t step_64(uint64_t crc, uint64_t value) { return _mm_crc32_u64(crc, value); }
MILENA_CRC_TARGET inline uint64_t step_8(uint64_t crc, uint8_t value) {
  return _mm_crc32_u8(static_cast<uint32_t>(crc), value);
}
bool has_instruction() { return __builtin_cpu_supports("sse4.2"); }
#else
MILENA_CRC_TARGET inline uint64_t step_64(uint64_t crc, uint64_t value) {
  return __crc32cd(static_cast<uint32_t>(crc), value);
}
MILENA_CRC_TARGET inline uint64_t step_8(uint64_t crc, uint8_t value) {
  return __crc32cb(static_cast<uint32_t>(crc), value);
}
bool has_instruction() { return (getauxval(AT_HWCAP) & (1 << 7)) != 0; }  // HWCAP_CRC32
#endif

// The effect of `Zeros` zero bytes on a checksum register. It is linear, so four lookups by byte give it for any value.
using ShiftTable = std::array<std::array<uint32_t, 256>, 4>;

template <size_t Zeros>
constexpr ShiftTable make_shift_table() {
  std::array<uint32_t, 32> image{};
  for (size_t bit = 0; bit < 32; bit++) {
    uint32_t crc = 1u << bit;
    for (size_t i = 0; i < Zeros; i++) crc = (crc >> 8) ^ kSlices[0][crc & 0xff];
    image[bit] = crc;
  }
  ShiftTable table{};
  for (size_t k = 0; k < 4; k++) {
    for (size_t byte = 0; byte < 256; byte++) {
      for (size_t bit = 0; bit < 8; bit++) {
        if (byte >> bit & 1) table[k][byte] ^= image[8 * k + bit];
      }
    }
  }
  return table;
}

// Long runs keep the cost of joining the streams small, short ones serve batches of a few hundred bytes.
constexpr size_t kLongRun = 2048;
constexpr size_t kShortRun = 128;
constexpr ShiftTable kLongShift = make_shift_table<kLongRun>();
constexpr ShiftTable kShortShift = make_shift_table<kShortRun>();

uint64_t shifted(const ShiftTable& table, uint64_t crc) {
  return table[0][crc & 0xff] ^ table[1][crc >> 8 & 0xff] ^ table[2][crc >> 16 & 0xff] ^ table[3][crc >> 24 & 0xff];
}

// Processes as many groups of three runs as there are, and moves `from` behind them.
template <size_t Run>
MILENA_CRC_TARGET uint64_t three_runs(uint64_t crc, const char*& from, const char* end, const ShiftTable& shift) {
  while (static_cast<size_t>(end - from) >= 3 * Run) {
    uint64_t second = 0, third = 0;
    for (const char* const stop = from + Run; from < stop; from += 8) {
      crc = step_64(crc, load_little_endian_64(from));
      second = step_64(second, load_little_endian_64(from + Run));
      third = step_64(third, load_little_endian_64(from + 2 * Run));
    }
    crc = shifted(shift, shifted(shift, crc) ^ second) ^ third;
    from += 2 * Run;
  }
  return crc;
}

MILENA_CRC_TARGET uint32_t crc32c_by_instruction(ByteView bytes, uint32_t seed) {
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  uint64_t crc = ~seed;
  crc = three_runs<kLongRun>(crc, from, end, kLongShift);
  crc = three_runs<kShortRun>(crc, from, end, kShortShift);
  for (; end - from >= 8; from += 8) crc = step_64(crc, load_little_endian_64(from));
  for (; from < end; from++) crc = step_8(crc, static_cast<uint8_t>(*from));
  return ~static_cast<uint32_t>(crc);
}

#endif  // MILENA_CRC_INSTRUCTION

using Implementation = uint32_t (*)(ByteView, uint32_t);

Implementation pick() {
#ifdef MILENA_CRC_INSTRUCTION
  if (has_instruction()) return crc32c_by_instruction;
#endif
  return crc32c_portable;
}

}  // namespace

uint32_t crc32c_portable(ByteView bytes, uint32_t seed) {
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  uint32_t crc = ~seed;
  for (; end - from >= 8; from += 8) {
    const uint64_t word = load_little_endian_64(from) ^ crc;
    crc = 0;
    for (size_t k = 0; k < 8; k++) crc ^= kSlices[7 - k][word >> (8 * k) & 0xff];
  }
  for (; from < end; from++) crc = (crc >> 8) ^ kSlices[0][(crc ^ static_cast<uint8_t>(*from)) & 0xff];
  return ~crc;
}

uint32_t crc32c(ByteView bytes, uint32_t seed) {
  static const Implementation implementation = pick();
  return implementation(bytes, seed);
}

}  // namespace milena
