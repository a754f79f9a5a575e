// Node: a broker with its embedded controller, without sockets. Builds the shards over the given executors, loads the
// metadata, and opens what an unclean stop left to recover.
//
// start() and stop() are called from a thread that is none of the executors' own, and block until done; sessions() is
// used by the loops in between. The executors outlive the node and run until after stop(); tests pass
// ManualExecutors and use start() and close_shard() directly.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/executor.h"
#include "base/file.h"
#include "broker/clients/session.h"
#include "broker/storage/housekeeping.h"
#include "config/settings.h"
#include "log/file_cache.h"

namespace milena {

class Authorizer;
class ControllerChannel;
class LogDirectories;
struct FoundDirectory;
class LogDirectory;
class MetadataImage;
class PartitionLog;
class MetadataRuntime;
class Peers;
class SaslServices;
class TokenExpiry;
class Shard;
struct NodeContext;

class Node final : private SessionFactory {
 public:
  // An error is one line for a person: which directory or setting, and what to do.
  static Result<std::unique_ptr<Node>> start(const Settings& settings, std::vector<Executor*> executors,
                                             FileSystem& files = posix_file_system());
  ~Node() override;

  SessionFactory& sessions() { return *this; }
  // Closes the logs in order and leaves the mark of a clean shutdown. No session may be open any more.
  void stop();

  // For tests, before a session is open: another authorizer, and others in place of the ways to the controller and to
  // peers. They outlive the node.
  void set_authorizer(const Authorizer& authorizer);
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

  // The end of the process, at once: what is going on can neither be finished nor taken back.
  [[noreturn]] static void halt(const std::string& why);

 private:
  Node(const Settings& settings, std::vector<Executor*> executors, FileSystem& files);

  int64_t connection_refusal_ms(const std::string& peer_host) override;
  void watch_settings(std::function<void(const Settings&)> changed) override;
  std::unique_ptr<Session> open(int shard, ConnectionInfo info, Transport& transport) override;
  Status load();
  struct FoundState;
  void log_what_starts() const;
  Status open_directories();
  Result<FoundState> take_over();
  void give_up_start();
  Status start_controller();
  void give_image_to_shards(const MetadataImage& image, int64_t last_offset);
  Status make_start_durable(PartitionLog& log);
  void sync_start_in_background();
  Status recover_logs();
  void resume_moves(const std::vector<FoundDirectory>& futures);
  void remove_in_background(std::vector<std::string> paths);
  void on_directory_failure(Shard& on, LogDirectory& failed);

  const Settings& settings_;
  std::vector<Executor*> executors_;
  FileSystem& files_;
  std::unique_ptr<FileCache> file_cache_;
  std::unique_ptr<LogDirectories> directories_;
  std::unique_ptr<NodeContext> context_;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<SaslServices> sasl_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<MetadataRuntime> metadata_;
  std::unique_ptr<ControllerChannel> controller_;
  std::unique_ptr<TokenExpiry> token_expiry_;
  std::unique_ptr<Housekeeping> housekeeping_;
  // What each shard knew when it closed, for the last checkpoints.
  std::vector<NodeOffsets> closed_;
  std::atomic<bool> close_failed_ = false;
  int64_t broker_epoch_ = -1;
  // Files have changed, or are about to.
  bool in_use_ = false;
};

}  // namespace milena
