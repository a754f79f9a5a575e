#include "e2e/kafka_admin.h"

#include <gtest/gtest.h>

#include "e2e/kafka_client.h"

namespace milena::e2e {
namespace {

constexpr int kAnswerPatience_ms = 30'000;

std::string name_of(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : rd_kafka_err2name(error);
}

}  // namespace

Admin::Admin(const std::string& address, const Config& config) {
  char error[512];
  client_ = rd_kafka_new(RD_KAFKA_PRODUCER, make_config(address, config), error, sizeof error);
  EXPECT_NE(client_, nullptr) << error;
}

Admin::~Admin() { rd_kafka_destroy(client_); }

std::string Admin::request(const Ask& ask, const Use& use) {
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client_);
  ask(queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, kAnswerPatience_ms);
  std::string error = event == nullptr ? "no answer" : name_of(rd_kafka_event_error(event));
  if (error.empty()) use(event);
  if (event != nullptr) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  return error;
}

std::string Admin::topic_result(const rd_kafka_topic_result_t** results, size_t count) {
  EXPECT_EQ(count, 1u);
  return count == 1 ? name_of(rd_kafka_topic_result_error(results[0])) : "no result";
}

std::string Admin::create_topic(const std::string& name, int partitions,
                                const std::map<std::string, std::string>& configs) {
  char text[512];
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(name.c_str(), partitions, 1, text, sizeof text);
  EXPECT_NE(topic, nullptr) << text;
  for (const auto& [key, value] : configs) rd_kafka_NewTopic_set_config(topic, key.c_str(), value.c_str());
  std::string result;
  std::string error = request(
      [&](rd_kafka_queue_t* queue) { rd_kafka_CreateTopics(client_, &topic, 1, nullptr, queue); },
      [&](const rd_kafka_event_t* event) {
        size_t count = 0;
        auto results = rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(const_cast<rd_kafka_event_t*>(event)), &count);
        result = topic_result(results, count);
      });
  rd_kafka_NewTopic_destroy(topic);
  return error.empty() ? result : error;
}

std::string Admin::delete_topic(const std::string& name) {
  rd_kafka_DeleteTopic_t* topic = rd_kafka_DeleteTopic_new(name.c_str());
  std::string result;
  std::string error = request(
      [&](rd_kafka_queue_t* queue) { rd_kafka_DeleteTopics(client_, &topic, 1, nullptr, queue); },
      [&](const rd_kafka_event_t* event) {
        size_t count = 0;
        auto results = rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(const_cast<rd_kafka_event_t*>(event)), &count);
        result = topic_result(results, count);
      });
  rd_kafka_DeleteTopic_destroy(topic);
  return error.empty() ? result : error;
}

std::string Admin::create_partitions(const std::string& name, int new_total) {
  char text[512];
  rd_kafka_NewPartitions_t* wanted =
      rd_kafka_NewPartitions_new(name.c_str(), static_cast<size_t>(new_total), text, sizeof text);
  EXPECT_NE(wanted, nullptr) << text;
  std::string result;
  std::string error = request(
      [&](rd_kafka_queue_t* queue) { rd_kafka_CreatePartitions(client_, &wanted, 1, nullptr, queue); },
      [&](const rd_kafka_event_t* event) {
        size_t count = 0;
        auto results = rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(const_cast<rd_kafka_event_t*>(event)), &count);
        result = topic_result(results, count);
      });
  rd_kafka_NewPartitions_destroy(wanted);
  return error.empty() ? result : error;
}

std::string Admin::delete_records(const std::string& topic, int32_t partition, int64_t offset) {
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* records = rd_kafka_DeleteRecords_new(list);
  rd_kafka_topic_partition_list_destroy(list);
  std::string result;
  std::string error =
      request([&](rd_kafka_queue_t* queue) { rd_kafka_DeleteRecords(client_, &records, 1, nullptr, queue); },
              [&](const rd_kafka_event_t* event) {
                auto offsets = rd_kafka_DeleteRecords_result_offsets(
                    rd_kafka_event_DeleteRecords_result(const_cast<rd_kafka_event_t*>(event)));
                EXPECT_EQ(offsets->cnt, 1);
                result = name_of(offsets->elems[0].err);
              });
  rd_kafka_DeleteRecords_destroy(records);
  return error.empty() ? result : error;
}

std::map<std::string, std::string> Admin::configs_of(rd_kafka_ResourceType_t type, const std::string& name) {
  rd_kafka_ConfigResource_t* resource = rd_kafka_ConfigResource_new(type, name.c_str());
  std::map<std::string, std::string> values;
  std::string error = request(
      [&](rd_kafka_queue_t* queue) { rd_kafka_DescribeConfigs(client_, &resource, 1, nullptr, queue); },
      [&](const rd_kafka_event_t* event) {
        size_t count = 0;
        auto resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(const_cast<rd_kafka_event_t*>(event)), &count);
        ASSERT_EQ(count, 1u);
        EXPECT_EQ(name_of(rd_kafka_ConfigResource_error(resources[0])), "");
        auto entries = rd_kafka_ConfigResource_configs(resources[0], &count);
        for (size_t i = 0; i < count; i++) {
          const char* value = rd_kafka_ConfigEntry_value(entries[i]);
          values[rd_kafka_ConfigEntry_name(entries[i])] = value == nullptr ? "" : value;
        }
      });
  EXPECT_EQ(error, "");
  rd_kafka_ConfigResource_destroy(resource);
  return values;
}

