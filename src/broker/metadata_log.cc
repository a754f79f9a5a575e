#include "broker/metadata_log.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "base/log.h"
#include "broker/kraft_version.h"
#include "log/format/quorum_state.h"
#include "log/snapshot_file.h"
#include "metadata/internal_topics.h"
#include "metadata/record_codec.h"
#include "protocol/messages/control/leader_change.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/writer.h"

namespace milena {
namespace {

constexpr uint64_t kReplayChunk_bytes = 4 << 20;
// Kafka's controllers cut batches that need not hold together, so that a fetch can carry them.
constexpr size_t kMostBatch_bytes = 8 << 20;

Status replay_batch(const RecordBatchView& batch, MetadataLog& result) {
  MetadataReplayer& replayed = result.replayed;
  const BatchHeader& header = batch.header();
  if (header.is_control()) {
    if (auto version = kraft_version_in(batch)) result.kraft_version = *version;
    replayed.skip_to(header.last_offset(), header.partition_leader_epoch);
    return ok_status();
  }
  auto records = decode_metadata_batch(batch);
  if (!records) return records.error();
  ImageDelta delta;
  return replayed.replay(records.take(), header.last_offset(), header.partition_leader_epoch, delta);
}

Status replay(PartitionLog& log, int64_t from, MetadataLog& result) {
  int64_t offset = std::max(from, log.log_start_offset());
  while (offset < log.log_end_offset()) {
    auto read = log.read(offset, kReplayChunk_bytes, log.log_end_offset(), true);
    if (!read) return read.error();
    auto bytes = read->batches.flatten();
    if (!bytes) return bytes.error();
    BatchIterator batches(*bytes);
    int64_t before = offset;
    while (batches.next()) {
      if (batches.batch().header().last_offset() < offset) continue;
      RETURN_IF_ERROR(replay_batch(batches.batch(), result));
      offset = batches.batch().header().next_offset();
    }
    if (offset == before) {
      return make_error(ErrorKind::kCorrupt, "{} cannot be read at offset {}", log.directory(), offset);
    }
  }
  return ok_status();
}

// "00000000000000000042-0000000003.checkpoint" -> 42 and 3.
struct SnapshotName {
  int64_t end_offset = -1;
  int32_t epoch = -1;
};
std::optional<SnapshotName> parse_snapshot_name(const std::string& name) {
  SnapshotName parsed;
  int used = 0;
  if (std::sscanf(name.c_str(), "%20" SCNd64 "-%10" SCNd32 ".checkpoint%n", &parsed.end_offset, &parsed.epoch, &used) != 2 ||
      static_cast<size_t>(used) != name.size()) {
    return std::nullopt;
  }
  return parsed;
}

// Replays the newest snapshot, if there is one; the offset from which the log goes on.
Result<int64_t> load_latest_snapshot(FileSystem& files, const std::string& path, MetadataLog& result) {
  auto names = files.list(path);
  if (!names) return names.error();
  SnapshotName newest;
  for (const std::string& name : *names) {
    auto parsed = parse_snapshot_name(name);
    if (parsed && parsed->end_offset > newest.end_offset) newest = *parsed;
  }
  if (newest.end_offset < 0) return 0;
  auto snapshot = read_snapshot_file(files, path + "/" + snapshot_file_name(newest.end_offset, newest.epoch));
  if (!snapshot) return snapshot.error();
  auto records = decode_snapshot_records(*snapshot);
  if (!records) return records.error();
  ImageDelta delta;
  RETURN_IF_ERROR(result.replayed.replay(records.take(), newest.end_offset - 1, newest.epoch, delta));
  if (auto version = kraft_version_in(snapshot->controls)) result.kraft_version = *version;
  return newest.end_offset;
}

// Votes for ourselves: the next epoch, noted in quorum-state before anything is written in it. If a crash of the machine
// takes the note, the log still says which epochs there were, and a quorum of one has nobody to contradict.
Result<int32_t> begin_epoch(FileSystem& files, const std::string& path, int32_t last_epoch, int32_t node_id) {
  std::string file = path + "/" + std::string(kQuorumStateFile);
  int32_t known_epoch = std::max(last_epoch, 0);
  if (files.exists(file)) {
    auto content = files.read_file(file);
    if (!content) return content.error();
    auto state = decode_quorum_state(*content);
    if (state) {
      known_epoch = std::max(known_epoch, state->leader_epoch);
    } else {
      log_warn("{} is written anew from the log: {}", file, state.error().message);
    }
  }
  QuorumState state{.leader_id = node_id, .leader_epoch = known_epoch + 1, .voted_id = node_id, .current_voters = {node_id}};
  RETURN_IF_ERROR(files.write_file_atomically(file, encode_quorum_state(state), false));
  return state.leader_epoch;
}

Status append_leader_change(PartitionLog& log, int32_t epoch, int32_t node_id, int64_t now_ms) {
  LeaderChangeMessage message;
  message.version = 0;
  message.leader_id = node_id;
  message.voters.push_back({.voter_id = node_id});
  message.granting_voters.push_back({.voter_id = node_id});
  Bytes batch =
      build_control_batch(0, epoch, now_ms, ControlRecordType::kLeaderChange, write_message(message, 0));
  auto outcome = log.append_as_leader(batch, epoch, AppendOrigin::kCoordinator);
  if (!outcome) return outcome.error();
  return ok_status();
}

}  // namespace

Result<MetadataRecords> decode_snapshot_records(const SnapshotFile& snapshot) {
  MetadataRecords records;
  for (const Bytes& value : snapshot.records) {
    auto record = decode_metadata_record(value);
    if (!record) return record.error();
    records.push_back(record.take());
  }
  return records;
}

Result<int64_t> append_metadata_records(PartitionLog& log, int32_t epoch, const MetadataRecords& records, bool atomic,
                                        int16_t metadata_version, int64_t now_ms) {
  Bytes batches;
  size_t next = 0;
  while (next < records.size()) {
    RecordBatchBuilder builder;
    while (next < records.size() && (atomic || builder.uncompressed_size() < kMostBatch_bytes)) {
      builder.append(std::nullopt, encode_metadata_record(records[next++], metadata_version), now_ms);
    }
    batches += builder.build();
  }
  auto outcome = log.append_as_leader(batches, epoch, AppendOrigin::kCoordinator);
  if (!outcome) return outcome.error();
  if (outcome->error != ErrorCode::kNone) {
    return make_error(ErrorKind::kInvalid, "{} records of metadata were refused with {}", records.size(),
                      error_name(outcome->error));
  }
  return outcome->last_offset;
}

Status sync_quorum_state(FileSystem& files, const std::string& directory) {
  std::string path = directory + "/" + TopicPartition{Bytes(kClusterMetadataTopic), 0}.to_string();
  auto file = files.open(path + "/" + std::string(kQuorumStateFile), OpenMode::kReadWrite);
  if (!file) return file.error();
  RETURN_IF_ERROR((*file)->sync());
  return files.sync_directory(path);
}

Result<MetadataLog> open_metadata_log(FileCache& files, const Clock& clock, const std::string& directory,
                                      int32_t node_id) {
  MetadataLog result;
  TopicPartition name{Bytes(kClusterMetadataTopic), 0};
  std::string path = directory + "/" + name.to_string();
  auto config = std::make_shared<LogConfig>();
  config->cleanup_delete = false;
  auto log = PartitionLog::open(files, clock, path, name, config, OpenState{});
  if (!log) return log.error();
  result.log = log.take();

  auto from = load_latest_snapshot(files.file_system(), path, result);
  if (!from) return from.error();
  RETURN_IF_ERROR(replay(*result.log, *from, result));

  auto epoch = begin_epoch(files.file_system(), path, result.replayed.last_epoch(), node_id);
  if (!epoch) return epoch.error();
  result.epoch = *epoch;
  RETURN_IF_ERROR(append_leader_change(*result.log, result.epoch, node_id, clock.wall_ms()));
  return result;
}

}  // namespace milena
