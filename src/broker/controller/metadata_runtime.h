// MetadataRuntime: the embedded controller with its log, a quorum of one.
//
// Lives on the controller's shard. The pure controller (metadata/controller.h) decides a request on its own image. The
// records are appended to __cluster_metadata-0 and synced (requests that arrive meanwhile share the next sync), then
// applied to every shard's image, and only then the request is answered. So an answered change is durable, and visible
// on every shard. The public methods may be called from any shard, which passes itself. Source: Kafka's
// QuorumController.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "broker/controller/metadata_log.h"
#include "broker/controller/metadata_snapshots.h"
#include "broker/controller/observers_of_metadata.h"
#include "broker/controller/unwritten.h"
#include "broker/later_turn.h"
#include "log/partition_log.h"
#include "metadata/controller.h"
#include "metadata/image.h"

namespace milena::broker {

class Shard;
class ShardContext;

// The state of the metadata log.
struct MetadataQuorum {
  int32_t epoch = 0;
  int64_t log_end_offset = 0;
  int64_t high_watermark = 0;
  std::vector<ObserverOfMetadata> observers;
};

class MetadataRuntime {
 public:
  // `log` ends where the replay of `controller` ended. `home` is the controller's shard.
  MetadataRuntime(ShardContext& home, FileSystem& files, metadata::Controller controller, MetadataLog log);
  ~MetadataRuntime();

  // The controller's shard.
  ShardContext& home() { return home_; }

  // How long clients wait for a decision that cannot be written at the moment.
  static constexpr int64_t kUnwritten_ms = 2000;

  // Lets the controller decide; `done` runs on `from` when the decision is applied everywhere. The captures of `decide`
  // must not change until then: it runs on the controller's shard. While nothing can be written, it is decided again
  // and again; from `give_up_ms` on the steady clock the answer is that nothing was done.
  template <class Response>
  void submit(Shard& from, std::function<metadata::ControllerEffects<Response>(const metadata::Controller&)> decide,
              std::function<void(Response)> done, int64_t give_up_ms = INT64_MAX) {
    submit_any(from,
               {[decide = std::move(decide)](const metadata::Controller& controller) {
                  metadata::ControllerEffects<Response> effects = decide(controller);
                  return AnyEffects{std::move(effects.records), effects.atomic,
                                    std::make_shared<Response>(std::move(effects.response))};
                },
                [done = std::move(done)](void* response) { done(std::move(*static_cast<Response*>(response))); },
                [](void* response) { return refuse_unwritten(*static_cast<Response*>(response)); }, give_up_ms});
  }

  // Creates the missing topics, as at first use: with the broker's defaults, or the settings of internal topics. `done`
  // runs when all of them can be used, or could not be created.
  void create_topics_for_use(Shard& from, std::vector<Bytes> names, Task done);

  // Returns an id that was never given out before. Ids come from blocks whose record is durable before the first is
  // given out.
  void next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done);

  // Raises kraft.version to 1; `done` runs on `from` when that is durable.
  void upgrade_kraft_version(Shard& from, Task done);
  void describe_quorum(Shard& from, std::function<void(const MetadataQuorum&)> done);

  // On the home shard, at the start: syncs the log while the node already serves.
  void sync_soon() { commit({}, true, [] {}); }
  // On the home shard, at the start: snapshots are taken from now on.
  void start_snapshots() { snapshots_.on_committed(0); }
  const MetadataSnapshots& snapshots() const { return snapshots_; }
  // `hook` runs on the home shard after topics were removed from every shard. It calls its argument when the deletion
  // may be answered and the next decision made.
  void set_after_deletions(std::function<void(Task done)> hook) { after_deletions_ = std::move(hook); }

  // On the home shard, for readers that follow the log (metadata_fetch.h): the log, its epoch, its snapshots. `task`
  // runs once, when the high watermark moves next, unless it is forgotten before.
  log::PartitionLog& log() { return *log_; }
  int32_t epoch() const { return epoch_; }
  const metadata::Controller& controller() const { return controller_; }
  uint64_t at_next_commit(Task task) {
    followers_.emplace(++last_follower_, std::move(task));
    return last_follower_;
  }
  void forget_at_commit(uint64_t number) { followers_.erase(number); }
  ObserversOfMetadata& observers() { return observers_; }

  // On the home shard, at the end: requests that are not answered by then never are.
  Status close();
  int64_t end_offset() const { return log_->log_end_offset(); }
  // Records below this offset are durable, and may be shown to others.
  int64_t committed_end() const { return log_->high_watermark(); }

 private:
  struct Commit {
    std::shared_ptr<const metadata::MetadataRecords> records;
    int64_t last_offset;
    Task done;
  };

  // Of a decision, whatever its response.
  struct AnyEffects {
    metadata::MetadataRecords records;
    bool atomic = true;
    std::shared_ptr<void> response;
  };
  struct Submitted {
    std::function<AnyEffects(const metadata::Controller&)> decide;
    std::function<void(void* response)> done;
    bool (*refuse)(void* response);  // makes it say that nothing was written; false if it cannot
    int64_t give_up_ms;
  };
  void submit_any(Shard& from, Submitted submitted);
  void at_home(Shard& from, Task task);
  void back(Shard& to, Task task);
  // On the home shard. Returns false, without any change, if there is no descriptor or no disk space for a write at the
  // moment; then the request is decided again.
  bool commit(metadata::MetadataRecords records, bool atomic, Task done);
  void again_later(Task task);
  bool is_past(int64_t steady_ms) const;
  void start_sync();
  struct SyncJob;
  void run_sync(const std::shared_ptr<SyncJob>& job);
  void wait_after_failed_sync(const Error& error, Task again);
  void end_node(const char* what_failed, const Error& why);
  void publish(std::shared_ptr<std::vector<Commit>> commits);
  void finish_commits(std::vector<Commit>& commits);
  static bool delete_topics(const std::vector<Commit>& commits);
  void hand_out_producer_ids();
  void allocate_producer_ids();

  ShardContext& home_;
  FileSystem& files_;
  metadata::Controller controller_;
  std::unique_ptr<log::PartitionLog> log_;
  int32_t epoch_;
  MetadataSnapshots snapshots_;
  uint64_t unsynced_bytes_ = 0;
  std::vector<Commit> appended_;  // not yet synced
  std::map<uint64_t, Task> followers_;  // tasks that wait for the next commit
  uint64_t last_follower_ = 0;
  ObserversOfMetadata observers_;
  bool syncing_ = false;
  bool closed_ = false;
  std::function<void(Task)> after_deletions_;

  struct WantsProducerId {
    Shard* from;
    std::function<void(Result<int64_t>)> done;
    int64_t give_up_ms;
  };
  void refuse_producer_ids(int64_t older_than_ms, const char* why);
  std::vector<WantsProducerId> want_producer_id_;
  bool allocating_ = false;
  int64_t next_producer_id_ = 0;
  int64_t producer_ids_end_ = 0;
};

}  // namespace milena::broker
