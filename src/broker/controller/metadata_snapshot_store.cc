#include "broker/controller/metadata_snapshot_store.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "log/batch_scanner.h"
#include "metadata/record_codec.h"

namespace milena::broker {
namespace {

constexpr size_t kScanWindow = 256 << 10;
constexpr ByteView kSnapshotFileSuffix = ".checkpoint";

std::optional<MetadataSnapshotId> parse_snapshot_name(const std::string& name) {
  MetadataSnapshotId id;
  int used = 0;
  if (std::sscanf(name.c_str(), "%20" SCNd64 "-%10" SCNd32 ".checkpoint%n", &id.end_offset, &id.epoch, &used) != 2 ||
      static_cast<size_t>(used) != name.size() || id.end_offset < 0) {
    return std::nullopt;
  }
  return id;
}

// Kafka's "….checkpoint.part" and "….checkpoint.deleted", our "….checkpoint.tmp"; not those of bootstrap.checkpoint.
bool is_leftover(const std::string& name) {
  size_t at = name.rfind(kSnapshotFileSuffix);
  if (at == std::string::npos || !parse_snapshot_name(name.substr(0, at + kSnapshotFileSuffix.size()))) return false;
  std::string rest = name.substr(at + kSnapshotFileSuffix.size());
  return rest == ".part" || rest == ".deleted" || rest == ".tmp";
}

// The footer is the last batch, the header the first, with the snapshot's age.
Result<MetadataSnapshotInfo> describe_snapshot(FileSystem& files, const std::string& directory,
                                               const MetadataSnapshotId& id) {
  MetadataSnapshotInfo info{.id = id};
  auto file = files.open(directory + "/" + id.file_name(), OpenMode::kRead);
  RETURN_IF_ERROR(file);
  auto bytes = (*file)->size();
  RETURN_IF_ERROR(bytes);
  info.bytes = *bytes;
  log::BatchScanner batches(*file, 0, static_cast<uint32_t>(std::min<uint64_t>(*bytes, INT32_MAX)), kBatchHeaderSize);
  auto first = batches.next();
  RETURN_IF_ERROR(first);
  auto batch = batches.bytes();
  RETURN_IF_ERROR(batch);
  auto view = RecordBatchView::parse(*batch);
  RETURN_IF_ERROR(view);
  RecordIterator records(*view);
  if (records.next() && records.record().value && records.record().value->size() >= 10) {
    info.last_timestamp_ms = load_big_endian<int64_t>(records.record().value->data() + 2);
  }
  return info;
}

// Replays one batch of the log, from before the end of the snapshot.
Status replay_log_batch(const RecordBatchView& batch, metadata::MetadataReplayer& replayed,
                        log::SnapshotFile& snapshot) {
  const BatchHeader& header = batch.header();
  snapshot.last_contained_log_timestamp = header.max_timestamp;
  if (!header.is_control()) {
    auto records = metadata::decode_metadata_batch(batch);
    RETURN_IF_ERROR(records);
    metadata::ImageDelta delta;
    return replayed.replay(records.take(), header.last_offset(), header.partition_leader_epoch, delta);
  }
  RecordIterator records(batch);
  while (records.next()) {
    auto type = parse_control_record_key(records.record().key);
    RETURN_IF_ERROR(type);
    if (*type != ControlRecordType::kKraftVersion && *type != ControlRecordType::kKraftVoters) continue;
    std::erase_if(snapshot.controls, [&](const log::SnapshotFile::Control& control) { return control.type == *type; });
    snapshot.controls.push_back({*type, Bytes(records.record().value.value_or(ByteView()))});
  }
  replayed.skip_to(header.last_offset(), header.partition_leader_epoch);
  return records.status();
}

Status replay_log(const Payload& log, metadata::MetadataReplayer& replayed, log::SnapshotFile& snapshot) {
  for (const Chunk& chunk : log.chunks()) {
    const auto* slice = std::get_if<FileSlice>(&chunk);
    CHECK(slice != nullptr, "{} bytes", chunk_size(chunk));
    log::BatchScanner batches(slice->file, static_cast<uint32_t>(slice->position),
                              static_cast<uint32_t>(slice->position + slice->size), kScanWindow);
    while (true) {
      auto more = batches.next();
      RETURN_IF_ERROR(more);
      if (!*more) break;
      if (batches.header().last_offset() <= replayed.last_offset()) continue;
      auto bytes = batches.view();
      RETURN_IF_ERROR(bytes);
      auto batch = RecordBatchView::parse(*bytes);
      RETURN_IF_ERROR(batch);
      RETURN_IF_ERROR(replay_log_batch(*batch, replayed, snapshot));
    }
  }
  return ok_status();
}

}  // namespace

Result<std::vector<MetadataSnapshotInfo>> list_metadata_snapshots(FileSystem& files, const std::string& directory) {
  std::vector<MetadataSnapshotInfo> found;
  auto names = files.list(directory);
  if (!names && names.error().kind == ErrorKind::kNotFound) return found;
  RETURN_IF_ERROR(names);
  for (const std::string& name : *names) {
    auto id = parse_snapshot_name(name);
    if (!id) continue;
    auto info = describe_snapshot(files, directory, *id);
    if (!info) return make_error(info.error().kind, "{}/{}: {}", directory, name, info.error().message);
    found.push_back(*info);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return found;
}

Status remove_snapshot_leftovers(FileSystem& files, const std::string& directory) {
  auto names = files.list(directory);
  if (!names && names.error().kind == ErrorKind::kNotFound) return ok_status();
  RETURN_IF_ERROR(names);
  for (const std::string& name : *names) {
    if (is_leftover(name)) RETURN_IF_ERROR(files.remove(directory + "/" + name));
  }
  return ok_status();
}

Result<metadata::MetadataRecords> decode_snapshot_records(const log::SnapshotFile& snapshot) {
  metadata::MetadataRecords records;
  records.reserve(snapshot.records.size());
  for (const Bytes& value : snapshot.records) {
    auto record = metadata::decode_metadata_record(value);
    RETURN_IF_ERROR(record);
    records.push_back(record.take());
  }
  return records;
}

Status load_metadata_snapshot(FileSystem& files, const std::string& directory, const MetadataSnapshotId& id,
                              metadata::MetadataReplayer& replayed, std::vector<log::SnapshotFile::Control>* controls) {
  auto snapshot = log::read_snapshot_file(files, directory + "/" + id.file_name());
  RETURN_IF_ERROR(snapshot);
  auto records = decode_snapshot_records(*snapshot);
  RETURN_IF_ERROR(records);
  metadata::ImageDelta delta;
  RETURN_IF_ERROR(replayed.replay(records.take(), id.end_offset - 1, id.epoch, delta));
  if (controls != nullptr) *controls = std::move(snapshot->controls);
  return ok_status();
}

Result<MetadataSnapshotInfo> MetadataSnapshotJob::run(FileSystem& files) const {
  metadata::MetadataReplayer replayed;
  log::SnapshotFile snapshot;
  if (base) RETURN_IF_ERROR(load_metadata_snapshot(files, directory, *base, replayed, &snapshot.controls));
  RETURN_IF_ERROR(replay_log(log, replayed, snapshot));
  if (replayed.last_offset() != id.end_offset - 1 || replayed.in_transaction()) {
    return make_error(ErrorKind::kCorrupt, "the metadata log was read up to {}, expected {}", replayed.last_offset(),
                      id.end_offset - 1);
  }
  const metadata::MetadataImage& image = replayed.image();
  image.write([&](const metadata::MetadataRecord& record) {
    snapshot.records.push_back(metadata::encode_metadata_record(record, image.metadata_version()));
  });
  std::string path = directory + "/" + id.file_name();
  Bytes bytes = log::encode_snapshot_file(snapshot, id.epoch, snapshot.last_contained_log_timestamp);
  RETURN_IF_ERROR(files.write_file_atomically(path, bytes, true));
  return MetadataSnapshotInfo{id, bytes.size(), snapshot.last_contained_log_timestamp};
}

}  // namespace milena::broker
