#include "broker/node.h"

#include <sys/resource.h>

#include <algorithm>
#include <latch>

#include "base/log.h"
#include "broker/client_session.h"
#include "broker/group_runtime.h"
#include "broker/housekeeping.h"
#include "broker/metadata_log.h"
#include "broker/metadata_runtime.h"
#include "broker/shard.h"
#include "log/log_directory.h"
#include "metadata/features.h"
#include "metadata/record_codec.h"

namespace milena {
namespace {

// Half of what we may open is for logs; the rest for connections.
size_t open_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 16'384;
  return std::clamp<size_t>(limit.rlim_cur / 2, 64, 16'384);
}

ControllerSettings controller_settings(const Settings& settings) {
  auto number = [&](ByteView name) { return static_cast<int32_t>(settings.get_long(name)); };
  ControllerSettings result;
  result.node_id = number("node.id");
  result.num_partitions = number("num.partitions");
  result.default_replication_factor = static_cast<int16_t>(number("default.replication.factor"));
  result.delete_topic_enable = settings.get_bool("delete.topic.enable");
  InternalTopicSettings& internal = result.internal_topics;
  internal.offsets_partitions = number("offsets.topic.num.partitions");
  internal.offsets_replication_factor = static_cast<int16_t>(number("offsets.topic.replication.factor"));
  internal.offsets_segment_bytes = number("offsets.topic.segment.bytes");
  internal.transaction_partitions = number("transaction.state.log.num.partitions");
  internal.transaction_replication_factor = static_cast<int16_t>(number("transaction.state.log.replication.factor"));
  internal.transaction_segment_bytes = number("transaction.state.log.segment.bytes");
  internal.transaction_min_insync_replicas = number("transaction.state.log.min.isr");
  result.file = [&settings](ByteView name) -> std::optional<Bytes> {
    if (find_broker_config(name) == nullptr || !settings.is_set(name)) return std::nullopt;
    return settings.text(name);
  };
  return result;
}

// bootstrap.checkpoint as `kafka-storage format` writes it; made where it is not there.
Result<MetadataRecords> bootstrap_records(FileSystem& files, const std::string& directory, int64_t now_ms) {
  std::string path = directory + "/" + std::string(kBootstrapCheckpointFile);
  if (!files.exists(path)) {
    SnapshotFile snapshot;
    MetadataRecords records = default_bootstrap_records();
    for (const MetadataRecord& record : records) snapshot.records.push_back(encode_metadata_record(record));
    RETURN_IF_ERROR(write_snapshot_file(files, path, snapshot, 0, now_ms));
    return records;
  }
  auto snapshot = read_snapshot_file(files, path);
  if (!snapshot) return snapshot.error();
  return decode_snapshot_records(*snapshot);
}

// How this node registers: with what it advertises, or the names that a client on the same machine would use.
std::vector<EndpointImage> registered_endpoints(const Settings& settings, const AdvertisedListeners& advertised) {
  std::vector<EndpointImage> endpoints;
  auto listeners = broker_listeners(settings);
  for (const ListenerEndpoint& endpoint : advertised.automatic && listeners.ok() ? *listeners : advertised.endpoints) {
    bool any_address = endpoint.host.empty() || endpoint.host == "0.0.0.0" || endpoint.host == "::";
    endpoints.push_back({endpoint.listener_name, any_address ? "localhost" : endpoint.host, endpoint.port, 0});
  }
  return endpoints;
}

}  // namespace

Node::Node(const Settings& settings, std::vector<Executor*> executors, FileSystem& files)
    : settings_(settings),
      executors_(std::move(executors)),
      files_(files),
      file_cache_(std::make_unique<FileCache>(files, open_file_limit())),
      context_(std::make_unique<NodeContext>()),
      closed_(executors_.size()) {}

Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::start(const Settings& settings, std::vector<Executor*> executors,
                                          FileSystem& files) {
  std::unique_ptr<Node> node(new Node(settings, std::move(executors), files));
  Status loaded = node->load();
  if (loaded.ok()) return node;
  // Opening the directory took the mark of the clean stop away; nothing was written since that needs a recovery.
  if (node->directory_ != nullptr && node->directory_->clean_shutdown()) {
    (void)node->directory_->write_clean_shutdown_mark(node->broker_epoch_).ok();
  }
  return loaded.error();
}

Status Node::load() {
  context_->settings = &settings_;
  context_->node_id = settings_.get_int("node.id");
  context_->files = file_cache_.get();
  auto advertised = advertised_listeners(settings_);
  if (!advertised) return advertised.error();
  context_->advertised = advertised.take();
  RETURN_IF_ERROR(open_directory());
  RETURN_IF_ERROR(start_controller());
  RETURN_IF_ERROR(set_strays_aside());
  if (!directory_->clean_shutdown()) RETURN_IF_ERROR(recover_logs());

  housekeeping_ = std::make_unique<Housekeeping>(*shards_[0], *directory_);
  for (auto& shard : shards_) {
    shard->set_on_first_change([this, from = shard.get()] {
      context_->router.at_controller(*from, [this](Shard&) { housekeeping_->note_change(); });
    });
  }
  // The checkpoints know topics by name: what they say of a deleted one must not be said of one made after it.
  metadata_->set_after_deletions([this](Task done) { housekeeping_->write_now(std::move(done)); });
  // The loops run already, and may take up what is posted before this function ends: everything is in place by now.
  if (directory_->clean_shutdown()) sync_start_in_background();
  executors_[0]->post([this] {
    housekeeping_->start();
    metadata_->start_snapshots();
  });
  for (auto& shard : shards_) {
    shard->executor().post([shard = shard.get()] { shard->groups().load_in_background(); });
  }
  return ok_status();
}

Status Node::open_directory() {
  std::vector<Bytes> directories = settings_.get_list("log.dirs");
  if (directories.size() != 1) {
    return make_error(ErrorKind::kUnsupported, "log.dirs names {} directories; one is expected for now",
                      directories.size());
  }
  auto directory = LogDirectory::open(files_, directories[0]);
  if (!directory) return directory.error();
  directory_ = directory.take();
  RETURN_IF_ERROR(directory_->check_identity(std::nullopt, context_->node_id));
  if (!directory_->meta_properties() || !directory_->meta_properties()->directory_id) {
    MetaProperties properties = directory_->meta_properties().value_or(MetaProperties{});
    if (properties.cluster_id.empty()) properties.cluster_id = Uuid::random().to_string();
    properties.node_id = context_->node_id;
    properties.directory_id = Uuid::random();
    RETURN_IF_ERROR(directory_->write_meta_properties(properties));
  }
  context_->cluster_id = directory_->meta_properties()->cluster_id;
  context_->directory = directory_.get();
  return ok_status();
}

Status Node::start_controller() {
  const Clock& clock = executors_[0]->clock();
  auto bootstrap = bootstrap_records(files_, directory_->path(), clock.wall_ms());
  if (!bootstrap) return bootstrap.error();
  LogConfig log_config;
  log_config.segment_bytes = settings_.get_int("metadata.log.segment.bytes");
  log_config.segment_ms = settings_.get_long("metadata.log.segment.ms");
  auto opened = open_metadata_log(*file_cache_, clock, directory_->path(), context_->node_id, log_config);
  if (!opened) return opened.error();
  bool in_transaction = opened->replayed.in_transaction();
  Controller controller(opened->replayed.take_image(), controller_settings(settings_));
  PartitionLog& log = *opened->log;

  auto write = [&](const auto& effects) -> Status {
    if (effects.records.empty()) return ok_status();
    auto appended = append_metadata_records(log, opened->epoch, effects.records, effects.atomic,
                                            controller.image().metadata_version(), clock.wall_ms());
    if (!appended) return appended.error();
    opened->bytes_since_snapshot += appended->bytes;
    controller.apply(effects.records);
    return ok_status();
  };
  RETURN_IF_ERROR(write(controller.activate(*bootstrap, in_transaction)));
  BrokerStart start;
  start.broker_id = context_->node_id;
  start.incarnation_id = Uuid::random();
  start.endpoints = registered_endpoints(settings_, context_->advertised);
  start.features = supported_features();
  if (!settings_.is_null("broker.rack")) start.rack = settings_.get_string("broker.rack");
  start.log_dirs = {*directory_->meta_properties()->directory_id};
  const BrokerImage* before = controller.image().find_broker(start.broker_id);
  if (directory_->clean_shutdown() && before != nullptr) start.previous_broker_epoch = before->epoch;
  RETURN_IF_ERROR(write(controller.register_controller(start.broker_id, start.incarnation_id, {})));
  auto registration = controller.register_broker(start, log.log_end_offset());
  broker_epoch_ = registration.response;
  RETURN_IF_ERROR(write(registration));
  RETURN_IF_ERROR(write(controller.unfence_broker(start.broker_id)));
  RETURN_IF_ERROR(make_start_durable(log));
  log.set_high_watermark(log.log_end_offset());

  std::vector<Shard*> pointers;
  for (size_t i = 0; i < executors_.size(); i++) {
    shards_.push_back(std::make_unique<Shard>(*context_, i, executors_.size(), *executors_[i]));
    pointers.push_back(shards_.back().get());
  }
  context_->router.set_shards(std::move(pointers));
  MetadataRecords image;
  controller.image().write([&](MetadataRecord record) { image.push_back(std::move(record)); });
  for (auto& shard : shards_) shard->apply_metadata(image, log.log_end_offset() - 1);
  metadata_ = std::make_unique<MetadataRuntime>(*shards_[0], files_, std::move(controller), opened.take());
  context_->metadata = metadata_.get();
  return ok_status();
}

// A first start, and one after an unclean stop, decide things that clients are told of (the cluster's id, leader epochs):
// they are synced first. A start after a clean stop decides nothing new, so its syncs go on beside the first requests;
// whatever is decided later waits for them.
Status Node::make_start_durable(PartitionLog& log) {
  if (directory_->clean_shutdown()) return ok_status();
  RETURN_IF_ERROR(sync_quorum_state(files_, directory_->path()));
  return log.flush();
}

void Node::sync_start_in_background() {
  executors_[0]->post([this] {
    metadata_->sync_soon();
    auto failed = std::make_shared<Status>(ok_status());
    executors_[0]->run_blocking(
        // The worker may come to it when the node is gone.
        [failed, &files = files_, path = directory_->path()] {
          *failed = sync_quorum_state(files, path);
          if (failed->ok()) *failed = files.sync_directory(path);  // the clean-shutdown mark is gone
        },
        [failed] {
          if (!failed->ok()) log_error("the start could not be synced: {}", failed->error().message);
        });
  });
}

Status Node::set_strays_aside() {
  auto partitions = directory_->list_partitions();
  if (!partitions) return partitions.error();
  const MetadataImage& image = shards_[0]->image();
  for (const PartitionDirectory& found : *partitions) {
    if (found.partition.topic == kClusterMetadataTopic) continue;
    if (found.kind == DirectoryKind::kDelete) {
      executors_[0]->post([executor = executors_[0], &files = files_, path = found.path] {
        executor->run_blocking([&files, path] { (void)files.remove_tree(path).ok(); }, [] {});
      });
    } else if (found.kind == DirectoryKind::kLive &&
               image.find_partition(found.partition.topic, found.partition.partition) == nullptr) {
      auto aside = directory_->set_aside_stray(found.partition);
      if (!aside) return aside.error();
      log_warn("{} is in the directory but not in the metadata; it is set aside as {}", found.partition.to_string(),
               *aside);
    }
  }
  return ok_status();
}

// After an unclean stop every log is read from its last sync to its end, so that a torn tail is cut before anybody asks.
Status Node::recover_logs() {
  size_t total = 0, done = 0;
  for (auto& shard : shards_) total += shard->partition_count();
  if (total == 0) return ok_status();
  log_info("The last stop was not a clean one: recovering {} partitions", total);
  int64_t last_report_ms = executors_[0]->clock().steady_ms();
  for (auto& shard : shards_) {
    shard->for_each_partition([&](Partition& partition) {
      partition.log();
      done++;
      int64_t now_ms = executors_[0]->clock().steady_ms();
      if (now_ms - last_report_ms < 2000) return;
      last_report_ms = now_ms;
      log_info("{} of {} partitions are recovered", done, total);
    });
  }
  return ok_status();
}

std::unique_ptr<Session> Node::open(int shard, ConnectionInfo info, Transport& transport) {
  return std::make_unique<ClientSession>(*shards_[static_cast<size_t>(shard)], std::move(info), transport);
}

int64_t Node::connection_refusal_ms(const std::string& peer_host) {
  return shards_[0]->quotas().connection_refusal_ms(peer_host);
}

void Node::close_shard(size_t index) {
  Shard& shard = *shards_[index];
  if (index == 0) housekeeping_->stop();
  shard.close();
  shard.for_each_partition([&](Partition& partition) {
    PartitionLog* log = partition.log_if_open();
    if (log == nullptr) return;
    if (Status closed = log->close_cleanly(true); !closed.ok()) {
      log_error("{} was not closed in order: {}", partition.name(), closed.error().message);
      close_failed_ = true;
    }
  });
  closed_[index].collect(shard, *directory_);
  if (index != 0) return;
  if (Status closed = metadata_->close(); !closed.ok()) {
    log_error("the metadata log was not closed in order: {}", closed.error().message);
    close_failed_ = true;
  }
}

void Node::finish_stop() {
  OffsetSnapshot all;
  for (OffsetSnapshot& part : closed_) all.merge(std::move(part));
  Status written = housekeeping_->write_last(all);
  if (written.ok() && !close_failed_) written = directory_->write_clean_shutdown_mark(broker_epoch_);
  if (!written.ok()) log_error("the next start will recover: {}", written.error().message);
}

void Node::stop() {
  std::latch done(static_cast<ptrdiff_t>(shards_.size()));
  for (size_t i = 0; i < shards_.size(); i++) {
    executors_[i]->post([this, i, &done] {
      close_shard(i);
      done.count_down();
    });
  }
  done.wait();
  finish_stop();
}

}  // namespace milena
