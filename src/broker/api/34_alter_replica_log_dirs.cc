// AlterReplicaLogDirs (key 34), versions 0-2: moves replicas of this broker to another of its log directories. The
// answer means that the moves were started; DescribeLogDirs shows their progress. For a replica that is named more than
// once the last directory counts, and it is answered once (Kafka's AlterReplicaLogDirsRequest.partitionDirs). A replica
// that does not exist here yet is answered with an error, and later created in that directory.
#include <map>

#include "base/log.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/storage/log_directories.h"
#include "broker/storage/replica_mover.h"
#include "protocol/messages/alter_replica_log_dirs.h"

namespace milena::broker {
namespace {

using AlterReplicaLogDirsCall = Call<AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse>;

struct MoveItem {
  TopicPartitionId id;
  size_t topic = 0;
  size_t partition = 0;
  log::LogDirectory* to = nullptr;
  ErrorCode error = ErrorCode::kNone;
};

// The future directory's name must fit into 255 bytes: the topic, '-', the number, '.', 32 digits, "-future".
constexpr size_t kLongestMovableTopic = 255 - 1 - 10 - 1 - 32 - 7;

void move_replica(Shard& owner, MoveItem& item) {
  Partition* partition = owner.replicas().find_replica(item.id);
  if (partition == nullptr) {
    item.error = ErrorCode::kNotLeaderOrFollower;
  } else if (partition->offline()) {
    item.error = ErrorCode::kKafkaStorageError;
  } else {
    item.error = whole_or_not([&] { return owner.replicas().mover().move(*partition, *item.to); });
  }
}

struct Destination {
  log::LogDirectory* directory = nullptr;
  ErrorCode refused = ErrorCode::kNone;
};

Destination find_destination(const LogDirectories& directories, const std::vector<Uuid>& cordoned, ByteView path) {
  Destination to{directories.find_path(path)};
  if (!directories.is_configured(path)) {
    to.refused = ErrorCode::kLogDirNotFound;
  } else if (to.directory == nullptr) {
    to.refused = ErrorCode::kKafkaStorageError;
  } else if (std::find(cordoned.begin(), cordoned.end(), to.directory->id()) != cordoned.end()) {
    to.refused = ErrorCode::kInvalidReplicaAssignment;
  }
  return to;
}

void refuse_moves(AlterReplicaLogDirsCall& call) {
  AlterReplicaLogDirsResponse response;
  for (const auto& dir : call.request.dirs) {
    for (const auto& topic : dir.topics) {
      auto& out = response.results.emplace_back();
      out.topic_name = Bytes(topic.name);
      for (int32_t partition : topic.partitions) {
        out.partitions.push_back({partition, ErrorCode::kClusterAuthorizationFailed});
      }
    }
  }
  call.reply(response);
}

// Whether this broker has no such replica; then the directory is remembered.
bool is_to_come(Shard& shard, const metadata::TopicImage* topic, const TopicPartition& name,
                log::LogDirectory& directory) {
  const metadata::PartitionImage* image = topic == nullptr ? nullptr : topic->partition(name.partition);
  if (image != nullptr && image->replicas.contains(shard.node().node_id)) return false;
  if (!shard.node().wanted_places->want(name, directory) && shard.first_time("wanted places")) {
    log_warn(
        "AlterReplicaLogDirs: the directory for {} is not remembered, nor those for more partitions: {} partitions "
        "without a replica here are remembered already",
        name.to_string(), WantedPlaces::kMax);
  }
  return true;
}

void handle_alter_replica_log_dirs(std::shared_ptr<AlterReplicaLogDirsCall> call) {
  if (!call->allows(security::kAlterCluster)) return refuse_moves(*call);
  Shard& shard = call->shard();
  const LogDirectories& directories = *shard.node().directories;
  const std::vector<Uuid> cordoned = directories.cordoned_ids(shard.settings());
  std::map<ByteView, std::map<int32_t, Destination>> wanted;
  for (const auto& dir : call->request.dirs) {
    const Destination to = find_destination(directories, cordoned, dir.path);
    for (const auto& topic : dir.topics) {
      for (const int32_t partition : topic.partitions) wanted[topic.name].insert_or_assign(partition, to);
    }
  }
  auto response = std::make_shared<AlterReplicaLogDirsResponse>();
  std::vector<MoveItem> items;
  for (const auto& [topic, partitions] : wanted) {
    auto& out = response->results.emplace_back();
    out.topic_name = Bytes(topic);
    const metadata::TopicImage* image = shard.image().find_topic(topic);
    for (const auto& [partition, to] : partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition_index = partition;
      if (topic.size() > kLongestMovableTopic) {
        result.error_code = ErrorCode::kInvalidTopicException;
      } else if (to.refused != ErrorCode::kNone) {
        result.error_code = to.refused;
      } else if (is_to_come(shard, image, {Bytes(topic), partition}, *to.directory)) {
        result.error_code = image == nullptr || image->partition(partition) == nullptr
                                ? ErrorCode::kUnknownTopicOrPartition
                                : ErrorCode::kNotLeaderOrFollower;
      } else {
        items.push_back(
            {{image->id, partition}, response->results.size() - 1, out.partitions.size() - 1, to.directory});
      }
    }
  }
  shard.router().visit_each<MoveItem>(
      shard, std::move(items), &move_replica, [call, response](std::vector<MoveItem> done) {
        for (const MoveItem& item : done) {
          response->results[item.topic].partitions[item.partition].error_code = item.error;
        }
        call->reply(*response);
      });
}

}  // namespace

ApiEntry alter_replica_log_dirs_api() {
  return api_entry<AlterReplicaLogDirsCall, handle_alter_replica_log_dirs>({security::kAlterCluster});
}

}  // namespace milena::broker