std::map<std::string, std::string> Admin::topic_configs(const std::string& name) {
  return configs_of(RD_KAFKA_RESOURCE_TOPIC, name);
}

std::map<std::string, std::string> Admin::broker_configs(int32_t node_id) {
  return configs_of(RD_KAFKA_RESOURCE_BROKER, std::to_string(node_id));
}

std::string Admin::alter_broker_configs(int32_t node_id, const std::map<std::string, std::string>& configs) {
  rd_kafka_ConfigResource_t* resource =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_BROKER, std::to_string(node_id).c_str());
  for (const auto& [key, value] : configs) rd_kafka_ConfigResource_set_config(resource, key.c_str(), value.c_str());
  std::string result;
  std::string error = request(
      [&](rd_kafka_queue_t* queue) { rd_kafka_AlterConfigs(client_, &resource, 1, nullptr, queue); },
      [&](const rd_kafka_event_t* event) {
        size_t count = 0;
        auto resources = rd_kafka_AlterConfigs_result_resources(
            rd_kafka_event_AlterConfigs_result(const_cast<rd_kafka_event_t*>(event)), &count);
        ASSERT_EQ(count, 1u);
        result = name_of(rd_kafka_ConfigResource_error(resources[0]));
      });
  rd_kafka_ConfigResource_destroy(resource);
  return error.empty() ? result : error;
}

std::vector<GroupListing> Admin::groups() {
  std::vector<GroupListing> found;
  std::string error = request(
      [&](rd_kafka_queue_t* queue) { rd_kafka_ListConsumerGroups(client_, nullptr, queue); },
      [&](const rd_kafka_event_t* event) {
        size_t count = 0;
        auto result = rd_kafka_event_ListConsumerGroups_result(const_cast<rd_kafka_event_t*>(event));
        rd_kafka_ListConsumerGroups_result_errors(result, &count);
        EXPECT_EQ(count, 0u);
        auto groups = rd_kafka_ListConsumerGroups_result_valid(result, &count);
        for (size_t i = 0; i < count; i++) {
          found.push_back({rd_kafka_ConsumerGroupListing_group_id(groups[i]),
                           rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupListing_state(groups[i]))});
        }
      });
  EXPECT_EQ(error, "");
  return found;
}

std::pair<std::string, size_t> Admin::describe_group(const std::string& id) {
  std::pair<std::string, size_t> found;
  const char* ids[] = {id.c_str()};
  std::string error = request(
      [&](rd_kafka_queue_t* queue) { rd_kafka_DescribeConsumerGroups(client_, ids, 1, nullptr, queue); },
      [&](const rd_kafka_event_t* event) {
        size_t count = 0;
        auto groups = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(const_cast<rd_kafka_event_t*>(event)), &count);
        ASSERT_EQ(count, 1u);
        found = {rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(groups[0])),
                 rd_kafka_ConsumerGroupDescription_member_count(groups[0])};
      });
  EXPECT_EQ(error, "");
  return found;
}

std::string Admin::delete_group(const std::string& id) {
  rd_kafka_DeleteGroup_t* group = rd_kafka_DeleteGroup_new(id.c_str());
  std::string result;
  std::string error = request(
      [&](rd_kafka_queue_t* queue) { rd_kafka_DeleteGroups(client_, &group, 1, nullptr, queue); },
      [&](const rd_kafka_event_t* event) {
        size_t count = 0;
        auto groups = rd_kafka_DeleteGroups_result_groups(
            rd_kafka_event_DeleteGroups_result(const_cast<rd_kafka_event_t*>(event)), &count);
        ASSERT_EQ(count, 1u);
        const rd_kafka_error_t* failed = rd_kafka_group_result_error(groups[0]);
        if (failed != nullptr) result = name_of(rd_kafka_error_code(failed));
      });
  rd_kafka_DeleteGroup_destroy(group);
  return error.empty() ? result : error;
}

void Admin::with_metadata(const std::function<void(const struct rd_kafka_metadata&)>& use) {
  const struct rd_kafka_metadata* metadata = nullptr;
  rd_kafka_resp_err_t error = rd_kafka_metadata(client_, 1, nullptr, &metadata, kAnswerPatience_ms);
  EXPECT_EQ(name_of(error), "");
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  use(*metadata);
  rd_kafka_metadata_destroy(metadata);
}

std::map<std::string, int> Admin::topics() {
  std::map<std::string, int> found;
  with_metadata([&](const struct rd_kafka_metadata& metadata) {
    for (int i = 0; i < metadata.topic_cnt; i++) {
      found[metadata.topics[i].topic] = metadata.topics[i].partition_cnt;
    }
  });
  return found;
}

std::vector<std::string> Admin::brokers() {
  std::vector<std::string> found;
  with_metadata([&](const struct rd_kafka_metadata& metadata) {
    for (int i = 0; i < metadata.broker_cnt; i++) {
      found.push_back(std::string(metadata.brokers[i].host) + ":" + std::to_string(metadata.brokers[i].port));
    }
  });
  return found;
}

std::string Admin::cluster_id() {
  char* id = rd_kafka_clusterid(client_, kAnswerPatience_ms);
  std::string text = id == nullptr ? "" : id;
  if (id != nullptr) rd_kafka_mem_free(client_, id);
  return text;
}

}  // namespace milena::e2e
