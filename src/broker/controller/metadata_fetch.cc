#include "broker/controller/metadata_fetch.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/clients/endpoints.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/shard.h"
#include "log/file_cache.h"
#include "metadata/internal_topics.h"

namespace milena::broker {
namespace {

// The most bytes of one answer, even if more were asked for.
constexpr uint64_t kMaxFetch_bytes = 8 << 20;

struct MetadataPosition {
  int32_t leader_epoch = -1;
  int64_t offset = -1;
  int32_t last_epoch = -1;
  int64_t high_watermark = INT64_MAX;
  uint64_t max_bytes = 0;
};

// The result of the home shard.
struct Found {
  ErrorCode error = ErrorCode::kNone;
  int32_t epoch = -1;
  int64_t high_watermark = -1;
  int64_t log_start_offset = -1;
  std::optional<MetadataSnapshotId> snapshot;
  std::optional<log::EpochEndOffset> diverging;
  Payload records;
  bool has_news() const {
    return error != ErrorCode::kNone || snapshot || diverging || !records.empty();
  }
};

// Whether the follower's log is a prefix of this one. Otherwise `found` has the point of divergence, or the snapshot to
// begin with.
Status check_position(MetadataRuntime& runtime, const MetadataPosition& position, Found& found) {
  log::PartitionLog& log = runtime.log();
  if (log.log_start_offset() == 0 && position.offset == 0 && position.last_epoch == 0) return ok_status();
  const auto& snapshots = runtime.snapshots().known();
  if (!snapshots.empty()) {
    const MetadataSnapshotId& earliest = snapshots.front().id;
    const int64_t start = log.log_start_offset();
    const bool needs_it = position.offset < start || position.last_epoch < earliest.epoch ||
                          (start > 0 && position.offset == start && position.last_epoch != earliest.epoch);
    // A log that still has its first record needs no snapshot.
    if (needs_it && start > 0) {
      found.snapshot = snapshots.back().id;
      return ok_status();
    }
  }
  auto end = log.epoch_end_offset(position.last_epoch);
  RETURN_IF_ERROR(end);
  auto latest = log.latest_epoch();
  RETURN_IF_ERROR(latest);
  const log::EpochEndOffset known =
      *end ? **end : log::EpochEndOffset{latest->value_or(runtime.epoch()), log.log_end_offset()};
  if (known.epoch != position.last_epoch || known.end_offset < position.offset) found.diverging = known;
  return ok_status();
}

Status read_position(MetadataRuntime& runtime, const MetadataPosition& position, Found& found) {
  log::PartitionLog& log = runtime.log();
  found.epoch = runtime.epoch();
  found.high_watermark = log.high_watermark();
  found.log_start_offset = log.log_start_offset();
  if (position.leader_epoch < found.epoch) found.error = ErrorCode::kFencedLeaderEpoch;
  if (position.leader_epoch > found.epoch) found.error = ErrorCode::kUnknownLeaderEpoch;
  if (found.error != ErrorCode::kNone) return ok_status();
  RETURN_IF_ERROR(check_position(runtime, position, found));
  if (found.snapshot || found.diverging || position.offset >= log.high_watermark()) return ok_status();
  auto outcome = log.read(position.offset, position.max_bytes, log.high_watermark(), true);
  RETURN_IF_ERROR(outcome);
  found.error = outcome->error;
  found.records = std::move(outcome->batches);
  return ok_status();
}

// A fetch that waits on the home shard. `reply` goes to the connection's shard by itself.
struct WaitingFetch {
  MetadataRuntime& runtime;
  MetadataPosition position;
  int64_t deadline_ms;
  std::function<void(Found)> reply;
  TimerId timer = 0;
  uint64_t at_commit = 0;
};

void look(const std::shared_ptr<WaitingFetch>& fetch) {
  if (!fetch->reply) return;
  ShardContext& home = fetch->runtime.home();
  Found found;
  if (Status read = read_position(fetch->runtime, fetch->position, found); !read.ok()) {
    log_error("the metadata log cannot be read for a follower: {}", read.error().message);
    found.error = ErrorCode::kUnknownServerError;
  }
  // A new high watermark is answered, too (KIP-1166).
  const bool news = found.has_news() || fetch->position.high_watermark < found.high_watermark;
  if (news || home.steady_ms() >= fetch->deadline_ms) {
    if (fetch->timer != 0) home.executor().cancel(fetch->timer);
    fetch->runtime.forget_at_commit(fetch->at_commit);
    return std::exchange(fetch->reply, nullptr)(std::move(found));
  }
  if (fetch->timer == 0) fetch->timer = home.executor().call_at(fetch->deadline_ms, [fetch] { look(fetch); });
  fetch->at_commit = fetch->runtime.at_next_commit([fetch] { look(fetch); });
}

void name_this_controller(const FetchCall& call, FetchResponse& response) {
  if (call.version() < 16) return;
  const config::ListenerEndpoint here = advertised_endpoint(call);
  auto& node = response.node_endpoints.emplace_back();
  node.node_id = call.shard().node().node_id;
  node.host = here.host;
  node.port = here.port;
}

FetchResponse respond(const FetchCall& call, Found found) {
  FetchResponse response;
  auto& topic = response.responses.emplace_back();
  topic.topic = Bytes(metadata::kClusterMetadataTopic);
  topic.topic_id = kMetadataTopicId;
  auto& out = topic.partitions.emplace_back();
  out.error_code = found.error;
  out.high_watermark = found.high_watermark;
  out.last_stable_offset = found.high_watermark;
  out.log_start_offset = found.log_start_offset;
  out.current_leader.leader_id = call.shard().node().node_id;
  out.current_leader.leader_epoch = found.epoch;
  if (found.snapshot) {
    out.snapshot_id.end_offset = found.snapshot->end_offset;
    out.snapshot_id.epoch = found.snapshot->epoch;
  }
  if (found.diverging) {
    out.diverging_epoch.epoch = found.diverging->epoch;
    out.diverging_epoch.end_offset = found.diverging->end_offset;
  }
  out.aborted_transactions.reset();
  out.records = std::move(found.records);
  if (found.error != ErrorCode::kNone) name_this_controller(call, response);
  return response;
}

// Checks that the request is for the one partition; returns kNone or the error of the whole request.
ErrorCode check_request(const FetchCall& call) {
  const FetchRequest& request = call.request;
  if (request.cluster_id && *request.cluster_id != call.shard().node().cluster_id) {
    return ErrorCode::kInconsistentClusterId;
  }
  if (request.topics.size() != 1 || request.topics[0].partitions.size() != 1) return ErrorCode::kInvalidRequest;
  const auto& topic = request.topics[0];
  const bool known = call.version() >= kFetchWithTopicIds ? topic.topic_id == kMetadataTopicId
                                                          : topic.topic == metadata::kClusterMetadataTopic;
  if (!known || topic.partitions[0].partition != 0) return ErrorCode::kUnknownTopicOrPartition;
  const auto& at = topic.partitions[0];
  const bool possible = at.fetch_offset >= 0 && at.last_fetched_epoch >= 0 && at.current_leader_epoch >= 0;
  return possible ? ErrorCode::kNone : ErrorCode::kInvalidRequest;
}

}  // namespace

void fetch_metadata(std::shared_ptr<FetchCall> call) {
  Shard& shard = call->shard();
  const ErrorCode refused = shard.node().metadata == nullptr ? ErrorCode::kNotController : check_request(*call);
  if (refused != ErrorCode::kNone) {
    FetchResponse response;
    response.error_code = refused;
    return call->reply(response);
  }
  const auto& asked = call->request.topics[0].partitions[0];
  const int64_t wait_ms = std::max(call->request.max_wait_ms, 0);
  const uint64_t max_bytes = static_cast<uint64_t>(std::max({asked.partition_max_bytes, call->request.max_bytes, 0}));
  auto fetch = std::make_shared<WaitingFetch>(WaitingFetch{
      shard.metadata(),
      {asked.current_leader_epoch, asked.fetch_offset, asked.last_fetched_epoch, asked.high_watermark,
       std::min(max_bytes, kMaxFetch_bytes)},
      shard.steady_ms() + wait_ms,
      nullptr});
  Shard& home = shard.metadata().home().shard();
  fetch->reply = [call, &shard, &home](Found found) mutable {
    auto kept = std::make_shared<Found>(std::move(found));
    shard.router().run_on(home, shard, [call = std::exchange(call, nullptr), kept] {
      continue_or_drop([&] { call->reply(respond(*call, std::move(*kept))); });
    });
  };
  const bool new_form = call->version() >= 15;
  const int32_t replica_id = new_form ? call->request.replica_state.replica_id : call->request.replica_id;
  shard.router().run_on(shard, home, [fetch, replica_id, directory_id = asked.replica_directory_id] {
    MetadataRuntime& runtime = fetch->runtime;
    runtime.observers().note_fetch(replica_id, directory_id, fetch->position.offset, runtime.log().log_end_offset(),
                                   runtime.home().now_ms(), runtime.home().steady_ms());
    look(fetch);
  });
}

// --- snapshots

namespace {

using SnapshotOut = FetchSnapshotResponse::PartitionSnapshot;

// A part of the file, unchanged.
Status read_snapshot_part(FileSystem& files, const std::string& path, int64_t position, uint64_t most,
                          SnapshotOut& out) {
  auto file = files.open(path, OpenMode::kRead);
  if (!file) {
    if (file.error().kind != ErrorKind::kNotFound) return file.error();
    out.error_code = ErrorCode::kSnapshotNotFound;
    return ok_status();
  }
  auto size = (*file)->size();
  RETURN_IF_ERROR(size);
  if (position < 0 || static_cast<uint64_t>(position) >= *size) {
    out.error_code = ErrorCode::kPositionOutOfRange;
    return ok_status();
  }
  out.size = static_cast<int64_t>(*size);
  out.position = position;
  const uint64_t start = static_cast<uint64_t>(position);
  out.unaligned_records.append(FileSlice{*file, start, std::min(most, *size - start)});
  return ok_status();
}

void answer_snapshot(const std::shared_ptr<FetchSnapshotCall>& call, ErrorCode top, SnapshotOut out) {
  FetchSnapshotResponse response;
  response.error_code = top;
  if (top == ErrorCode::kNone) {
    auto& topic = response.topics.emplace_back();
    topic.name = Bytes(metadata::kClusterMetadataTopic);
    topic.partitions.push_back(std::move(out));
  }
  call->reply(response);
}

}  // namespace

void fetch_metadata_snapshot(std::shared_ptr<FetchSnapshotCall> call) {
  Shard& shard = call->shard();
  const FetchSnapshotRequest& request = call->request;
  if (shard.node().metadata == nullptr) return answer_snapshot(call, ErrorCode::kNotController, {});
  if (request.cluster_id && *request.cluster_id != shard.node().cluster_id) {
    return answer_snapshot(call, ErrorCode::kInconsistentClusterId, {});
  }
  if (request.topics.size() != 1 || request.topics[0].partitions.size() != 1) {
    return answer_snapshot(call, ErrorCode::kInvalidRequest, {});
  }
  Shard& home = shard.metadata().home().shard();
  shard.router().run_on(shard, home, [call, &shard, &home] {
    const auto& asked = call->request.topics[0].partitions[0];
    MetadataRuntime& runtime = shard.metadata();
    auto out = std::make_shared<SnapshotOut>();
    out->snapshot_id.end_offset = asked.snapshot_id.end_offset;
    out->snapshot_id.epoch = asked.snapshot_id.epoch;
    out->current_leader.leader_id = shard.node().node_id;
    out->current_leader.leader_epoch = runtime.epoch();
    const MetadataSnapshotId id{asked.snapshot_id.end_offset, asked.snapshot_id.epoch};
    if (call->request.topics[0].name != metadata::kClusterMetadataTopic || asked.partition != 0) {
      out->error_code = ErrorCode::kUnknownTopicOrPartition;
    } else if (asked.current_leader_epoch != runtime.epoch()) {
      out->error_code = asked.current_leader_epoch < runtime.epoch() ? ErrorCode::kFencedLeaderEpoch
                                                                     : ErrorCode::kUnknownLeaderEpoch;
    } else {
      const uint64_t most = std::min<uint64_t>(static_cast<uint64_t>(std::max(call->request.max_bytes, 1)),
                                               kMaxFetch_bytes);
      const std::string path = runtime.log().directory() + "/" + id.file_name();
      Status read = read_snapshot_part(shard.node().files->file_system(), path, asked.position, most, *out);
      if (!read.ok()) {
        log_error("the snapshot {} cannot be read: {}", id.file_name(), read.error().message);
        out->error_code = ErrorCode::kUnknownServerError;
      }
    }
    shard.router().run_on(home, shard, [call, out] { answer_snapshot(call, ErrorCode::kNone, std::move(*out)); });
  });
}

}  // namespace milena::broker
