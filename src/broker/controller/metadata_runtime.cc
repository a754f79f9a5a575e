#include "broker/controller/metadata_runtime.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/log.h"
#include "broker/controller/kraft_version.h"
#include "broker/controller/metadata_log.h"
#include "broker/node.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/storage/log_directories.h"

namespace milena::broker {
namespace {

// The pause after a sync for which no file could be opened.
constexpr int64_t kSyncRetry_ms = 100;

}  // namespace

MetadataRuntime::MetadataRuntime(ShardContext& home, FileSystem& files, metadata::Controller controller,
                                 MetadataLog log)
    : home_(home),
      files_(files),
      controller_(std::move(controller)),
      log_(std::move(log.log)),
      epoch_(log.epoch),
      snapshots_(home, *log_, std::move(log.snapshots), log.bytes_since_snapshot) {}

MetadataRuntime::~MetadataRuntime() = default;

void MetadataRuntime::at_home(Shard& from, Task task) { home_.router().run_on(from, home_.shard(), std::move(task)); }
void MetadataRuntime::back(Shard& to, Task task) { home_.router().run_on(home_.shard(), to, std::move(task)); }

bool MetadataRuntime::commit(metadata::MetadataRecords records, bool atomic, Task done) {
  if (closed_) return true;
  if (records.empty()) {
    // Nothing to write, but the decision may depend on records that are not durable yet.
    if (appended_.empty() && !syncing_ && !log_->has_unflushed()) {
      done();
      return true;
    }
    appended_.push_back(
        Commit{std::make_shared<const metadata::MetadataRecords>(), log_->log_end_offset() - 1, std::move(done)});
    start_sync();
    return true;
  }
  controller_.place_in_directories(records);
  const auto append = [&] {
    return append_metadata_records(*log_, epoch_, records, atomic, controller_.image().metadata_version(),
                                   home_.now_ms());
  };
  auto appended = home_.shard().replicas().with_reserve(home_.node().directories->metadata(), append);
  if (!appended.ok() && appended.error().kind == ErrorKind::kExhausted) {
    if (home_.first_time(appended.error().message))
      log_warn("the metadata log cannot be written at the moment: {}", appended.error().message);
    return false;
  }
  if (!appended.ok()) {
    end_node("written", appended.error());
    return true;
  }
  controller_.apply(records);
  unsynced_bytes_ += appended->bytes;
  appended_.push_back(Commit{std::make_shared<const metadata::MetadataRecords>(std::move(records)),
                             appended->last_offset, std::move(done)});
  start_sync();
  return true;
}

void MetadataRuntime::again_later(Task task) {
  home_.executor().call_after(kSyncRetry_ms, [this, task = std::move(task)] {
    if (!closed_) task();
  });
}

bool MetadataRuntime::is_past(int64_t steady_ms) const { return home_.steady_ms() >= steady_ms; }

struct MetadataRuntime::SyncJob {
  log::LogSync sync;
  std::vector<Commit> commits;
  uint64_t bytes = 0;
  Status status = ok_status();
};

// Applied records cannot be undone, and without them in the log no request can be answered.
void MetadataRuntime::end_node(const char* what_failed, const Error& why) {
  home_.node().halt(fmt::format("the metadata log cannot be {}: {}", what_failed, why.message));
}

void MetadataRuntime::start_sync() {
  if (syncing_ || appended_.empty()) return;
  syncing_ = true;
  Result<log::LogSync> sync = log_->prepare_sync();
  if (!sync) {
    wait_after_failed_sync(sync.error(), [this] {
      syncing_ = false;
      start_sync();
    });
    return;
  }
  run_sync(std::make_shared<SyncJob>(
      SyncJob{sync.take(), std::exchange(appended_, {}), std::exchange(unsynced_bytes_, 0)}));
}

void MetadataRuntime::run_sync(const std::shared_ptr<SyncJob>& job) {
  home_.executor().run_blocking(
      [job, &files = files_] { job->status = job->sync.run(files); },
      [this, job] {
        if (!job->status.ok()) return wait_after_failed_sync(job->status.error(), [this, job] { run_sync(job); });
        log_->mark_flushed(job->sync);
        log_->set_high_watermark(job->sync.offset());
        snapshots_.on_committed(job->bytes);
        for (auto& [number, follower] : std::exchange(followers_, {})) follower();
        publish(std::make_shared<std::vector<Commit>>(std::move(job->commits)));
      });
}

// A lack of descriptors is temporary; any other error ends the node.
void MetadataRuntime::wait_after_failed_sync(const Error& error, Task again) {
  if (error.kind != ErrorKind::kExhausted) return end_node("synced", error);
  log_warn("the metadata log cannot be synced at the moment: {}", error.message);
  again_later(std::move(again));
}

// The next sync begins only when all shards have applied this one, so that their images change in the same order.
void MetadataRuntime::publish(std::shared_ptr<std::vector<Commit>> commits) {
  home_.router().at_all(
      home_.shard(),
      [commits](Shard& shard) {
        for (const Commit& commit : *commits) {
          if (!commit.records->empty()) shard.apply_metadata(*commit.records, commit.last_offset);
        }
      },
      [this, commits] {
        if (!after_deletions_ || !delete_topics(*commits)) return finish_commits(*commits);
        after_deletions_([this, commits] { finish_commits(*commits); });
      });
}

void MetadataRuntime::finish_commits(std::vector<Commit>& commits) {
  syncing_ = false;
  for (Commit& commit : commits) {
    if (Task done = std::exchange(commit.done, nullptr)) done();
  }
  start_sync();
}

bool MetadataRuntime::delete_topics(const std::vector<Commit>& commits) {
  return std::any_of(commits.begin(), commits.end(), [](const Commit& commit) {
    return std::any_of(commit.records->begin(), commit.records->end(), [](const metadata::MetadataRecord& record) {
      return std::holds_alternative<RemoveTopicRecord>(record);
    });
  });
}

void MetadataRuntime::submit_any(Shard& from, Submitted submitted) {
  at_home(from, [this, &from, submitted = std::move(submitted)]() mutable {
    AnyEffects effects;
    if (!fits_into_memory([&] { effects = submitted.decide(controller_); })) {
      // The request is destroyed on the shard that it came from.
      return back(from, [submitted = std::move(submitted)] {});
    }
    auto answer = [this, &from, response = effects.response, done = submitted.done] {
      back(from, [response, done] { continue_or_drop([&] { done(response.get()); }); });
    };
    if (commit(std::move(effects.records), effects.atomic, answer)) return;
    if (is_past(submitted.give_up_ms) && submitted.refuse(effects.response.get())) return answer();
    again_later([this, &from, submitted] { submit_any(from, submitted); });
  });
}

void MetadataRuntime::create_topics_for_use(Shard& from, std::vector<Bytes> names, Task done) {
  auto kept = std::make_shared<std::vector<Bytes>>(std::move(names));
  submit<CreateTopicsResponse>(
      from,
      [kept](const metadata::Controller& controller) {
        std::vector<ByteView> views(kept->begin(), kept->end());
        return controller.auto_create_topics(views);
      },
      [&from, done = std::move(done)](CreateTopicsResponse response) {
        for (const auto& topic : response.topics) {
          if (topic.error_code == ErrorCode::kNone) {
            log_info("topic {} was created on first use", topic.name);
          } else if (topic.error_code != ErrorCode::kTopicAlreadyExists && from.first_time("topic " + topic.name)) {
            log_warn("topic {} could not be created on first use: {} {}", topic.name, error_name(topic.error_code),
                     topic.error_message.value_or(""));
          }
        }
        done();
      },
      from.steady_ms() + kUnwritten_ms);
}

void MetadataRuntime::upgrade_kraft_version(Shard& from, Task done) {
  at_home(from, [this, &from, done = std::move(done)] {
    const NodeContext& node = home_.node();
    if (closed_) return;
    if (node.kraft_version == 0) {
      Bytes batches =
          kraft_upgrade_batches(epoch_, home_.now_ms(), node.node_id, node.directory_id, node.controller_endpoints);
      const auto append = [&] { return log_->append_as_leader(batches, epoch_, log::AppendOrigin::kCoordinator); };
      auto appended = home_.shard().replicas().with_reserve(node.directories->metadata(), append);
      if (!appended.ok() && appended.error().kind == ErrorKind::kExhausted)
        return again_later([this, &from, done] { upgrade_kraft_version(from, done); });
      if (!appended.ok()) return end_node("written", appended.error());
      home_.set_kraft_version(1);
      metadata::ControllerSettings settings = controller_.settings();
      settings.kraft_version = 1;
      controller_.set_settings(std::move(settings));
    }
    commit({}, true, [this, &from, done] { back(from, done); });
  });
}

void MetadataRuntime::describe_quorum(Shard& from, std::function<void(const MetadataQuorum&)> done) {
  at_home(from, [this, &from, done = std::move(done)] {
    const MetadataQuorum quorum{epoch_, log_->log_end_offset(), log_->high_watermark(),
                                observers_.list(home_.steady_ms())};
    back(from, [done, quorum] { done(quorum); });
  });
}

// --- producer ids

void MetadataRuntime::next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done) {
  at_home(from, [this, &from, done = std::move(done)]() mutable {
    want_producer_id_.push_back({&from, std::move(done), home_.steady_ms() + kUnwritten_ms});
    hand_out_producer_ids();
  });
}

