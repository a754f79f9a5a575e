// PartitionDraft: the next replicas and leader of a partition, and the record for the change. Internal to src/metadata;
// made for one decision. It holds references into the controller's image.
//
// The caller sets the desired changes (in-sync replicas, assignment, kind of election) and takes the record; the draft
// completes a reassignment whose new replicas are all in sync, maintains the eligible leader replicas (KIP-966), and
// elects a leader if the current one cannot stay.
//
// Source: Kafka's PartitionChangeBuilder, PartitionReassignmentReplicas, PartitionReassignmentRevert.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "metadata/image.h"
#include "metadata/metadata_record.h"

namespace milena::metadata {

// Registered, not fenced, not shutting down.
bool can_lead(const MetadataImage& image, int32_t broker_id);
// The directory of a new replica of that broker, if it has just one (ClusterControlManager.defaultDir).
Uuid default_directory(const MetadataImage& image, int32_t broker_id);

class PartitionDraft {
 public:
  enum class Election {
    kOnline,     // only if the leader cannot stay; from the ISR
    kPreferred,  // the first replica, if eligible; else like kOnline
    kUnclean     // if the leader cannot stay; from all replicas, if no in-sync one is left
  };

  PartitionDraft(const MetadataImage& image, const TopicImage& topic, int32_t number, int32_t min_insync_replicas);

  Election election = Election::kOnline;
  // Whether a broker may lead, if its directory works; initially can_lead().
  std::function<bool(int32_t)> may_lead;
  std::vector<int32_t> replicas;
  std::vector<int32_t> isr;
  std::vector<int32_t> removing;
  std::vector<int32_t> adding;
  // Brokers that may have lost records: they are no longer eligible.
  std::vector<int32_t> stopped_uncleanly;
  // Nullopt: unchanged.
  std::optional<int8_t> recovery_state;

  // Starts a reassignment to these replicas; removed ones stay until the new ones are in sync.
  void reassign_to(const std::vector<int32_t>& target);
  // Cancels the reassignment under way. False: none of the remaining replicas would be in sync.
  bool revert_reassignment();

  // nullopt: nothing changes.
  std::optional<PartitionChangeRecord> record();

 private:
  struct Choice {
    int32_t leader = kNoLeader;
    bool unclean = false;
  };

  void complete_reassignment();
  void choose_eligible();
  bool can_take_over(int32_t id) const;
  Choice choose_leader() const;
  void elect(PartitionChangeRecord& change);
  void note_last_leader(PartitionChangeRecord& change) const;
  std::vector<Uuid> directories() const;

  const MetadataImage& image_;
  const PartitionImage& before_;
  Uuid topic_id_;
  int32_t number_;
  int32_t min_insync_replicas_;
  bool keeps_eligible_;
  std::vector<int32_t> eligible_;
};

}  // namespace milena::metadata
