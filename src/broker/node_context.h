// NodeContext: shared by the shards of a node. All of it is immutable after the start, except the level of
// kraft.version and objects that are safe for all threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "broker/replica/replication_quota.h"
#include "broker/router.h"
#include "broker/storage/wanted_places.h"
#include "config/authorizer_settings.h"
#include "config/config_listeners.h"
#include "config/settings.h"
#include "security/authorizer.h"

namespace milena::log {
class FileCache;
class LogDirectory;
}  // namespace milena::log

namespace milena::security {
class Authorizer;
}  // namespace milena::security

namespace milena::broker {

class AuditFile;
class BrokerLifecycle;
class ControllerChannel;
class EmbeddedController;
class LogDirectories;
class MetadataObserver;
class MetadataRuntime;
class Network;
class Peers;
class SaslServices;
class Shard;

// The same for all shards; built by Node::start before the first of them runs.
struct NodeContext {
  // The settings at the start; Shard::settings() includes later changes.
  const config::Settings* settings = nullptr;
  // For the sockets: called on shard 0 when settings were altered.
  std::function<void(const config::Settings&)> on_settings;
  int32_t node_id = 1;
  std::string cluster_id;
  config::AdvertisedListeners advertised;
  // The controller's listeners; usually none.
  std::vector<config::ListenerEndpoint> controller_endpoints;
  // Of the directory that holds the metadata log.
  Uuid directory_id;
  // The level of the feature kraft.version; raised by the controller's shard.
  std::atomic<int16_t> kraft_version = 0;
  log::FileCache* files = nullptr;
  // Shards may use the checkpoints and paths, which do not change, and the states; the rest is only for the node.
  LogDirectories* directories = nullptr;
  std::unique_ptr<WantedPlaces> wanted_places = std::make_unique<WantedPlaces>();
  // Called on any shard, once for each directory that fails.
  std::function<void(Shard& on, log::LogDirectory& failed)> on_directory_failure;
  // Called on any shard, when the reserve of a directory was used.
  std::function<void(Shard& on)> on_reserve_spent;
  // Writes the checkpoints of all directories now; `done` runs on `from`.
  std::function<void(Shard& from, std::function<void(bool all_written)> done)> write_checkpoints;
  // Ends the process without returning: no orderly stop is possible any more.
  void (*halt)(const std::string& why) = nullptr;
  Router router;
  // How handlers reach the controller.
  ControllerChannel* controller = nullptr;
  // The embedded controller, for the node's own use. On the controller's shard; its own methods route. Null if the
  // controller is another node.
  MetadataRuntime* metadata = nullptr;
  EmbeddedController* embedded_controller = nullptr;
  // Connects to other nodes; null for a single node.
  Network* network = nullptr;
  // The lifecycle of this broker in a cluster whose controller is another node; otherwise null. On shard 0.
  BrokerLifecycle* lifecycle = nullptr;
  // And its metadata; likewise.
  MetadataObserver* observer = nullptr;
  // Of all shards.
  std::unique_ptr<ReplicationQuota> leader_quota, follower_quota;
  // Authenticates clients of SASL listeners.
  const SaslServices* sasl = nullptr;
  // Called on shard 0 when a delegation token was created or changed.
  std::function<void()> on_delegation_tokens;
  config::AuthorizerSettings authorization;
  // Of this node's own requests to the controller of another node: the first super user.
  security::Principal own_principal;
  // Of clients of the PLAINTEXT listeners, by the listener's name.
  std::map<Bytes, security::Principal, std::less<>> plaintext_principals;
  // Null: denied and administrative requests are not recorded.
  std::shared_ptr<AuditFile> audit_file;
  // For tests: replaces the authorizer of the settings.
  const security::Authorizer* authorizer = nullptr;
  // How coordinators reach the partitions of all brokers.
  Peers* peers = nullptr;
};

}  // namespace milena::broker