void MetadataRuntime::hand_out_producer_ids() {
  while (!want_producer_id_.empty() && next_producer_id_ < producer_ids_end_) {
    WantsProducerId first = std::move(want_producer_id_.front());
    want_producer_id_.erase(want_producer_id_.begin());
    back(*first.from, [done = std::move(first.done), id = next_producer_id_++] { done(id); });
  }
  if (!want_producer_id_.empty()) allocate_producer_ids();
}

void MetadataRuntime::allocate_producer_ids() {
  if (allocating_) return;
  allocating_ = true;
  AllocateProducerIdsRequest request;
  request.broker_id = home_.node().node_id;
  const metadata::BrokerImage* broker = controller_.image().find_broker(request.broker_id);
  request.broker_epoch = broker == nullptr ? -1 : broker->epoch;
  auto effects = controller_.allocate_producer_ids(request);
  AllocateProducerIdsResponse response = effects.response;
  const bool written = commit(std::move(effects.records), effects.atomic, [this, response] {
    allocating_ = false;
    if (response.error_code != ErrorCode::kNone) {
      log_error("no producer ids: {}", error_name(response.error_code));
      return refuse_producer_ids(INT64_MAX, "no producer ids");
    }
    next_producer_id_ = response.producer_id_start;
    producer_ids_end_ = response.producer_id_start + response.producer_id_len;
    hand_out_producer_ids();
  });
  if (written) return;
  allocating_ = false;
  refuse_producer_ids(home_.steady_ms(), "no producer ids: the metadata log cannot be written");
  if (!want_producer_id_.empty()) again_later([this] { allocate_producer_ids(); });
}

void MetadataRuntime::refuse_producer_ids(int64_t older_than_ms, const char* why) {
  for (WantsProducerId& one : std::exchange(want_producer_id_, {})) {
    if (one.give_up_ms > older_than_ms) {
      want_producer_id_.push_back(std::move(one));
    } else {
      back(*one.from, [done = std::move(one.done), why] { done(make_error(ErrorKind::kUnsupported, "{}", why)); });
    }
  }
}

Status MetadataRuntime::close() {
  closed_ = true;
  snapshots_.stop();
  // As Kafka's brokers are fenced at an orderly stop: the next broker on this directory need not wait until this
  // broker's session expires.
  auto fenced = controller_.fence_broker(home_.node().node_id);
  if (!fenced.records.empty()) {
    auto appended = append_metadata_records(*log_, epoch_, fenced.records, fenced.atomic,
                                            controller_.image().metadata_version(), home_.now_ms());
    RETURN_IF_ERROR(appended);
  }
  return log_->close_cleanly(true);
}

}  // namespace milena::broker
