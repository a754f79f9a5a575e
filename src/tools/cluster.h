// Cluster: a command's view of the brokers: one connection to each that it uses, the leaders of partitions, the
// coordinators of groups. Blocks its caller.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/topic_partition.h"
#include "protocol/messages/metadata.h"
#include "tools/broker_client.h"
#include "tools/options.h"

namespace milena::tools {

inline constexpr char kUsualServer[] = "localhost:9092";
inline constexpr int64_t kCommandTimeout_ms = 15'000;

// How a command reaches its brokers: the common options, and the properties in the file of --command-config.
struct ClusterOptions {
  std::string servers;  // empty: kUsualServer
  std::string config_file;
  std::map<std::string, std::string> properties;  // of Kafka's Java clients
  std::string client_id = "milena";
  int64_t timeout_ms = kCommandTimeout_ms;
  ClientSecurity security;         // from the properties
  BrokerTransportMaker transport;  // instead of that of the properties

  // --bootstrap-server (also -b) and --command-config.
  void add_to(Options& options);
};

class Cluster {
 public:
  // Reads the file, and connects to the first server that answers.
  static Result<std::unique_ptr<Cluster>> open(ClusterOptions options);

  // Asks any broker.
  template <class Response, class Request>
  Result<Response> ask(const Request& request) {
    return any_->ask<Response>(request);
  }
  // Null if the broker is unknown or unreachable.
  Result<BrokerClient*> broker(int32_t id);
  Result<BrokerClient*> leader(const std::string& topic, int32_t partition);
  Result<int32_t> leader_id(const std::string& topic, int32_t partition);
  // These wait until there is a coordinator.
  Result<BrokerClient*> group_coordinator(const std::string& group);
  Result<BrokerClient*> transaction_coordinator(const std::string& transactional_id);

  // Of all topics if `names` is empty; else of these, unknown ones too, each with its error.
  Result<MetadataResponse> metadata(const std::vector<std::string>& names = {}, bool create = false);
  // One topic that exists; waits for its leaders. Keeps the metadata for leader().
  Result<MetadataResponse::MetadataResponseTopic> topic(const std::string& name, bool create = false);
  void forget_leaders() { leaders_.clear(); }
  // Connects again after a connection broke. An unreachable broker may be reachable later.
  void reconnect();
  // By id, from the last metadata.
  const std::vector<MetadataResponse::MetadataResponseBroker>& brokers() const { return brokers_; }
  Result<std::vector<BrokerClient*>> all_brokers();

  BrokerClient& any() { return *any_; }
  const ClusterOptions& options() const { return options_; }
  std::string property(const std::string& name, const std::string& fallback = "") const;

 private:
  explicit Cluster(ClusterOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<BrokerClient>> connect(const BrokerAddress& address) const;
  Result<std::unique_ptr<BrokerClient>> connect_to_any() const;
  Result<BrokerClient*> coordinator(int8_t key_type, const std::string& key);

  ClusterOptions options_;
  std::unique_ptr<BrokerClient> any_;
  std::map<int32_t, std::unique_ptr<BrokerClient>> clients_;
  std::vector<MetadataResponse::MetadataResponseBroker> brokers_;
  std::map<std::pair<std::string, int32_t>, int32_t> leaders_;
};

// For a response's error code: "NAME: the response's message, or Kafka's".
Error answer_error(ErrorCode code, const std::optional<Bytes>& message = std::nullopt);
// Whether the error is retriable after a short time.
bool is_passing(ErrorCode code);
// Waits between two tries.
void wait_a_little();

// "key=value" of each; an Error names the one without '='.
Status add_properties(const std::vector<std::string>& pairs, std::map<std::string, std::string>& to);
Result<std::map<std::string, std::string>> read_properties(const std::string& file);

}  // namespace milena::tools
