// Node: a broker, a controller, or both, without sockets. Builds the shards over the given executors, loads the
// metadata from its own log or from the controllers of its cluster, and recovers the logs after an unclean stop.
//
// start() and stop() are called from a thread that is none of the executors' own, and block until done; sessions() is
// used by the loops in between. The executors outlive the node and run until after stop(); tests pass ManualExecutors
// and use start() and close_shard() directly.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "base/executor.h"
#include "base/file.h"
#include "broker/clients/session.h"
#include "broker/storage/disk_reserves.h"
#include "broker/storage/housekeeping.h"
#include "config/settings.h"
#include "log/file_cache.h"
#include "metadata/image.h"

namespace milena::log {
class LogDirectory;
class PartitionLog;
}  // namespace milena::log

namespace milena::security {
class Authorizer;
}  // namespace milena::security

namespace milena::broker {

class ActiveController;
class BrokerLifecycle;
class ControllerChannel;
class EmbeddedController;
class LogDirectories;
struct FoundDirectory;
class MetadataObserver;
class Network;
class MetadataRuntime;
class Peers;
class RemotePeers;
class SaslServices;
class TokenExpiry;
class Shard;
struct NodeContext;

// The environment of a node in a cluster, besides executors and files.
struct NodeSurroundings {
  // Connects to other nodes; null for a single node. Outlives the node.
  Network* network = nullptr;
  // Connects to controllers; null: the same as to brokers.
  Network* controller_network = nullptr;
  // Called at intervals while the node waits for others at its start; true gives up.
  std::function<bool()> cancelled;
  // Called repeatedly while the node waits, for executors that run only when called.
  std::function<void()> pump;
};

class Node final : private SessionFactory {
 public:
  // An error is one line for a person: which directory or setting, and what to do.
  static Result<std::unique_ptr<Node>> start(const config::Settings& settings, std::vector<Executor*> executors,
                                             FileSystem& files = posix_file_system(),
                                             NodeSurroundings surroundings = {});
  ~Node() override;

  SessionFactory& sessions() { return *this; }
  // Called before the connections of clients are closed: a broker of a cluster hands over its leaderships, if another
  // broker can take them.
  void leave();
  // Closes the logs in order and writes the mark of a clean shutdown. No session may be open any more.
  void stop();

  // For tests, before a session is open: replaces the authorizer, or how the controller and peers are reached. The
  // arguments outlive the node.
  void set_authorizer(const security::Authorizer& authorizer);
  void set_controller(ControllerChannel& controller);
  void set_peers(Peers& peers);
  // For tests.
  Shard& shard(size_t index) { return *shards_[index]; }
  size_t shard_count() const { return shards_.size(); }
  MetadataRuntime& metadata() { return *metadata_; }
  ControllerChannel& controller() { return *controller_; }
  Peers& peers() { return *peers_; }
  // The two halves of stop(): each shard on its own thread, then the rest.
  void close_shard(size_t index);
  void finish_stop();

  // Ends the process at once: the current work can neither be finished nor undone.
  [[noreturn]] static void halt(const std::string& why);

 private:
  Node(const config::Settings& settings, std::vector<Executor*> executors, FileSystem& files,
       NodeSurroundings surroundings);

  int64_t connection_refusal_ms(const std::string& peer_host) override;
  void watch_settings(std::function<void(const config::Settings&)> changed) override;
  std::unique_ptr<Session> open(int shard, ConnectionInfo info, Transport& transport) override;
  void on_failed_handshake(int shard, const ConnectionInfo& info, const std::string& reason) override;
  Status load();
  struct FoundState;
  void log_what_starts() const;
  void warn_of_replicas(const metadata::MetadataImage& image) const;
  Status open_directories();
  Result<FoundState> take_over();
  void give_up_start();
  Status start_controller();
  void make_shards();
  // node_in_cluster.cc
  Status join_cluster();
  Status learn_cluster_id(std::string& cluster_id);
  Status open_observer();
  void start_lifecycle();
  Status enter_service();
  Status wait_at_home(std::function<bool()> ready, int64_t most_ms);
  Network& controller_network() const;
  std::unique_ptr<ActiveController> connect_to_controller(const char* purpose);
  void on_cluster_change();
  void tell_misplaced();
  void close_cluster_parts();
  void hand_over();
  void give_image_to_shards(const metadata::MetadataImage& image, int64_t last_offset);
  Status make_start_durable(log::PartitionLog& log);
  void sync_start_in_background();
  Status recover_logs();
  void resume_moves(const std::vector<FoundDirectory>& futures);
  void remove_in_background(std::vector<std::string> paths);
  void on_directory_failure(Shard& on, log::LogDirectory& failed);

  const config::Settings& settings_;
  std::vector<Executor*> executors_;
  FileSystem& files_;
  std::unique_ptr<log::FileCache> file_cache_;
  std::unique_ptr<LogDirectories> directories_;
  std::unique_ptr<NodeContext> context_;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<SaslServices> sasl_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<MetadataRuntime> metadata_;
  std::unique_ptr<ControllerChannel> controller_;
  std::unique_ptr<TokenExpiry> token_expiry_;
  EmbeddedController* embedded_controller_ = nullptr;  // same as controller_ if it is on this node
  // For a broker whose controller is another node. They live on shard 0.
  NodeSurroundings surroundings_;
  std::unique_ptr<MetadataObserver> observer_;
  std::unique_ptr<BrokerLifecycle> lifecycle_;
  RemotePeers* remote_peers_ = nullptr;  // same as peers_ if there may be others
  std::vector<std::pair<metadata::PartitionKey, Uuid>> misplaced_;
  struct HomeWait;
  std::shared_ptr<HomeWait> home_wait_;
  std::unique_ptr<Housekeeping> housekeeping_;
  std::unique_ptr<DiskReserves> disk_reserves_;
  // The offsets of each shard when it closed, for the last checkpoints.
  std::vector<NodeOffsets> closed_;
  std::atomic<bool> close_failed_ = false;
  int64_t broker_epoch_ = -1;
  // Files were changed, or are about to be.
  bool in_use_ = false;
};

}  // namespace milena::broker
