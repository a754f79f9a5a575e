// Cluster: what a command knows about the brokers: one connection to each that it has to ask, who leads a partition,
// who coordinates a group. Blocks its caller.
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
inline constexpr int64_t kCommandTimeoutMs = 15'000;

// How a command reaches its brokers: the options that all have, and what the file of --command-config says.
struct ClusterOptions {
  std::string servers;  // empty: kUsualServer
  std::string config_file;
  std::map<std::string, std::string> properties;  // of Kafka's Java clients
  std::string client_id = "milena";
  int64_t timeout_ms = kCommandTimeoutMs;
  ClientSecurity security;         // as the properties say
  BrokerTransportMaker transport;  // instead of what they say

  // --bootstrap-server (also -b) and --command-config.
  void add_to(Options& options);
};

class Cluster {
 public:
  // Reads the file, and connects to the first server that answers.
  static Result<std::unique_ptr<Cluster>> open(ClusterOptions options);

  // Of any broker.
  template <class Response, class Request>
  Result<Response> ask(const Request& request) {
    return any_->ask<Response>(request);
  }
  // Null where the cluster does not name this broker, or it cannot be reached.
  Result<BrokerClient*> broker(int32_t id);
  Result<BrokerClient*> leader(const std::string& topic, int32_t partition);
  Result<int32_t> leader_id(const std::string& topic, int32_t partition);
  // Waits while the coordinator is still being found.
  Result<BrokerClient*> group_coordinator(const std::string& group);

  // Of all topics where `names` is empty; of some, unknown ones too, each with its error.
  Result<MetadataResponse> metadata(const std::vector<std::string>& names = {}, bool create = false);
  // One topic that exists; waits for its leaders. Keeps the metadata for leader().
  Result<MetadataResponse::MetadataResponseTopic> topic(const std::string& name, bool create = false);
  void forget_leaders() { leaders_.clear(); }
  // Connects again after a connection broke. An unreachable broker may be reachable later.
  void reconnect();
  // By id, as the last metadata has them.
  const std::vector<MetadataResponse::MetadataResponseBroker>& brokers() const { return brokers_; }
  Result<std::vector<BrokerClient*>> all_brokers();

  BrokerClient& any() { return *any_; }
  const ClusterOptions& options() const { return options_; }
  std::string property(const std::string& name, const std::string& fallback = "") const;

 private:
  explicit Cluster(ClusterOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<BrokerClient>> connect(const BrokerAddress& address) const;
  Result<std::unique_ptr<BrokerClient>> connect_to_any() const;

  ClusterOptions options_;
  std::unique_ptr<BrokerClient> any_;
  std::map<int32_t, std::unique_ptr<BrokerClient>> clients_;
  std::vector<MetadataResponse::MetadataResponseBroker> brokers_;
  std::map<std::pair<std::string, int32_t>, int32_t> leaders_;
};

// For an answer's error code: "NAME: what the answer says, or Kafka's sentence".
Error answer_error(ErrorCode code, const std::optional<Bytes>& message = std::nullopt);
// Worth another try after a short time: the cluster has not settled.
bool is_passing(ErrorCode code);
// Between two tries.
void wait_a_little();

// "key=value" of each; an Error names the one without '='.
Status add_properties(const std::vector<std::string>& pairs, std::map<std::string, std::string>& to);
Result<std::map<std::string, std::string>> read_properties(const std::string& file);

}  // namespace milena::tools
