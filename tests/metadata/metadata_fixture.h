// Shorthands for metadata records and images.
#pragma once

#include <gtest/gtest.h>

#include "metadata/controller.h"
#include "metadata/features.h"
#include "metadata/image.h"

namespace milena::metadata::testing {

inline constexpr Uuid kA{1, 1};
inline constexpr Uuid kB{1, 2};

inline TopicRecord topic(ByteView name, Uuid id) {
  TopicRecord record;
  record.name = name;
  record.topic_id = id;
  return record;
}

inline PartitionRecord partition(Uuid id, int32_t number, std::vector<int32_t> replicas = {1}) {
  PartitionRecord record;
  record.topic_id = id;
  record.partition_id = number;
  record.replicas = replicas;
  record.isr = replicas;
  record.leader = replicas.front();
  record.leader_epoch = 0;
  record.partition_epoch = 0;
  for (const int32_t each : replicas) record.directories.push_back(Uuid{7, static_cast<uint64_t>(each)});
  return record;
}

inline PartitionChangeRecord change(Uuid id, int32_t number) {
  PartitionChangeRecord record;
  record.topic_id = id;
  record.partition_id = number;
  return record;
}

inline ConfigRecord config(ResourceType type, ByteView resource, ByteView name, std::optional<Bytes> value) {
  ConfigRecord record;
  record.resource_type = static_cast<int8_t>(type);
  record.resource_name = resource;
  record.name = name;
  record.value = std::move(value);
  return record;
}

inline RemoveTopicRecord remove_topic(Uuid id) {
  RemoveTopicRecord record;
  record.topic_id = id;
  return record;
}

inline RegisterBrokerRecord broker(int32_t id, int64_t epoch, bool fenced = false) {
  RegisterBrokerRecord record;
  record.broker_id = id;
  record.broker_epoch = epoch;
  record.incarnation_id = Uuid{9, static_cast<uint64_t>(epoch)};
  record.fenced = fenced;
  record.log_dirs = {Uuid{7, static_cast<uint64_t>(id)}};
  return record;
}

inline ImageDelta apply(MetadataImage& image, const MetadataRecords& records) {
  ImageDelta delta;
  for (const MetadataRecord& record : records) {
    const Status applied = image.apply(record, delta);
    EXPECT_TRUE(applied.ok()) << applied.error().message;
  }
  return delta;
}

// An image created again from its own records.
inline MetadataImage copy(const MetadataImage& image) {
  MetadataImage made;
  ImageDelta delta;
  image.write([&](MetadataRecord record) {
    const Status applied = made.apply(record, delta);
    EXPECT_TRUE(applied.ok()) << applied.error().message;
  });
  return made;
}

// Topic ids 0-1-0-0-... in order, so that tests can name them.
inline std::function<Uuid()> counting_uuids() {
  return [next = uint64_t{0}]() mutable { return Uuid{100, ++next}; };
}

// A controller of one node with broker 1 registered and serving.
inline Controller one_node_controller(ControllerSettings settings = {}) {
  Controller controller(MetadataImage(), std::move(settings), counting_uuids());
  controller.apply(controller.activate(default_bootstrap_records(), false).records);
  BrokerStart start;
  start.incarnation_id = Uuid{9, 1};
  start.endpoints = {{"PLAINTEXT", "localhost", 9092, 0}};
  start.features = supported_features();
  start.log_dirs = {Uuid{7, 1}};
  controller.apply(controller.register_broker(start, 9).records);
  controller.apply(controller.unfence_broker(1).records);
  return controller;
}

}  // namespace milena::metadata::testing
