// AlterReplicaLogDirs (key 34), versions 0-2: replicas of this broker that shall lie in another of its log directories. The
// answer says that the moves were begun; DescribeLogDirs tells how far they are.
#include <map>

#include "broker/api_entry.h"
#include "broker/call.h"
#include "broker/replica_mover.h"
#include "broker/shard.h"
#include "protocol/messages/alter_replica_log_dirs.h"

namespace milena {
namespace {

using AlterReplicaLogDirsCall = Call<AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse>;

struct MoveItem {
  TopicPartitionId id;
  size_t topic = 0;
  size_t partition = 0;
  LogDirectory* to = nullptr;
  ErrorCode error = ErrorCode::kNone;
};

// The future directory's name has to fit into 255 bytes: the topic, '-', the number, '.', 32 digits, "-future".
constexpr size_t kLongestMovableTopic = 255 - 1 - 10 - 1 - 32 - 7;

void move_replica(Shard& owner, MoveItem& item) {
  Partition* partition = owner.find_partition(item.id);
  if (partition == nullptr) {
    item.error = ErrorCode::kNotLeaderOrFollower;
  } else if (partition->offline()) {
    item.error = ErrorCode::kKafkaStorageError;
  } else {
    item.error = owner.mover().move(*partition, *item.to);
  }
}

void handle_alter_replica_log_dirs(std::shared_ptr<AlterReplicaLogDirsCall> call) {
  Shard& shard = call->shard();
  const LogDirectories& directories = *shard.node().directories;
  auto response = std::make_shared<AlterReplicaLogDirsResponse>();
  std::map<Bytes, size_t> topics;
  std::vector<MoveItem> items;
  const std::vector<Uuid> cordoned = directories.cordoned_ids(shard.settings());
  for (const auto& dir : call->request.dirs) {
    LogDirectory* to = directories.find_path(dir.path);
    ErrorCode refused = ErrorCode::kNone;
    if (!directories.is_configured(dir.path)) refused = ErrorCode::kLogDirNotFound;
    else if (to == nullptr) refused = ErrorCode::kKafkaStorageError;
    else if (std::find(cordoned.begin(), cordoned.end(), to->id()) != cordoned.end()) {
      refused = ErrorCode::kInvalidReplicaAssignment;
    }
    for (const auto& topic : dir.topics) {
      auto [at, first] = topics.emplace(topic.name, response->results.size());
      if (first) response->results.emplace_back().topic_name = Bytes(topic.name);
      auto& out = response->results[at->second];
      const TopicImage* image = shard.image().find_topic(topic.name);
      for (int32_t partition : topic.partitions) {
        auto& result = out.partitions.emplace_back();
        result.partition_index = partition;
        if (topic.name.size() > kLongestMovableTopic) {
          result.error_code = ErrorCode::kInvalidTopicException;
        } else if (refused != ErrorCode::kNone) {
          result.error_code = refused;
        } else if (image == nullptr || image->partition(partition) == nullptr) {
          result.error_code = ErrorCode::kUnknownTopicOrPartition;
        } else {
          items.push_back({{image->id, partition}, at->second, out.partitions.size() - 1, to});
        }
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

ApiEntry alter_replica_log_dirs_api() { return api_entry<AlterReplicaLogDirsCall, handle_alter_replica_log_dirs>(); }

}  // namespace milena
