// DescribeLogDirs (key 35), versions 0-5: the contents of each log directory, with the copies of moves in progress
// (IsFutureKey). Version 3 adds a top-level error, 4 the disk's size and free space, 5 whether it is cordoned.
#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/storage/log_directories.h"
#include "broker/storage/replica_mover.h"
#include "log/file_cache.h"
#include "metadata/record_codec.h"
#include "protocol/messages/describe_log_dirs.h"

namespace milena::broker {
namespace {

using DescribeLogDirsCall = Call<DescribeLogDirsRequest, DescribeLogDirsResponse>;

struct ReplicaSize {
  TopicPartition name;
  const log::LogDirectory* directory = nullptr;
  int64_t bytes = 0;
  int64_t lag = 0;
  bool future = false;
};

using Wanted = std::optional<std::set<TopicPartition>>;

void collect_sizes(Shard& shard, const Wanted& wanted, std::vector<ReplicaSize>& out) {
  shard.replicas().for_each_partition([&](Partition& partition) {
    if (wanted && !wanted->contains(partition.topic_partition())) return;
    if (partition.known_empty()) {
      out.push_back({partition.topic_partition(), partition.directory(), 0, 0, false});
      return;
    }
    (void)partition.with_log([&](log::PartitionLog& log) -> Status {
      auto bytes = log.size();
      RETURN_IF_ERROR(bytes);
      out.push_back({partition.topic_partition(), partition.directory(), static_cast<int64_t>(*bytes),
                     std::max<int64_t>(log.high_watermark() - log.log_end_offset(), 0), false});
      if (auto future = shard.replicas().mover().future_of(partition.id())) {
        out.push_back({partition.topic_partition(), future->directory, static_cast<int64_t>(future->bytes),
                       std::max<int64_t>(log.log_end_offset() - future->log_end_offset, 0), true});
      }
      return ok_status();
    });
  });
}

void describe(const log::LogDirectory& directory, const std::vector<ReplicaSize>& replicas, FileSystem& files,
              DescribeLogDirsResponse::DescribeLogDirsResult& out) {
  out.log_dir = directory.path();
  if (!directory.online()) {
    out.error_code = ErrorCode::kKafkaStorageError;
    return;
  }
  for (const ReplicaSize& replica : replicas) {
    if (replica.directory != &directory) continue;
    if (out.topics.empty() || out.topics.back().name != replica.name.topic) {
      out.topics.emplace_back().name = replica.name.topic;
    }
    auto& partition = out.topics.back().partitions.emplace_back();
    partition.partition_index = replica.name.partition;
    partition.partition_size = replica.bytes;
    partition.offset_lag = replica.lag;
    partition.is_future_key = replica.future;
  }
  DiskSpace space = files.space(directory.path());
  out.total_bytes = space.total_bytes;
  out.usable_bytes = space.usable_bytes;
}

void answer_log_dirs(DescribeLogDirsCall& call, const std::vector<std::vector<ReplicaSize>>& parts) {
  std::vector<ReplicaSize> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const ShardContext& home = call.context();
  const LogDirectories& directories = *home.node().directories;
  const bool cordons = home.image().metadata_version() >= metadata::kMetadataVersion43Iv0;
  const auto cordoned = cordons ? directories.cordoned_ids(home.settings()) : std::vector<Uuid>();
  DescribeLogDirsResponse response;
  for (const auto& directory : directories.all()) {
    auto& out = response.results.emplace_back();
    describe(*directory, all, home.node().files->file_system(), out);
    out.is_cordoned = std::find(cordoned.begin(), cordoned.end(), directory->id()) != cordoned.end();
  }
  for (const std::string& path : directories.failed_paths()) {
    auto& out = response.results.emplace_back();
    out.log_dir = path;
    out.error_code = ErrorCode::kKafkaStorageError;
  }
  call.reply(response);
}

void handle_describe_log_dirs(std::shared_ptr<DescribeLogDirsCall> call) {
  if (!require_cluster(*call, security::kDescribeTheCluster)) return;
  Shard& shard = call->shard();
  auto wanted = std::make_shared<Wanted>();
  if (call->request.topics) {
    wanted->emplace();
    for (const auto& topic : *call->request.topics) {
      for (int32_t partition : topic.partitions) (*wanted)->insert({std::string(topic.topic), partition});
    }
  }
  auto parts = std::make_shared<std::vector<std::vector<ReplicaSize>>>(shard.router().shard_count());
  auto fits = std::make_shared<std::atomic<bool>>(true);
  shard.router().at_all(
      shard,
      [wanted, parts, fits](Shard& each) {
        if (!continue_or_drop([&] { collect_sizes(each, *wanted, (*parts)[each.index()]); })) *fits = false;
      },
      [call, parts, fits] {
        if (*fits) continue_or_drop([&] { answer_log_dirs(*call, *parts); });
      });
}

}  // namespace

ApiEntry describe_log_dirs_api() {
  return api_entry<DescribeLogDirsCall, handle_describe_log_dirs>({security::kDescribeTheCluster});
}

}  // namespace milena::broker
