#include "broker/node.h"

#include <algorithm>
#include <cstdlib>
#include <latch>
#include <map>

#include "base/descriptors.h"
#include "base/log.h"
#include "base/process.h"
#include "broker/clients/client_session.h"
#include "broker/clients/endpoints.h"
#include "broker/clients/sasl_services.h"
#include "broker/cluster/broker_lifecycle.h"
#include "broker/cluster/metadata_observer.h"
#include "broker/cluster/remote_peers.h"
#include "broker/controller/embedded_controller.h"
#include "broker/controller/metadata_log.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/controller/token_expiry.h"
#include "broker/coordinators/group_runtime.h"
#include "broker/coordinators/peer.h"
#include "broker/coordinators/transaction_runtime.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/storage/bootstrap_checkpoint.h"
#include "broker/storage/close_logs.h"
#include "broker/storage/disk_reserves.h"
#include "broker/storage/housekeeping.h"
#include "broker/storage/log_directories.h"
#include "broker/storage/log_syncs.h"
#include "broker/storage/new_directories.h"
#include "broker/storage/replica_mover.h"
#include "log/log_directory.h"
#include "log/snapshot_file.h"
#include "metadata/delegation_tokens.h"
#include "metadata/features.h"
#include "metadata/internal_topics.h"
#include "metadata/record_codec.h"
#include "security/authorizer.h"

