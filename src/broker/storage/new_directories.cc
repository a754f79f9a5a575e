#include "broker/storage/new_directories.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"
#include "broker/storage/log_directories.h"
#include "log/file_cache.h"
#include "log/format/file_names.h"
#include "log/format/partition_metadata.h"
#include "log/log_directory.h"

namespace milena::broker {
namespace {

// A client that creates a topic and writes to it at once does not collide with the worker.
constexpr int64_t kFirstPause_ms = 1000;
constexpr size_t kDirectoriesAtATime = 16;

// An existing directory is half made, or of a deleted topic: opening the log handles it.
Status make_directory(FileSystem& files, const std::string& path, const Uuid& topic_id) {
  RETURN_IF_ERROR(files.make_directories(path));
  std::string metadata = path + "/" + std::string(log::kPartitionMetadataFile);
  if (files.exists(metadata)) return ok_status();
  return files.write_file_atomically(metadata, log::encode_partition_metadata(topic_id), false);
}

}  // namespace

class NewDirectories::Queue {
 public:
  void add(const ReplicaRef& replica, log::LogDirectory& in, std::string path, OnDisk there) {
    std::lock_guard lock(mutex_);
    Wanted wanted{&in, std::move(path), there, replica.number};
    if (wanted_.emplace(replica.id, std::move(wanted)).second) order_.push_back(replica.id);
  }

  bool take(const TopicPartitionId& id) {
    std::unique_lock lock(mutex_);
    if (const auto taken = wanted_.extract(id); !taken.empty()) {
      if (wanted_.empty()) order_.clear();
      return taken.mapped().there == OnDisk::kNothing;
    }
    made_.wait(lock, [&] { return making_ != id; });
    return false;
  }

  size_t size() const {
    std::lock_guard lock(mutex_);
    return wanted_.size();
  }

  void clear() {
    std::lock_guard lock(mutex_);
    wanted_.clear();
    order_.clear();
  }

  void make(FileSystem& files, size_t count, std::vector<Failure>& failures) {
    std::unique_lock lock(mutex_);
    while (count > 0 && !order_.empty()) {
      auto next = wanted_.extract(order_.front());
      order_.pop_front();
      if (next.empty() || !next.mapped().in->online()) continue;
      count--;
      making_ = next.key();
      lock.unlock();
      Status made = make_directory(files, next.mapped().path, next.key().topic_id);
      if (!made) failures.push_back({{next.key(), next.mapped().number}, made.error()});
      lock.lock();
      making_.reset();
      made_.notify_all();
    }
  }

 private:
  struct Wanted {
    log::LogDirectory* in;
    std::string path;
    OnDisk there;
    uint64_t number;  // of the replica
  };
  mutable std::mutex mutex_;
  std::condition_variable made_;
  std::unordered_map<TopicPartitionId, Wanted> wanted_;
  std::deque<TopicPartitionId> order_;  // entries that were taken are still in it
  std::optional<TopicPartitionId> making_;
};

NewDirectories::NewDirectories(ShardContext& shard, ReplicaManager& replicas)
    : shard_(shard), replicas_(replicas), queue_(std::make_shared<Queue>()) {}
NewDirectories::~NewDirectories() { stop(); }

void NewDirectories::add(const ReplicaRef& replica, log::LogDirectory& in, std::string path, OnDisk there) {
  queue_->add(replica, in, std::move(path), there);
  if (!shard_.node().directories->loading()) schedule(kFirstPause_ms);
}

void NewDirectories::start() { schedule(kFirstPause_ms); }

bool NewDirectories::take(const TopicPartitionId& id) { return queue_->take(id); }

size_t NewDirectories::size() const { return queue_->size(); }

void NewDirectories::make_within(int64_t ms) {
  const int64_t end_ms = shard_.steady_ms() + ms;
  std::vector<Failure> failures;  // the next start tries them again
  while (size() > 0 && shard_.steady_ms() < end_ms && failures.empty()) {
    queue_->make(shard_.node().files->file_system(), kDirectoriesAtATime, failures);
  }
}

void NewDirectories::stop() { queue_->clear(); }

void NewDirectories::schedule(int64_t pause_ms) {
  if (scheduled_ || queue_->size() == 0) return;
  scheduled_ = true;
  shard_.executor().call_after(pause_ms, [this] { make_some(); });
}

void NewDirectories::make_some() {
  struct Job {
    std::shared_ptr<Queue> queue;
    std::vector<Failure> failures = {};
  };
  auto job = std::make_shared<Job>(Job{queue_});
  FileSystem& files = shard_.node().files->file_system();
  shard_.executor().run_blocking(
      [job, &files] { job->queue->make(files, kDirectoriesAtATime, job->failures); },
      [this, job, begun_ms = shard_.steady_ms()] {
        scheduled_ = false;
        for (const Failure& failure : job->failures) {
          if (Partition* partition = replicas_.find_again(failure.replica)) partition->take_offline(failure.error);
        }
        schedule(shard_.steady_ms() - begun_ms);
      });
}

}  // namespace milena::broker
