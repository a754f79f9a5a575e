#include "log/format/producer_snapshot.h"

#include "base/crc32c.h"

namespace milena::log {
namespace {

constexpr int16_t kSnapshotVersion = 1;
constexpr size_t kSnapshotHeaderSize = 10;
constexpr size_t kSnapshotCrcEnd = 6;
constexpr size_t kSnapshotEntrySize = 46;

}  // namespace

Bytes encode_producer_snapshot(const std::vector<ProducerSnapshotEntry>& entries) {
  Bytes file;
  file.reserve(kSnapshotHeaderSize + entries.size() * kSnapshotEntrySize);
  append_big_endian<int16_t>(file, kSnapshotVersion);
  append_big_endian<uint32_t>(file, 0);
  append_big_endian<int32_t>(file, static_cast<int32_t>(entries.size()));
  for (const ProducerSnapshotEntry& entry : entries) {
    append_big_endian(file, entry.producer_id);
    append_big_endian(file, entry.epoch);
    append_big_endian(file, entry.last_sequence);
    append_big_endian(file, entry.last_offset);
    append_big_endian(file, entry.offset_delta);
    append_big_endian(file, entry.timestamp);
    append_big_endian(file, entry.coordinator_epoch);
    append_big_endian(file, entry.current_txn_first_offset);
  }
  store_big_endian<uint32_t>(file.data() + 2, crc32c(ByteView(file).substr(kSnapshotCrcEnd)));
  return file;
}

Result<std::vector<ProducerSnapshotEntry>> decode_producer_snapshot(ByteView file) {
  if (file.size() < kSnapshotHeaderSize) {
    return make_error(ErrorKind::kCorrupt, "producer snapshot of {} bytes is shorter than its header", file.size());
  }
  int16_t version = load_big_endian<int16_t>(file.data());
  if (version != kSnapshotVersion) {
    return make_error(ErrorKind::kCorrupt, "producer snapshot has version {}, expected {}", version, kSnapshotVersion);
  }
  uint32_t stored = load_big_endian<uint32_t>(file.data() + 2);
  uint32_t computed = crc32c(file.substr(kSnapshotCrcEnd));
  if (stored != computed) {
    return make_error(ErrorKind::kCorrupt, "producer snapshot has checksum {:08x}, its content {:08x}", stored,
                      computed);
  }
  int32_t count = load_big_endian<int32_t>(file.data() + kSnapshotCrcEnd);
  size_t room = file.size() - kSnapshotHeaderSize;
  if (count < 0 || static_cast<uint64_t>(count) * kSnapshotEntrySize != room) {
    return make_error(ErrorKind::kCorrupt, "producer snapshot has a count of {} entries in {} bytes", count, room);
  }
  std::vector<ProducerSnapshotEntry> entries(static_cast<size_t>(count));
  const char* from = file.data() + kSnapshotHeaderSize;
  for (ProducerSnapshotEntry& entry : entries) {
    entry.producer_id = load_big_endian<int64_t>(from);
    entry.epoch = load_big_endian<int16_t>(from + 8);
    entry.last_sequence = load_big_endian<int32_t>(from + 10);
    entry.last_offset = load_big_endian<int64_t>(from + 14);
    entry.offset_delta = load_big_endian<int32_t>(from + 22);
    entry.timestamp = load_big_endian<int64_t>(from + 26);
    entry.coordinator_epoch = load_big_endian<int32_t>(from + 34);
    entry.current_txn_first_offset = load_big_endian<int64_t>(from + 38);
    from += kSnapshotEntrySize;
  }
  return entries;
}

}  // namespace milena::log
