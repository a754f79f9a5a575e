// NodeContext: what the shards of a node share. All of it is immutable after the start, but for the level of
// kraft.version and for objects that are safe for all threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
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
  // As the broker was started; Shard::settings() has what was altered since.
  const config::Settings* settings = nullptr;
  // Told on shard 0 when settings were altered: the sockets' side.
  std::function<void(const config::Settings&)> on_settings;
  int32_t node_id = 1;
  std::string cluster_id;
  config::AdvertisedListeners advertised;
  // Listeners for who asks the controller and not a broker; usually none.
  std::vector<config::ListenerEndpoint> controller_endpoints;
  // Of the directory that holds the metadata log.
  Uuid directory_id;
  // The level of the feature kraft.version; raised by the controller's shard.
  std::atomic<int16_t> kraft_version = 0;
  log::FileCache* files = nullptr;
  // Their checkpoints and paths, which do not change, and whether they work; the rest is the node's own.
  LogDirectories* directories = nullptr;
  std::unique_ptr<WantedPlaces> wanted_places = std::make_unique<WantedPlaces>();
  // Called on any shard, once for each directory that fails.
  std::function<void(Shard& on, log::LogDirectory& failed)> on_directory_failure;
  // Called on any shard, when the reserve of a directory was spent.
  std::function<void(Shard& on)> on_reserve_spent;
  // Writes the checkpoints of all directories now; `done` runs on `from`.
  std::function<void(Shard& from, std::function<void(bool all_written)> done)> write_checkpoints;
  // Ends the process, without a return: nothing can be put in order any more.
  void (*halt)(const std::string& why) = nullptr;
  Router router;
  // How handlers reach the controller.
  ControllerChannel* controller = nullptr;
  // The embedded controller, for the node's own affairs. On the controller's shard; its own methods route. Null where
  // the controller is another node.
  MetadataRuntime* metadata = nullptr;
  EmbeddedController* embedded_controller = nullptr;
  // How this node reaches others; null for one that stands alone.
  Network* network = nullptr;
  // The life of this broker in a cluster whose controller is another node; else null. On shard 0.
  BrokerLifecycle* lifecycle = nullptr;
  // And its metadata; likewise.
  MetadataObserver* observer = nullptr;
  // Of all shards.
  std::unique_ptr<ReplicationQuota> leader_quota, follower_quota;
  // How clients of SASL listeners show who they are.
  const SaslServices* sasl = nullptr;
  // Told on shard 0 when a delegation token was made or changed.
  std::function<void()> on_delegation_tokens;
  config::AuthorizerSettings authorization;
  // Null: denied and administrative requests are not written down.
  std::shared_ptr<AuditFile> audit_file;
  // What clients may do, instead of what the settings and the ACLs say: for tests.
  const security::Authorizer* authorizer = nullptr;
  // How coordinators reach the partitions of all brokers.
  Peers* peers = nullptr;
};

}  // namespace milena::broker
