#include "broker/operations/collect.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "broker/coordinators/group_runtime.h"
#include "broker/coordinators/transaction_runtime.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/storage/log_directories.h"

namespace milena::broker {
namespace {

// The most time in a turn, while others wait.
constexpr int64_t kSlice_ms = 1;
// The items between two looks at the clock.
constexpr size_t kAtATime = 64;

// Collects the figures of one shard, over several of its turns. Objects may be added or removed in between, so the next
// one is found by its name.
class ShardLook : public std::enable_shared_from_this<ShardLook> {
 public:
  using Done = std::function<void(NodeFigures)>;

  ShardLook(Shard& shard, Look look, bool sees_cluster, Done done)
      : shard_(shard), look_(look), sees_cluster_(sees_cluster), done_(std::move(done)) {}

  void start() {
    ids_.reserve(shard_.replicas().partition_count());
    shard_.replicas().for_each_partition([this](Partition& partition) { ids_.push_back(partition.id()); });
    if (look_ != Look::kHealth) take_counts();
    if (look_ == Look::kDoctor) figures_.symptoms.look_at_clients(shard_);
    if (look_ == Look::kDoctor && shard_.index() == 0) figures_.symptoms.look_at_controller(shard_);
    if (sees_cluster_) take_cluster();
    go_on();
  }

 private:
  void go_on() {
    const int64_t end_ms = shard_.steady_ms() + kSlice_ms;
    bool more = true;
    while (more && shard_.steady_ms() < end_ms) more = take_some();
    if (!more || shard_.closed()) return done_(std::move(figures_));
    shard_.executor().post([self = shared_from_this()] { self->go_on(); });
  }

  // True if there is more.
  bool take_some() {
    if (next_id_ < ids_.size()) return take_partitions();
    if (sees_cluster_ && !topics_done_) return take_topics();
    if (look_ == Look::kHealth) return false;
    if (!groups_begun_) return begin_groups();
    if (next_groups_ < group_partitions_.size()) return take_groups();
    if (next_transactions_ < transaction_partitions_.size()) return take_transactions();
    return false;
  }

  void take_counts();
  void take_cluster();
  bool take_partitions();
  void take_partition(Partition& partition);
  bool take_topics();
  bool begin_groups();
  bool take_groups();
  void take_group(const coordinator::GroupShard& groups, const Bytes& id);
  bool take_transactions();

  Shard& shard_;
  const Look look_;
  const bool sees_cluster_;  // cluster-wide figures come from one shard
  const Done done_;
  NodeFigures figures_;