namespace milena::broker {
namespace {

// At its start Kafka warns about each partition without a directory. A stop must not take long because a topic of ten
// thousand partitions was just created.
constexpr int64_t kNewDirectoriesAtStop_ms = 300;

// "User:alice", as in super.users.
security::Principal principal_of(ByteView text) {
  const metadata::TokenPrincipal principal = metadata::TokenPrincipal::parse(text);
  return {principal.type, principal.name};
}

}  // namespace

Node::Node(const config::Settings& settings, std::vector<Executor*> executors, FileSystem& files,
           NodeSurroundings surroundings)
    : settings_(settings),
      executors_(std::move(executors)),
      files_(files),
      file_cache_(std::make_unique<log::FileCache>(files, descriptors_for_files())),
      context_(std::make_unique<NodeContext>()),
      surroundings_(std::move(surroundings)),
      closed_(executors_.size()) {
  if (surroundings_.network == nullptr) {
    peers_ = std::make_unique<LocalPeers>();
    return;
  }
  auto peers = std::make_unique<RemotePeers>(*surroundings_.network, executors_.size());
  remote_peers_ = peers.get();
  peers_ = std::move(peers);
}

Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::start(const config::Settings& settings, std::vector<Executor*> executors,
                                          FileSystem& files, NodeSurroundings surroundings) {
  std::unique_ptr<Node> node(new Node(settings, std::move(executors), files, std::move(surroundings)));
  Status loaded = node->load();
  if (loaded.ok()) return node;
  if (node->in_use_) node->give_up_start();
  node->close_cluster_parts();
  return loaded.error();
}

// The disk failed after the mark of the clean stop was removed; no log was opened since that needs a recovery.
void Node::give_up_start() {
  for (const auto& directory : directories_->all()) {
    if (!directory->clean_shutdown()) continue;
    Status marked = broker_epoch_ < 0 ? directory->restore_clean_shutdown_mark()
                                      : directory->write_clean_shutdown_mark(broker_epoch_);
    if (!marked.ok()) log_error("the next start will recover: {}", marked.error().message);
  }
}

Status Node::load() {
  context_->settings = &settings_;
  context_->node_id = settings_.get_int("node.id");
  context_->files = file_cache_.get();
  context_->peers = peers_.get();
  auto authorization = config::authorizer_settings(settings_);
  RETURN_IF_ERROR(authorization);
  context_->authorization = authorization.take();
  const auto& super_users = context_->authorization.super_users;
  if (!super_users.empty()) context_->own_principal = principal_of(*super_users.begin());
  if (const Bytes& path = settings_.get_string("milena.audit.log"); !path.empty()) {
    context_->audit_file = std::make_shared<AuditFile>(
        files_, path, static_cast<uint64_t>(settings_.get_long("milena.audit.log.max.bytes")));
  }
  context_->network = surroundings_.network;
  for (auto* quota : {&context_->leader_quota, &context_->follower_quota}) {
    *quota = std::make_unique<ReplicationQuota>(
        settings_.get_int("replication.quota.window.num"),
        int64_t{1000} * settings_.get_int("replication.quota.window.size.seconds"));
  }
  auto advertised = config::advertised_listeners(settings_);
  RETURN_IF_ERROR(advertised);
  context_->advertised = advertised.take();
  auto controller_endpoints = config::controller_listeners(settings_);
  RETURN_IF_ERROR(controller_endpoints);
  context_->controller_endpoints = controller_endpoints.take();
  auto listeners = config::broker_listeners(settings_);
  RETURN_IF_ERROR(listeners);
  listeners->insert(listeners->end(), context_->controller_endpoints.begin(), context_->controller_endpoints.end());
  auto plaintext_principals = config::plaintext_principals(settings_, *listeners);
  RETURN_IF_ERROR(plaintext_principals);
  for (const auto& [listener, principal] : *plaintext_principals)
    context_->plaintext_principals.emplace(listener, principal_of(principal));
  auto sasl = SaslServices::open(settings_, *executors_[0], files_);
  RETURN_IF_ERROR(sasl);
  sasl_ = sasl.take();
  context_->sasl = sasl_.get();
  RETURN_IF_ERROR(open_directories());
  RETURN_IF_ERROR(settings_.has_role("controller") ? start_controller() : join_cluster());
  if (!directories_->clean_shutdown()) RETURN_IF_ERROR(recover_logs());
  if (!directories_->metadata().online()) {
    return make_error(ErrorKind::kIo, "the log directory with the metadata, {}, has failed",
                      directories_->metadata().path());
  }
  std::vector<FoundDirectory> futures = directories_->futures();
  directories_->end_loading();

  log_what_starts();
  housekeeping_ = std::make_unique<Housekeeping>(*shards_[0]);
  disk_reserves_ = std::make_unique<DiskReserves>(*shards_[0]);
  for (auto& shard : shards_) {
    shard->replicas().set_on_first_change([this, from = shard.get()] {
      context_->router.at_controller(*from, [this](Shard&) { housekeeping_->note_change(); });
    });
  }
  // The checkpoints have topics by name: offsets of a deleted topic must not be used for a new one of the same name.
  if (metadata_ != nullptr) {
    metadata_->set_after_deletions(
        [this](Task done) { housekeeping_->write_now([done = std::move(done)](bool) { done(); }); });
  }
  context_->write_checkpoints = [this](Shard& from, std::function<void(bool)> done) {
    context_->router.at_controller(from, [this, &from, done = std::move(done)](Shard& home) {
      housekeeping_->write_now([this, &home, &from, done](bool written) {
        context_->router.run_on(home, from, [done, written] { done(written); });
      });
    });
  };
  // The loops already run, and may run posted tasks before this function ends: everything is ready by now.
  if (directories_->clean_shutdown()) sync_start_in_background();
  resume_moves(futures);
  for (const auto& directory : directories_->all()) {
    if (directory->online()) continue;
    executors_[0]->post([this, failed = directory.get()] { on_directory_failure(*shards_[0], *failed); });
  }
  executors_[0]->post([this] {
    housekeeping_->start();
    disk_reserves_->start();
    if (metadata_ != nullptr) metadata_->start_snapshots();
    if (token_expiry_ != nullptr) token_expiry_->note_tokens();
    if (embedded_controller_ != nullptr) embedded_controller_->start_sessions();
  });
  for (auto& shard : shards_) {
    shard->executor().post([shard = shard.get()] { shard->replicas().log_syncs().start_flushes(); });
    shard->executor().post([shard = shard.get()] { shard->replicas().start_replication(); });
    shard->executor().post([shard = shard.get()] { shard->groups().load_in_background(); });
    shard->executor().post([shard = shard.get()] { shard->transactions().load_in_background(); });
    shard->executor().post([shard = shard.get()] { shard->replicas().new_directories().start(); });
  }
  return observer_ != nullptr ? enter_service() : ok_status();
}

// Groups and transactions would wait without a word.
void Node::warn_of_replicas(const metadata::MetadataImage& image) const {
  const size_t brokers = std::max<size_t>(image.brokers().size(), 1);
  for (ByteView topic : {metadata::kConsumerOffsetsTopic, metadata::kTransactionStateTopic}) {
    const ByteView setting = metadata::replicas_setting(topic);
    const int32_t wanted = settings_.is_set(setting) ? settings_.get_int(setting) : 1;
    if (static_cast<size_t>(wanted) <= brokers || image.find_topic(topic) != nullptr) continue;
    const bool alone = settings_.has_role("controller") && context_->controller_endpoints.empty();
    if (alone && !settings_.get_bool("milena.strict.kafka")) {
      log_warn("{}={} has no effect here: no other broker can join this node, so {} gets one replica", setting, wanted,
               topic);
    } else {
      log_warn("{}={}, and there are {} brokers: {} cannot be used before there are more", setting, wanted, brokers,
               topic == metadata::kConsumerOffsetsTopic ? "consumer groups" : "transactions");
    }
  }
}

void Node::log_what_starts() const {
  std::string advertised;
  for (const config::ListenerEndpoint& one : context_->advertised.endpoints) {
    advertised += fmt::format("{}{}://{}:{}", advertised.empty() ? "" : ",", one.listener_name, one.host, one.port);
  }
  if (context_->advertised.automatic)
    advertised += advertised.empty() ? "the address of their connection" : " or the address of their connection";
  const metadata::MetadataImage& image = shards_[0]->image();
  log_info("Cluster {}, node {}: {} topics with {} partitions; clients connect to {}", context_->cluster_id,
           context_->node_id, image.topic_count(), image.partition_count(), advertised);
  warn_of_replicas(image);
  const config::AuthorizerSettings& authorization = context_->authorization;
  if (!authorization.enforced) return;
  log_info("Authorization is enabled: {} ACLs, {} super users; resources without an ACL are for {}",
           image.acls().size(), authorization.super_users.size(),
           authorization.allow_if_no_acl ? "everyone" : "super users");
  if (image.acls().empty() && authorization.super_users.empty() && !authorization.allow_if_no_acl) {
    log_warn("every request is denied: there are no ACLs, and {} is empty, so that no user can create them",
             config::kSuperUsers);
  }
}

Status Node::open_directories() {
  auto directories = LogDirectories::open(files_, settings_, context_->node_id, executors_[0]->random());
  RETURN_IF_ERROR(directories);
  directories_ = directories.take();
  context_->directories = directories_.get();
  context_->on_directory_failure = [this](Shard& on, log::LogDirectory& failed) { on_directory_failure(on, failed); };
  context_->halt = &Node::halt;
  // Before the reserves are allocated they cannot be used.
  context_->on_reserve_spent = [this](Shard& on) {
    context_->router.at_controller(on, [this](Shard&) { disk_reserves_->note_spent(); });
  };
  return ok_status();
}

struct Node::FoundState {
  metadata::MetadataRecords bootstrap;
  FoundMetadata metadata;
};

// Problems that prevent this start are found before any file is changed.
Result<Node::FoundState> Node::take_over() {
  log::LogDirectory& home = directories_->metadata();
  FoundState state;
  auto bootstrap = read_bootstrap_records(files_, home.path());
  RETURN_IF_ERROR(bootstrap);
  auto metadata = find_metadata(files_, home.path(), {context_->node_id, home.id()});
  RETURN_IF_ERROR(metadata);
  state.metadata = metadata.take();
  in_use_ = true;
  RETURN_IF_ERROR(directories_->take_into_use(settings_, context_->node_id));
  context_->cluster_id = directories_->cluster_id();
  if (*bootstrap) {
    state.bootstrap = std::move(**bootstrap);
    return state;
  }
  state.bootstrap = metadata::default_bootstrap_records();
  RETURN_IF_ERROR(write_bootstrap_records(files_, home.path(), state.bootstrap, executors_[0]->clock().wall_ms()));
  return state;
}

Status Node::start_controller() {
  const Clock& clock = executors_[0]->clock();
  auto state = take_over();
  RETURN_IF_ERROR(state);
  log::LogDirectory& home = directories_->metadata();
  log::LogConfig log_config;
  log_config.segment_bytes = settings_.get_int("metadata.log.segment.bytes");
  log_config.segment_ms = settings_.get_long("metadata.log.segment.ms");
  auto opened = open_metadata_log(*file_cache_, clock, home.path(), context_->node_id, log_config,
                                  std::move(state->metadata));
  RETURN_IF_ERROR(opened);
  bool in_transaction = opened->replayed.in_transaction();
  context_->kraft_version = opened->kraft_version;
  context_->directory_id = home.id();
  metadata::ControllerSettings own = metadata::ControllerSettings::from(settings_);
  own.kraft_version = opened->kraft_version;
  own.has_controller_listener = !context_->controller_endpoints.empty();
  metadata::Controller controller(opened->replayed.take_image(), std::move(own),
                                  [&random = executors_[0]->random()] { return Uuid::random(random); });
  log::PartitionLog& log = *opened->log;

  const bool is_broker = settings_.has_role("broker");
  auto write = [&](const auto& effects) -> Status {
    if (effects.records.empty()) return ok_status();
    auto appended = append_metadata_records(log, opened->epoch, effects.records, effects.atomic,
                                            controller.image().metadata_version(), clock.wall_ms());
    RETURN_IF_ERROR(appended);
    opened->bytes_since_snapshot += appended->bytes;
    controller.apply(effects.records);
    return ok_status();
  };
  RETURN_IF_ERROR(write(controller.activate(state->bootstrap, in_transaction)));
  metadata::BrokerStart start;
  start.broker_id = context_->node_id;
  start.incarnation_id = Uuid::random(executors_[0]->random());
  start.endpoints = registered_endpoints(settings_, context_->advertised);
  start.features = metadata::supported_features();
  if (!settings_.is_null("broker.rack")) start.rack = settings_.get_string("broker.rack");
  start.log_dirs = directories_->online_ids();
  start.others_live = !context_->controller_endpoints.empty();
  const config::ConfigMap& for_all = controller.image().configs(metadata::ResourceType::kBroker, "");
  const config::ConfigMap& for_this =
      controller.image().configs(metadata::ResourceType::kBroker, fmt::format("{}", start.broker_id));
  start.cordoned_log_dirs = directories_->cordoned_ids(settings_.with_altered(for_all, for_this, nullptr));
  const metadata::BrokerImage* before = controller.image().find_broker(start.broker_id);
  if (directories_->clean_shutdown() && before != nullptr) start.previous_broker_epoch = before->epoch;
  RETURN_IF_ERROR(write(controller.register_controller(start.broker_id, start.incarnation_id,
                                                       endpoint_images(context_->controller_endpoints))));
  if (is_broker) {
    auto registration = controller.register_broker(start, log.log_end_offset());
    broker_epoch_ = registration.response;
    RETURN_IF_ERROR(write(registration));
  }
  std::vector<std::string> doomed;
  RETURN_IF_ERROR(directories_->find_replicas(controller.image(), start.broker_id, LogDirectories::Names::kTrusted,
                                              doomed));
  if (is_broker) {
    RETURN_IF_ERROR(write(controller.assign_directories(
        start.broker_id, directories_->misplaced(controller.image(), start.broker_id))));
    RETURN_IF_ERROR(write(controller.unfence_broker(start.broker_id)));
    RETURN_IF_ERROR(write(controller.lose_directories(start.broker_id, start.log_dirs)));
  }
  // Without a listener nobody can reach this controller; with one the other brokers keep their session.
  if (context_->controller_endpoints.empty()) RETURN_IF_ERROR(write(controller.fence_other_brokers()));
  RETURN_IF_ERROR(make_start_durable(log));
  log.set_high_watermark(log.log_end_offset());

  make_shards();
  give_image_to_shards(controller.image(), log.log_end_offset() - 1);
  metadata_ = std::make_unique<MetadataRuntime>(*shards_[0], files_, std::move(controller), opened.take());
  context_->metadata = metadata_.get();
  auto embedded = std::make_unique<EmbeddedController>(*metadata_);
  embedded_controller_ = embedded.get();
  context_->embedded_controller = embedded.get();
  controller_ = std::move(embedded);
  context_->controller = controller_.get();
  token_expiry_ = std::make_unique<TokenExpiry>(*metadata_);
  context_->on_delegation_tokens = [this] { token_expiry_->note_tokens(); };
  if (!doomed.empty()) remove_in_background(std::move(doomed));
  return ok_status();
}

void Node::make_shards() {
  std::vector<Shard*> pointers;
  for (size_t i = 0; i < executors_.size(); i++) {
    shards_.push_back(std::make_unique<Shard>(*context_, i, executors_.size(), *executors_[i]));
    pointers.push_back(shards_.back().get());
  }
  context_->router.set_shards(std::move(pointers));
}

// In parts: as records, the topics of a large cluster take several times their memory.
void Node::give_image_to_shards(const metadata::MetadataImage& image, int64_t last_offset) {
  constexpr size_t kRecordsAtATime = 4096;
  metadata::MetadataRecords part;
  for (auto& shard : shards_) shard->reserve(image.topic_count(), image.partition_count() / shards_.size());
  auto give = [&] {
    for (auto& shard : shards_) shard->apply_metadata(part, last_offset);
    part.clear();
  };
  image.write([&](metadata::MetadataRecord record) {
    part.push_back(std::move(record));
    if (part.size() == kRecordsAtATime) give();
  });
  give();
}

// A first start, and one after an unclean stop, make decisions that clients learn (the cluster's id, leader epochs):
// these are synced first. A start after a clean stop decides nothing new, so its syncs run beside the first requests;
// later decisions wait for them.
Status Node::make_start_durable(log::PartitionLog& log) {
  if (directories_->clean_shutdown()) return ok_status();
  RETURN_IF_ERROR(sync_quorum_state(files_, directories_->metadata().path()));
  return log.flush();
}

void Node::sync_start_in_background() {
  executors_[0]->post([this] {
    if (metadata_ == nullptr) return;
    metadata_->sync_soon();
    auto failed = std::make_shared<Status>(ok_status());
    executors_[0]->run_blocking(
        // The worker may run when the node is gone.
        [failed, &files = files_, metadata = directories_->metadata().path()] {
          *failed = sync_quorum_state(files, metadata);
        },
        [failed] {
          if (!failed->ok()) log_error("the start could not be synced: {}", failed->error().message);
        });
  });
}

void Node::resume_moves(const std::vector<FoundDirectory>& futures) {
  for (const FoundDirectory& future : futures) {
    const metadata::TopicImage* topic = shards_[0]->image().find_topic(future.partition.topic);
    if (topic == nullptr) continue;
    TopicPartitionId id{topic->id, future.partition.partition};
    for (auto& shard : shards_) {
      if (!context_->router.owns(*shard, id)) continue;
      shard->executor().post([&replicas = shard->replicas(), id, future] {
        Partition* partition = replicas.find_replica(id);
        if (partition != nullptr) replicas.mover().resume(*partition, *future.directory, future.path);
      });
    }
  }
}

void Node::remove_in_background(std::vector<std::string> paths) {
  executors_[0]->post([executor = executors_[0], &files = files_, paths = std::move(paths)] {
    executor->run_blocking(
        [&files, paths] {
          for (const std::string& path : paths) (void)files.remove_tree(path).ok();
        },
        [] {});
  });
}

// After an unclean stop every log is read from its last sync to its end, so that a torn tail is cut before the first
// request. Directories are independent of each other; each gets num.recovery.threads.per.data.dir threads (Kafka's
// loadLogs). Nothing else uses the shards yet, and a partition is opened by one thread.
Status Node::recover_logs() {
  using Logs = std::vector<std::pair<Shard*, Partition*>>;
  std::map<log::LogDirectory*, Logs, log::LogDirectory::ByPath> unclean;
  size_t total = 0;
  for (auto& shard : shards_) {
    shard->replicas().resolve_topic_configs();
    shard->replicas().for_each_partition([&](Partition& partition) {
      log::LogDirectory* directory = partition.directory();
      if (directory == nullptr || directory->clean_shutdown()) return;
      unclean[directory].emplace_back(shard.get(), &partition);
      total++;
    });
  }
  if (total == 0) return ok_status();
  log_info("The last shutdown was not clean: recovering {} partitions", total);
  std::atomic<size_t> done = 0;
  std::atomic<int64_t> next_report_ms = executors_[0]->clock().steady_ms() + 2000;
  auto recover_some = [&](const Logs& all, std::atomic<size_t>& next) {
    for (size_t i = next++; i < all.size(); i = next++) {
      all[i].first->replicas().recover(*all[i].second);
      size_t so_far = ++done;
      int64_t now_ms = executors_[0]->clock().steady_ms();
      int64_t due_ms = next_report_ms;
      if (now_ms < due_ms || !next_report_ms.compare_exchange_strong(due_ms, now_ms + 2000)) continue;
      log_info("{} of {} partitions are recovered", so_far, total);
    }
  };
  std::map<log::LogDirectory*, std::atomic<size_t>, log::LogDirectory::ByPath> next;
  std::vector<Task> tasks;
  for (const auto& [directory, partitions] : unclean) {
    auto wanted = static_cast<size_t>(shards_[0]->settings().get_int("num.recovery.threads.per.data.dir"));
    for (size_t i = 0; i < std::min(wanted, partitions.size()); i++) {
      tasks.emplace_back([&, all = &partitions, at = &next[directory]] { recover_some(*all, *at); });
    }
  }
  executors_[0]->run_parallel(std::move(tasks));
  return ok_status();
}

// No orderly stop is possible: the next start recovers. Like Kafka's halt.
void Node::halt(const std::string& why) {
  log_error("The broker stops at once: {}", why);
  end_process(1);
}

// Its partitions lose their log on every shard, and in the metadata their leader.
void Node::on_directory_failure(Shard& on, log::LogDirectory& failed) {
  if (&failed == &directories_->metadata())
    halt("the log directory with the metadata, " + failed.path() + ", has failed");
  if (directories_->online_ids().empty()) halt("all log directories have failed");
  const Error why{ErrorKind::kCorrupt, "its log directory " + failed.path() + " is offline"};
  context_->router.at_all(
      on,
      [&failed, why](Shard& shard) {
        shard.replicas().for_each_partition([&](Partition& partition) {
          if (partition.directory() == &failed) partition.take_offline(why);
        });
      },
      [] {});
  if (lifecycle_ != nullptr) {
    return context_->router.at_controller(on, [this, id = failed.id()](Shard&) { lifecycle_->directory_failed(id); });
  }
  std::vector<Uuid> left = directories_->online_ids();
  metadata_->submit<std::monostate>(
      on,
      [id = context_->node_id, left = std::move(left)](const metadata::Controller& controller) {
        return controller.lose_directories(id, left);
      },
      [](std::monostate) {});
}

void Node::set_authorizer(const security::Authorizer& authorizer) { context_->authorizer = &authorizer; }
void Node::set_controller(ControllerChannel& controller) { context_->controller = &controller; }
void Node::set_peers(Peers& peers) { context_->peers = &peers; }

std::unique_ptr<Session> Node::open(int shard, ConnectionInfo info, Transport& transport) {
  return std::make_unique<ClientSession>(*shards_[static_cast<size_t>(shard)], std::move(info), transport);
}

void Node::on_failed_handshake(int shard, const ConnectionInfo& info, const std::string& reason) {
  Shard& on = *shards_[static_cast<size_t>(shard)];
  on.figures().listeners[info.listener_name].not_authenticated++;
  note_refusal(on, ConnectionState{.info = info}, RefusalKind::kTls, {}, reason);
}

void Node::watch_settings(std::function<void(const config::Settings&)> changed) {
  context_->on_settings = std::move(changed);
  if (context_->on_settings) context_->on_settings(shards_[0]->settings());
}

int64_t Node::connection_refusal_ms(const std::string& peer_host) {
  return shards_[0]->quotas().connection_refusal_ms(peer_host);
}

void Node::close_shard(size_t index) {
  Shard& shard = *shards_[index];
  if (index == 0) housekeeping_->stop();
  if (index == 0) disk_reserves_->stop();
  shard.replicas().new_directories().make_within(kNewDirectoriesAtStop_ms);
  shard.close();
  if (!close_logs(shard.replicas(), files_)) close_failed_ = true;
  closed_[index].collect(shard);
  if (remote_peers_ != nullptr) remote_peers_->close(shard);
  if (index != 0) return;
  if (embedded_controller_ != nullptr) embedded_controller_->stop();
  if (lifecycle_ != nullptr) lifecycle_->stop();
  Status closed = metadata_ != nullptr ? metadata_->close() : observer_->close();
  if (!closed.ok()) {
    log_error("the metadata log was not closed cleanly: {}", closed.error().message);
    close_failed_ = true;
  }
}

void Node::finish_stop() {
  NodeOffsets all;
  for (NodeOffsets& part : closed_) all.merge(std::move(part));
  Status written = housekeeping_->write_last(all);
  for (const auto& directory : directories_->all()) {
    if (!directory->online() || !written.ok() || close_failed_ || !all.all_online(*directory)) continue;
    written = directory->write_clean_shutdown_mark(broker_epoch_);
  }
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

}  // namespace milena::broker
