#include "tools/cluster.h"

#include <algorithm>
#include <thread>

#include "base/file.h"
#include "base/properties.h"
#include "protocol/messages/find_coordinator.h"

namespace milena::tools {

void ClusterOptions::add_to(Options& options) {
  options.text("-b,--bootstrap-server", servers, "host:port,...", "Brokers to ask first; localhost:9092 without it.");
  options.text("--command-config", config_file, "file", "Properties of Kafka's Java clients.");
}

Status add_properties(const std::vector<std::string>& pairs, std::map<std::string, std::string>& to) {
  for (const std::string& pair : pairs) {
    size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return make_error(ErrorKind::kInvalid, "{}: expected key=value", pair);
    }
    to[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return ok_status();
}

Result<std::map<std::string, std::string>> read_properties(const std::string& file) {
  Result<Bytes> text = posix_file_system().read_file(file);
  RETURN_IF_ERROR(text);
  std::map<std::string, std::string> properties;
  Result<std::vector<Property>> lines = parse_properties(*text);
  if (!lines.ok()) return make_error(ErrorKind::kInvalid, "{}: {}", file, lines.error().message);
  for (Property& line : *lines) properties[line.key] = std::move(line.value);
  return properties;
}

Result<std::unique_ptr<Cluster>> Cluster::open(ClusterOptions options) {
  if (!options.config_file.empty()) {
    auto read = read_properties(options.config_file);
    RETURN_IF_ERROR(read);
    read->merge(options.properties);
    options.properties = read.take();
  }
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(options)));
  auto security = client_security(cluster->options_.properties);
  RETURN_IF_ERROR(security);
  cluster->options_.security = security.take();
  if (cluster->options_.transport) cluster->options_.security.make_transport = cluster->options_.transport;
  if (cluster->options_.servers.empty()) {
    cluster->options_.servers = cluster->property("bootstrap.servers", kUsualServer);
  }
  cluster->options_.client_id = cluster->property("client.id", cluster->options_.client_id);
  auto client = cluster->connect_to_any();
  RETURN_IF_ERROR(client);
  cluster->any_ = client.take();
  return cluster;
}

Result<std::unique_ptr<BrokerClient>> Cluster::connect_to_any() const {
  auto addresses = parse_broker_addresses(options_.servers);
  RETURN_IF_ERROR(addresses);
  Result<std::unique_ptr<BrokerClient>> client = make_error(ErrorKind::kInvalid, "no server");
  for (const BrokerAddress& address : *addresses) {
    client = connect(address);
    if (client.ok()) break;
  }
  return client;
}

void Cluster::reconnect() {
  clients_.clear();
  leaders_.clear();
  auto client = connect_to_any();
  if (client.ok()) any_ = client.take();
}

Result<std::unique_ptr<BrokerClient>> Cluster::connect(const BrokerAddress& address) const {
  return BrokerClient::connect(address, options_.timeout_ms, options_.security, options_.client_id);
}

std::string Cluster::property(const std::string& name, const std::string& fallback) const {
  auto found = options_.properties.find(name);
  return found == options_.properties.end() ? fallback : found->second;
}

Result<MetadataResponse> Cluster::metadata(const std::vector<std::string>& names, bool create) {
  MetadataRequest request;
  request.allow_auto_topic_creation = create;
  if (names.empty()) request.topics.reset();
  for (const std::string& name : names) request.topics->emplace_back().name = ByteView(name);
  auto answer = ask<MetadataResponse>(request);
  if (!answer.ok()) return answer;
  brokers_ = answer->brokers;
  for (auto& topic : answer->topics) {
    std::sort(topic.partitions.begin(), topic.partitions.end(),
              [](const auto& a, const auto& b) { return a.partition_index < b.partition_index; });
    for (const auto& partition : topic.partitions) {
      leaders_[{topic.name.value_or(""), partition.partition_index}] = partition.leader_id;
    }
  }
  return answer;
}

