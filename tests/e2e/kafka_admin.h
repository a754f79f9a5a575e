// Admin: librdkafka's admin requests, one call each. Every call waits for its response and returns the error's name (""
// for none) or the result. Used by one test's thread.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "e2e/kafka_client.h"

namespace milena::e2e {

struct GroupListing {
  std::string id;
  std::string state;
};

class Admin {
 public:
  explicit Admin(const std::string& address, const Config& config = {});
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  std::string create_topic(const std::string& name, int partitions,
                           const std::map<std::string, std::string>& configs = {});
  std::string delete_topic(const std::string& name);
  std::string create_partitions(const std::string& name, int new_total);
  // Deletes everything before `offset`.
  std::string delete_records(const std::string& topic, int32_t partition, int64_t offset);
  std::map<std::string, std::string> topic_configs(const std::string& name);
  std::map<std::string, std::string> broker_configs(int32_t node_id);
  // Replaces all configs that are set on the broker.
  std::string alter_broker_configs(int32_t node_id, const std::map<std::string, std::string>& configs);
  std::vector<GroupListing> groups();
  // State of a group, and its number of members.
  std::pair<std::string, size_t> describe_group(const std::string& id);
  std::string delete_group(const std::string& id);
  // Partitions of each topic.
  std::map<std::string, int> topics();
  // "host:port" of each broker.
  std::vector<std::string> brokers();
  std::string cluster_id();

 private:
  using Ask = std::function<void(rd_kafka_queue_t*)>;
  using Use = std::function<void(const rd_kafka_event_t*)>;
  // Sends with `ask`, waits, passes the result's event to `use`; otherwise returns the error of the whole request.
  std::string request(const Ask& ask, const Use& use);
  std::string topic_result(const rd_kafka_topic_result_t** results, size_t count);
  std::map<std::string, std::string> configs_of(rd_kafka_ResourceType_t type, const std::string& name);
  void with_metadata(const std::function<void(const struct rd_kafka_metadata&)>& use);

  rd_kafka_t* client_;
};

}  // namespace milena::e2e
