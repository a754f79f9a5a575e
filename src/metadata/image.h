// MetadataImage: the state of the cluster by the records of __cluster_metadata, up to some offset (Kafka's
// MetadataImage).
//
// Changed only by apply(), one record at a time, at a cost that depends on the record and not on the size of the
// cluster. The same code runs live and at load; it also replays the log of a quorum of Kafka's. Each shard owns a copy,
// which gets the same records in the same order; a copy belongs to one thread. Pointers and references into the image
// are valid until the next apply().
//
// apply() records its changes in an ImageDelta, which names things and does not copy them: its readers look them up,
// and a thing that is no longer there has been deleted since.
//
// Not here: metadata transactions (replayer.h), decisions about records (controller.h), reading a log.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/small_vector.h"
#include "base/uuid.h"
#include "config/config_map.h"
#include "metadata/metadata_record.h"

namespace milena::metadata {

inline constexpr int32_t kNoLeader = -1;
// A larger id in a log is an error: partitions are a vector.
inline constexpr int32_t kMaxPartitionId = 200'000;

// Most partitions have none of these.
struct PartitionExtras {
  std::vector<int32_t> removing_replicas;
  std::vector<int32_t> adding_replicas;
  std::vector<int32_t> eligible_leader_replicas;
  std::vector<int32_t> last_known_elr;

  bool empty() const;
  bool operator==(const PartitionExtras&) const = default;
};

struct PartitionImage {
  int32_t leader = kNoLeader;
  int32_t leader_epoch = -1;
  int32_t partition_epoch = -1;
  int8_t leader_recovery_state = 0;  // 1: the leader was elected uncleanly and has not recovered yet
  NodeList replicas;
  NodeList isr;
  // One for each replica; empty in a log written before 3.7.
  SmallVector<Uuid, 1> directories;

  // In a snapshot partitions come in any order: a partition of a lower number does not exist before its own record.
  bool exists() const { return partition_epoch >= 0; }
  // The directory of that broker's replica; kDirectoryUnassigned if unknown.
  Uuid directory(int32_t broker_id) const;
  const PartitionExtras& extras() const;
  // Empty extras are stored as nullptr.
  void set_extras(PartitionExtras extras);

  PartitionImage() = default;
  PartitionImage(PartitionImage&&) = default;
  PartitionImage& operator=(PartitionImage&&) = default;
  bool operator==(const PartitionImage& other) const;

 private:
  std::unique_ptr<PartitionExtras> extras_;
};

struct TopicImage {
  Bytes name;
  Uuid id;
  // One of the brokers' own topics (Kafka's Topic.isInternal).
  bool internal = false;
  // By partition number.
  std::vector<PartitionImage> partitions;

  int32_t partition_count() const { return static_cast<int32_t>(partitions.size()); }
  // nullptr if there is no such partition.
  const PartitionImage* partition(int32_t number) const;
  bool operator==(const TopicImage&) const = default;
};

struct EndpointImage {
  Bytes name;  // of the listener
  Bytes host;
  uint16_t port = 0;
  int16_t security_protocol = 0;
  bool operator==(const EndpointImage&) const = default;
};

struct FeatureRange {
  Bytes name;
  int16_t min_version = 0;
  int16_t max_version = 0;
  bool operator==(const FeatureRange&) const = default;
};

struct BrokerImage {
  int32_t id = -1;
  int64_t epoch = -1;
  Uuid incarnation_id;
  std::vector<EndpointImage> endpoints;
  std::vector<FeatureRange> features;
  std::optional<Bytes> rack;
  bool fenced = true;
  bool in_controlled_shutdown = false;
  std::vector<Uuid> log_dirs;
  std::vector<Uuid> cordoned_log_dirs;

  const EndpointImage* endpoint(ByteView listener) const;
  bool operator==(const BrokerImage&) const = default;
};

struct ControllerImage {
  int32_t id = -1;
  Uuid incarnation_id;
  std::vector<EndpointImage> endpoints;
  std::vector<FeatureRange> features;
  bool operator==(const ControllerImage&) const = default;
};

// The numbers are the protocol's (ConfigResource.Type).
enum class ResourceType : int8_t {
  kUnknown = 0,
  kTopic = 2,
  kBroker = 4,
  kBrokerLogger = 8,
  kClientMetrics = 16,
  kGroup = 32
};

struct ConfigResource {
  ResourceType type = ResourceType::kUnknown;
  Bytes name;  // empty for BROKER: the cluster-wide default
  auto operator<=>(const ConfigResource&) const = default;
};


// A user, client id or ip, or several of them: entity type -> name, nullopt the default entity.
using QuotaEntity = std::map<Bytes, std::optional<Bytes>>;
using QuotaMap = std::map<Bytes, double>;

struct PartitionKey {
  Uuid topic_id;
  int32_t partition = 0;
  auto operator<=>(const PartitionKey&) const = default;
};

// Changes of an image. A thing may be named twice, and may be gone when it is looked up.
struct ImageDelta {
  struct Topic {
    Bytes name;
    Uuid id;
    int32_t partition_count = 0;  // of a deleted one: its former number
  };
  struct Partition {
    PartitionKey key;
    bool created = false;
    // Before the change; for a new one, no leader and epoch -1.
    int32_t old_leader = kNoLeader;
    int32_t old_leader_epoch = -1;
  };