Result<MetadataResponse::MetadataResponseTopic> Cluster::topic(const std::string& name, bool create) {
  Deadline deadline = deadline_in(options_.timeout_ms);
  for (;;) {
    auto answer = metadata({name}, create);
    RETURN_IF_ERROR(answer);
    if (answer->topics.empty()) return make_error(ErrorKind::kCorrupt, "{}: the broker's response lacks it", name);
    auto& found = answer->topics.front();
    ErrorCode code = found.error_code;
    for (const auto& partition : found.partitions) {
      if (code == ErrorCode::kNone) code = partition.error_code;
    }
    if (code == ErrorCode::kNone) return std::move(found);
    bool again = is_passing(code) || (create && code == ErrorCode::kUnknownTopicOrPartition);
    if (!again || std::chrono::steady_clock::now() > deadline || stop_requested()) {
      return make_error(ErrorKind::kNotFound, "{}: {}", name, answer_error(code).message);
    }
    wait_a_little();
  }
}

Result<BrokerClient*> Cluster::broker(int32_t id) {
  if (auto found = clients_.find(id); found != clients_.end()) return found->second.get();
  if (brokers_.empty()) {
    auto answer = metadata();
    RETURN_IF_ERROR(answer);
  }
  for (const auto& broker : brokers_) {
    if (broker.node_id != id) continue;
    auto client = connect({broker.host, static_cast<uint16_t>(broker.port)});
    RETURN_IF_ERROR(client);
    return (clients_[id] = client.take()).get();
  }
  return make_error(ErrorKind::kNotFound, "there is no broker {}", id);
}

Result<std::vector<BrokerClient*>> Cluster::all_brokers() {
  auto answer = metadata();
  RETURN_IF_ERROR(answer);
  std::vector<BrokerClient*> clients;
  for (const auto& broker : answer->brokers) {
    Result<BrokerClient*> client = this->broker(broker.node_id);
    RETURN_IF_ERROR(client);
    clients.push_back(*client);
  }
  return clients;
}

Result<BrokerClient*> Cluster::leader(const std::string& topic, int32_t partition) {
  Result<int32_t> id = leader_id(topic, partition);
  RETURN_IF_ERROR(id);
  return broker(*id);
}

Result<int32_t> Cluster::leader_id(const std::string& topic, int32_t partition) {
  auto found = leaders_.find({topic, partition});
  if (found == leaders_.end()) {
    auto answer = this->topic(topic);
    RETURN_IF_ERROR(answer);
    found = leaders_.find({topic, partition});
    if (found == leaders_.end()) {
      return make_error(ErrorKind::kNotFound, "{} has no partition {}", topic, partition);
    }
  }
  return found->second;
}

Result<BrokerClient*> Cluster::group_coordinator(const std::string& group) { return coordinator(0, group); }

Result<BrokerClient*> Cluster::transaction_coordinator(const std::string& transactional_id) {
  return coordinator(1, transactional_id);
}

Result<BrokerClient*> Cluster::coordinator(int8_t key_type, const std::string& key) {
  FindCoordinatorRequest request;
  request.key_type = key_type;
  request.key = key;
  request.coordinator_keys = {ByteView(key)};
  Deadline deadline = deadline_in(options_.timeout_ms);
  for (;;) {
    auto answer = ask<FindCoordinatorResponse>(request);
    RETURN_IF_ERROR(answer);
    ErrorCode code = answer->error_code;
    int32_t node = answer->node_id;
    std::optional<Bytes> message = answer->error_message;
    if (!answer->coordinators.empty()) {
      code = answer->coordinators.front().error_code;
      node = answer->coordinators.front().node_id;
      message = answer->coordinators.front().error_message;
    }
    if (code == ErrorCode::kNone) return broker(node);
    if (!is_passing(code) || std::chrono::steady_clock::now() > deadline || stop_requested()) {
      return answer_error(code, message);
    }
    wait_a_little();
  }
}

Error answer_error(ErrorCode code, const std::optional<Bytes>& message) {
  std::string text(message && !message->empty() ? ByteView(*message) : ByteView(error_message(code)));
  return make_error(ErrorKind::kInvalid, "{}: {}", error_name(code), text);
}

bool is_passing(ErrorCode code) {
  switch (code) {
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kReplicaNotAvailable:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kUnknownLeaderEpoch:
    case ErrorCode::kNotEnoughReplicas:
      return true;
    default:
      return false;
  }
}

void wait_a_little() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

}  // namespace milena::tools
