#include "broker/controller/metadata_log.h"

#include <algorithm>
#include <optional>

#include "base/log.h"
#include "log/format/quorum_state.h"
#include "metadata/internal_topics.h"
#include "metadata/record_codec.h"
#include "protocol/messages/control/leader_change.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/writer.h"

namespace milena::broker {
namespace {

// The largest batch that Kafka's controllers write and fetch.
constexpr size_t kMaxBatch_bytes = 8 << 20;
// Metadata transactions exist from 3.6-IV1 on.
constexpr int16_t kMetadataTransactionsSince = 13;

std::string metadata_log_path(const std::string& directory) {
  return directory + "/" + TopicPartition{Bytes(metadata::kClusterMetadataTopic), 0}.to_string();
}

// The state in the file quorum-state; nullopt if there is no readable file.
Result<std::optional<log::QuorumState>> read_quorum_state(FileSystem& files, const std::string& path) {
  std::string file = path + "/" + std::string(log::kQuorumStateFile);
  if (!files.exists(file)) return std::optional<log::QuorumState>();
  auto content = files.read_file(file);
  RETURN_IF_ERROR(content);
  auto state = log::decode_quorum_state(*content);
  if (state) return std::optional(state.take());
  log_warn("{} is rewritten from the log: {}", file, state.error().message);
  return std::optional<log::QuorumState>();
}

// The log and the snapshots must be contiguous. If a snapshot is beyond the log's end (a crash of the machine took the
// tail that was not synced when Kafka fetched the snapshot), the log begins again at its end.
Status join_log_and_snapshots(const MetadataLog& opened) {
  log::PartitionLog& log = *opened.log;
  int64_t newest = opened.snapshots.empty() ? 0 : opened.snapshots.back().id.end_offset;
  return newest > log.log_end_offset() ? log.truncate_fully_and_start_at(newest) : ok_status();
}

// Votes for this node: writes the next epoch to quorum-state before any record of it. If a crash of the machine loses
// the file, the log still has the epochs, and in a quorum of one no other node contradicts.
Result<int32_t> begin_epoch(FileSystem& files, const std::string& path, int32_t last_epoch, int32_t node_id) {
  auto before = read_quorum_state(files, path);
  RETURN_IF_ERROR(before);
  int32_t known_epoch = std::max(last_epoch, 0);
  if (*before) known_epoch = std::max(known_epoch, (*before)->leader_epoch);
  log::QuorumState state{
      .leader_id = node_id, .leader_epoch = known_epoch + 1, .voted_id = node_id, .current_voters = {node_id}};
  std::string file = path + "/" + std::string(log::kQuorumStateFile);
  RETURN_IF_ERROR(files.write_file_atomically(file, log::encode_quorum_state(state), false));
  return state.leader_epoch;
}

Status append_leader_change(log::PartitionLog& log, int32_t epoch, int32_t node_id, int64_t now_ms) {
  LeaderChangeMessage message;
  message.version = 0;
  message.leader_id = node_id;
  message.voters.push_back({.voter_id = node_id});
  message.granting_voters.push_back({.voter_id = node_id});
  Bytes batch =
      build_control_batch(0, epoch, now_ms, ControlRecordType::kLeaderChange, write_message(message, 0));
  auto outcome = log.append_as_leader(batch, epoch, log::AppendOrigin::kCoordinator);
  RETURN_IF_ERROR(outcome);
  return ok_status();
}

// Splits the records into batches of at most `most_bytes`; 0: one batch.
Bytes encode_batches(const metadata::MetadataRecords& records, size_t most_bytes, int16_t metadata_version,
                     int64_t now_ms) {
  Bytes batches;
  std::optional<RecordBatchBuilder> builder;
  for (const metadata::MetadataRecord& record : records) {
    Bytes value = metadata::encode_metadata_record(record, metadata_version);
    if (most_bytes > 0 && builder &&
        builder->uncompressed_size() + RecordBatchBuilder::max_record_size(0, value.size()) > most_bytes) {
      batches += builder->build();
      builder.reset();
    }
    if (!builder) builder.emplace();
    builder->append(std::nullopt, value, now_ms);
  }
  if (builder) batches += builder->build();
  return batches;
}

}  // namespace

Result<AppendedMetadata> append_metadata_records(log::PartitionLog& log, int32_t epoch,
                                                 const metadata::MetadataRecords& records, bool atomic,
                                                 int16_t metadata_version, int64_t now_ms) {
  const int16_t level = metadata_version == 0 ? metadata::kMetadataVersionLatest : metadata_version;
  const bool transactions = level >= kMetadataTransactionsSince;
  const size_t most_bytes = std::min(kMaxBatch_bytes, static_cast<size_t>(log.config().segment_bytes));
  Bytes batches = encode_batches(records, atomic ? 0 : most_bytes, level, now_ms);
  if (atomic && transactions && batches.size() > most_bytes &&
      !std::holds_alternative<BeginTransactionRecord>(records.front())) {
    // Too much for one batch, but it must be atomic: a reader holds the batches back until the end of the transaction.
    metadata::MetadataRecords marked;
    marked.reserve(records.size() + 2);
    marked.emplace_back(BeginTransactionRecord());
    marked.insert(marked.end(), records.begin(), records.end());
    marked.emplace_back(EndTransactionRecord());
    batches = encode_batches(marked, most_bytes, level, now_ms);
  }
  AppendedMetadata appended{.bytes = batches.size()};
  // One after the other: together they may be larger than a segment.
  BatchIterator each{ByteView(batches)};
  while (each.next()) {
    auto outcome = log.append_as_leader(each.batch().bytes(), epoch, log::AppendOrigin::kCoordinator);
    // A part was appended, so it must not be tried again.
    if (!outcome && appended.last_offset >= 0) return Error{ErrorKind::kIo, outcome.error().message};
    RETURN_IF_ERROR(outcome);
    if (outcome->error != ErrorCode::kNone) {
      return make_error(ErrorKind::kInvalid, "{} records of metadata were refused with {}", records.size(),
                        error_name(outcome->error));
    }
    appended.last_offset = outcome->last_offset;
  }
  return appended;
}

Status sync_quorum_state(FileSystem& files, const std::string& directory) {
  std::string path = metadata_log_path(directory);
  auto file = files.open(path + "/" + std::string(log::kQuorumStateFile), OpenMode::kReadWrite);
  RETURN_IF_ERROR(file);
  RETURN_IF_ERROR((*file)->sync());
  return files.sync_directory(path);
}

Result<FoundMetadata> find_metadata(FileSystem& files, const std::string& directory, const QuorumVoter& self) {
  std::string path = metadata_log_path(directory);
  auto found = read_metadata(files, path);
  RETURN_IF_ERROR(found);
  auto state = read_quorum_state(files, path);
  RETURN_IF_ERROR(state);
  std::optional<std::vector<int32_t>> noted_voters;
  if (*state) noted_voters = (*state)->current_voters;
  RETURN_IF_ERROR(check_sole_voter(found->quorum, noted_voters, self, path));
  return found;
}

Result<MetadataLog> open_metadata_log(log::FileCache& files, const Clock& clock, const std::string& directory,
                                      int32_t node_id, const log::LogConfig& config, FoundMetadata found) {
  MetadataLog result;
  TopicPartition name{Bytes(metadata::kClusterMetadataTopic), 0};
  std::string path = metadata_log_path(directory);
  RETURN_IF_ERROR(remove_snapshot_leftovers(files.file_system(), path));
  auto log_config = std::make_shared<log::LogConfig>(config);
  log_config->cleanup_delete = false;
  // The log was synced at least to there before the snapshot was made.
  log::OpenState state;
  if (!found.snapshots.empty()) state.recovery_point = found.snapshots.back().id.end_offset;
  auto log = log::PartitionLog::open(files, clock, path, name, std::move(log_config), std::move(state));
  RETURN_IF_ERROR(log);
  result.log = log.take();
  RETURN_IF_ERROR(result.log->cut_at_gap());
  result.snapshots = std::move(found.snapshots);
  RETURN_IF_ERROR(join_log_and_snapshots(result));
  if (result.log->log_end_offset() != found.end_offset) {
    return make_error(ErrorKind::kCorrupt, "{} ends at offset {}, but was read up to {}", path,
                      result.log->log_end_offset(), found.end_offset);
  }
  result.replayed = std::move(found.replayed);
  result.kraft_version = found.quorum.kraft_version;
  result.bytes_since_snapshot = found.bytes_since_snapshot;

  auto epoch = begin_epoch(files.file_system(), path, result.replayed.last_epoch(), node_id);
  RETURN_IF_ERROR(epoch);
  result.epoch = *epoch;
  RETURN_IF_ERROR(append_leader_change(*result.log, result.epoch, node_id, clock.wall_ms()));
  return result;
}

}  // namespace milena::broker