  std::vector<TopicPartitionId> ids_;
  size_t next_id_ = 0;
  Bytes next_topic_;
  bool topics_done_ = false;
  bool groups_begun_ = false;
  std::vector<int32_t> group_partitions_;
  size_t next_groups_ = 0;
  std::vector<int32_t> transaction_partitions_;
  size_t next_transactions_ = 0;
  // The last id that was visited in the current partition.
  std::optional<Bytes> last_id_;
};

void ShardLook::take_counts() {
  ShardFigures& own = shard_.figures();
  for (size_t key = 0; key < ShardFigures::kApis; key++) {
    if (own.apis[key] != nullptr) figures_.apis.emplace(static_cast<ApiKey>(key), *own.apis[key]);
  }
  // A request in progress when its topic was deleted has counted it again.
  own.forget_topics([this](const Uuid& topic) { return shard_.image().find_topic(topic) == nullptr; });
  for (const auto& [id, traffic] : own.topics) figures_.topics[shard_.image().find_topic(id)->name].merge(traffic);
  figures_.all_topics = own.all_topics;
  figures_.flushes = own.flushes;
  figures_.cleaner = own.cleaner;
  figures_.listeners = own.listeners;
  figures_.http_listeners = own.http_listeners;
  figures_.refused_requests = own.refused_requests;
  figures_.throttled_requests = own.throttled_requests;
  figures_.throttled_ms = own.throttled_ms;
  figures_.fetch_sessions = shard_.fetch_sessions().size();
  figures_.loops[shard_.index()] = own.loop.look(shard_.executor().clock());
}

void ShardLook::take_cluster() {
  const metadata::MetadataImage& image = shard_.image();
  if (look_ == Look::kDoctor) figures_.symptoms.look_at_settings(shard_);
  figures_.node_id = shard_.node().node_id;
  figures_.cluster_id = shard_.node().cluster_id;
  figures_.now_ms = shard_.now_ms();
  figures_.topic_count = image.topic_count();
  figures_.partition_count = image.partition_count();
  figures_.metadata_offset = shard_.metadata_offset();
  for (const auto& [id, broker] : image.brokers()) {
    BrokerFigures& out = figures_.brokers.emplace_back();
    out.id = id;
    out.fenced = broker.fenced;
    if (!broker.endpoints.empty()) {
      out.address = fmt::format("{}:{}", broker.endpoints.front().host, broker.endpoints.front().port);
    }
  }
  for (const auto& directory : shard_.node().directories->all()) {
    figures_.directories.push_back({.path = directory->path(), .online = directory->online()});
  }
  for (const std::string& path : shard_.node().directories->failed_paths()) {
    figures_.directories.push_back({.path = path, .online = false});
  }
}

bool ShardLook::take_partitions() {
  const size_t end = std::min(next_id_ + kAtATime, ids_.size());
  for (; next_id_ < end; next_id_++) {
    if (Partition* partition = shard_.replicas().find_partition(ids_[next_id_])) take_partition(*partition);
  }
  return true;
}

void ShardLook::take_partition(Partition& partition) {
  if (look_ == Look::kHealth && !partition.offline()) return;
  PartitionFigures& out = figures_.partitions.emplace_back();
  out.name = partition.topic_partition();
  out.offline = partition.offline();
  if (look_ == Look::kHealth) return;
  if (look_ == Look::kDoctor) figures_.symptoms.look_at(partition, shard_.now_ms());
  out.leader_epoch = partition.leader_epoch();
  if (log::PartitionLog* log = partition.log_if_open()) {
    figures_.open_logs++;
    out.log_start_offset = log->log_start_offset();
    out.log_end_offset = log->log_end_offset();
    out.high_watermark = out.last_stable_offset = log->high_watermark();
    // Only loaded producers are used: loading them would read from the disk.
    if (log->has_producers()) {
      if (auto stable = log->last_stable_offset()) out.last_stable_offset = *stable;
    }
    out.segments = static_cast<int64_t>(log->segment_count());
    if (auto size = log->size()) out.size_bytes = static_cast<int64_t>(*size);
  } else if (partition.known_empty()) {
    out.size_bytes = 0;
    out.segments = 1;
  } else {
    const log::LogDirectory::Found found = partition.offsets();
    out.log_start_offset = found.log_start_offset;
    out.high_watermark = out.last_stable_offset = found.high_watermark;
    out.log_end_offset = std::max(found.recovery_point, found.high_watermark);
  }
  const metadata::TopicImage* topic = shard_.image().find_topic(partition.id().topic_id);
  const metadata::PartitionImage* image = topic == nullptr ? nullptr : topic->partition(partition.id().partition);
  if (image == nullptr) return;
  out.leader = image->leader;
  out.replicas = static_cast<int32_t>(image->replicas.size());
  out.in_sync = static_cast<int32_t>(image->isr.size());
  out.preferred_leader = image->replicas.empty() ? -1 : image->replicas[0];
  out.min_in_sync = shard_.replicas().topic_config(*topic)->min_insync_replicas;
}

// Partitions without a leader belong to no shard.
bool ShardLook::take_topics() {
  size_t seen = 0;
  for (const metadata::TopicImage& topic : shard_.image().topics_from(next_topic_)) {
    if (seen >= kAtATime) {
      next_topic_ = topic.name;
      return true;
    }
    figures_.topic_partitions[topic.name] = topic.partition_count();
    for (int32_t number = 0; number < topic.partition_count(); number++) {
      const metadata::PartitionImage& partition = topic.partitions[static_cast<size_t>(number)];
      if (!partition.exists() || partition.leader != metadata::kNoLeader) continue;
      figures_.partitions_without_leader++;
      const NodeList& replicas = partition.replicas;
      if (std::find(replicas.begin(), replicas.end(), figures_.node_id) == replicas.end()) continue;
      PartitionFigures& out = figures_.partitions.emplace_back();
      out.name = {topic.name, number};
      out.offline = true;
      out.replicas = static_cast<int32_t>(partition.replicas.size());
      out.in_sync = static_cast<int32_t>(partition.isr.size());
      out.preferred_leader = partition.replicas.empty() ? -1 : partition.replicas[0];
    }
    seen += topic.partitions.size();
  }
  topics_done_ = true;
  return true;
}

bool ShardLook::begin_groups() {
  groups_begun_ = true;
  group_partitions_ = shard_.groups().loaded_partitions();
  transaction_partitions_ = shard_.transactions().loaded_partitions();
  return true;
}

// The next id in a map of the coordinator; none at its end.
template <class Map>
void consider_next(const Map& map, const std::optional<Bytes>& last, std::optional<Bytes>& next) {
  auto found = last ? map.upper_bound(*last) : map.begin();
  if (found != map.end() && (!next || found->first < *next)) next = found->first;
}

bool ShardLook::take_groups() {
  const coordinator::GroupShard* groups = shard_.groups().find_loaded(group_partitions_[next_groups_]);
  for (size_t i = 0; i < kAtATime; i++) {
    std::optional<Bytes> next;
    if (groups != nullptr) {
      consider_next(groups->groups().all(), last_id_, next);
      consider_next(groups->offsets().groups(), last_id_, next);
    }
    last_id_ = next;
    if (!next) {
      next_groups_++;
      return true;
    }
    take_group(*groups, *next);
    if (figures_.groups.back().offsets.size() >= kAtATime) return true;
  }
  return true;
}

void ShardLook::take_group(const coordinator::GroupShard& groups, const Bytes& id) {
  GroupFigures& out = figures_.groups.emplace_back();
  out.id = id;
  out.type = "classic";
  out.state = "Empty";  // offsets alone, as simple consumers keep them
  if (const coordinator::Group* group = groups.groups().find(id)) {
    out.type = coordinator::group_type_name(group->type());
    out.state = group->listed_state();
    out.members = group->member_count();
    if (look_ == Look::kDoctor) figures_.symptoms.look_at(*group, shard_.now_ms(), shard_.steady_ms());
  }
  if (look_ == Look::kDoctor) return;
  const coordinator::OffsetStore::Topics* topics = groups.offsets().find_group(id);
  if (topics == nullptr) return;
  for (const auto& [topic, partitions] : *topics) {
    for (const auto& [partition, committed] : partitions) {
      out.offsets.push_back({.partition = {topic, partition}, .committed = committed.offset});
    }
  }
}

bool ShardLook::take_transactions() {
  const coordinator::TransactionShard* transactions =
      shard_.transactions().find_loaded(transaction_partitions_[next_transactions_]);
  for (size_t i = 0; i < kAtATime; i++) {
    std::optional<Bytes> next;
    if (transactions != nullptr) consider_next(transactions->transactions(), last_id_, next);
    last_id_ = next;
    if (!next) {
      next_transactions_++;
      return true;
    }
    const coordinator::TransactionMetadata& one = *transactions->find(*next);
    figures_.transactions.by_state[Bytes(coordinator::transaction_state_name(one.state))]++;
    if (look_ == Look::kDoctor) figures_.symptoms.look_at(*next, one);
    if (one.state != coordinator::TransactionState::kOngoing) continue;
    int64_t& oldest_ms = figures_.transactions.oldest_open_ms;
    oldest_ms = oldest_ms < 0 ? one.start_ms : std::min(oldest_ms, one.start_ms);
  }
  return true;
}

}  // namespace

void collect_figures(Shard& from, Look look, std::function<void(std::shared_ptr<NodeFigures>)> done) {
  struct Gathering {
    std::shared_ptr<NodeFigures> all = std::make_shared<NodeFigures>();
    size_t open = 0;
    std::function<void(std::shared_ptr<NodeFigures>)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->open = from.router().shard_count();
  gathering->done = std::move(done);
  from.router().at_all(
      from,
      [&from, look, gathering](Shard& shard) {
        auto finish = [&from, &shard, gathering](NodeFigures figures) {
          auto part = std::make_shared<NodeFigures>(std::move(figures));
          from.router().run_on(shard, from, [gathering, part] {
            gathering->all->take(std::move(*part));
            if (--gathering->open == 0) gathering->done(std::move(gathering->all));
          });
        };
        std::make_shared<ShardLook>(shard, look, &shard == &from, std::move(finish))->start();
      },
      [] {});
}

}  // namespace milena::broker