  std::vector<Topic> topics_created;
  std::vector<Topic> topics_deleted;
  std::vector<Partition> partitions;
  std::vector<ConfigResource> configs;
  std::vector<int32_t> brokers;
  bool controllers = false;
  bool features = false;
  bool client_quotas = false;
  bool producer_ids = false;
  std::vector<Uuid> acls;
  bool scram_credentials = false;
  bool delegation_tokens = false;

  bool empty() const;
};

class MetadataImage {
 public:
  MetadataImage();
  ~MetadataImage();
  MetadataImage(MetadataImage&&) noexcept;
  MetadataImage& operator=(MetadataImage&&) noexcept;

  // An error means that no controller wrote this log, or that the image missed a part of it: the caller stops.
  Status apply(const MetadataRecord& record, ImageDelta& delta);
  // A hint: the number of topics to expect.
  void reserve(size_t topics) { topics_by_id_.reserve(topics); }

  // --- topics
  const TopicImage* find_topic(ByteView name) const;
  const TopicImage* find_topic(const Uuid& id) const;
  const PartitionImage* find_partition(ByteView topic, int32_t partition) const;
  const PartitionImage* find_partition(const PartitionKey& key) const;
  size_t topic_count() const { return topics_.size(); }
  size_t partition_count() const { return partition_count_; }

  // Topics in the order of the names: for (const TopicImage& topic : image.topics()). topics_from(name) begins at the
  // first name not before that one.
  using TopicMap = std::map<ByteView, std::unique_ptr<TopicImage>>;
  class TopicIterator {
   public:
    explicit TopicIterator(TopicMap::const_iterator at) : at_(at) {}
    const TopicImage& operator*() const { return *at_->second; }
    const TopicImage* operator->() const { return at_->second.get(); }
    TopicIterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const TopicIterator&) const = default;

   private:
    TopicMap::const_iterator at_;
  };
  struct TopicRange {
    TopicIterator first, last;
    TopicIterator begin() const { return first; }
    TopicIterator end() const { return last; }
  };
  // Visits each partition: visit(topic, number, partition).
  template <class Visit>
  void for_each_partition(Visit&& visit) const {
    (void)any_partition([&](const TopicImage& topic, int32_t number, const PartitionImage& partition) {
      visit(topic, number, partition);
      return false;
    });
  }
  // The same until a visit returns true. Returns whether one did.
  template <class Visit>
  bool any_partition(Visit&& visit) const {
    for (const TopicImage& topic : topics()) {
      for (int32_t number = 0; number < topic.partition_count(); ++number) {
        const PartitionImage* partition = topic.partition(number);
        if (partition != nullptr && visit(topic, number, *partition)) return true;
      }
    }
    return false;
  }
  TopicRange topics() const { return {TopicIterator(topics_.begin()), TopicIterator(topics_.end())}; }
  TopicRange topics_from(ByteView name) const {
    return {TopicIterator(topics_.lower_bound(name)), TopicIterator(topics_.end())};
  }

  // --- nodes
  const std::map<int32_t, BrokerImage>& brokers() const { return brokers_; }
  const BrokerImage* find_broker(int32_t id) const;
  // The replicas on fenced or unregistered brokers.
  std::vector<int32_t> offline_replicas(const PartitionImage& partition) const;
  const std::map<int32_t, ControllerImage>& controllers() const { return controllers_; }

  // --- features: name -> finalized level. Absent is the same as 0.
  const std::map<Bytes, int16_t, std::less<>>& features() const { return features_; }
  int16_t feature_level(ByteView name) const;
  // 0 in an image without records.
  int16_t metadata_version() const { return feature_level("metadata.version"); }

  // --- configs: empty if nothing is set
  const config::ConfigMap& configs(ResourceType type, ByteView name) const;
  const std::map<ConfigResource, config::ConfigMap, std::less<>>& all_configs() const { return configs_; }

  const std::map<QuotaEntity, QuotaMap>& client_quotas() const { return client_quotas_; }

  // The first producer id that was not given to a broker; 0 at first.
  int64_t next_producer_id() const { return next_producer_id_; }

  // --- kept as they were written
  const std::map<Uuid, AccessControlEntryRecord>& acls() const { return acls_; }
  const std::map<std::pair<int8_t, Bytes>, UserScramCredentialRecord>& scram_credentials() const {
    return scram_;
  }
  const std::map<Bytes, DelegationTokenRecord>& delegation_tokens() const { return tokens_; }

  // The image as records, in the order of Kafka's snapshots: applied to an empty image they give an equal
  // one.
  void write(const std::function<void(MetadataRecord)>& emit) const;
  bool operator==(const MetadataImage& other) const;

 private:
  struct Applier;

  TopicMap topics_;  // keys view into the values' names
  std::unordered_map<Uuid, TopicImage*> topics_by_id_;
  size_t partition_count_ = 0;
  std::map<int32_t, BrokerImage> brokers_;
  std::map<int32_t, ControllerImage> controllers_;
  std::map<Bytes, int16_t, std::less<>> features_;
  std::map<ConfigResource, config::ConfigMap, std::less<>> configs_;
  std::map<QuotaEntity, QuotaMap> client_quotas_;
  int64_t next_producer_id_ = 0;
  std::map<Uuid, AccessControlEntryRecord> acls_;
  std::map<std::pair<int8_t, Bytes>, UserScramCredentialRecord> scram_;
  std::map<Bytes, DelegationTokenRecord> tokens_;
};

}  // namespace milena::metadata
