// Shared by the controller's files: a topic and its partitions as they would be created. Internal to src/metadata.
#pragma once

#include "metadata/controller.h"

namespace milena::metadata {

inline constexpr ByteView kMinInSyncReplicas = "min.insync.replicas";

struct Controller::NewPartition {
  std::vector<int32_t> replicas;
  std::vector<int32_t> isr;
  int32_t leader = kNoLeader;
  std::vector<Uuid> directories;

  PartitionRecord record(const Uuid& topic_id, int32_t number) const;
};

struct Controller::TopicPlan {
  Bytes name;
  Uuid id;
  config::ConfigMap configs;
  std::vector<NewPartition> partitions;
};

}  // namespace milena::metadata
