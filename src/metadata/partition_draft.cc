#include "metadata/partition_draft.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "metadata/features.h"
#include "metadata/planted_replication_bugs.h"

namespace milena {
namespace {

bool holds(const std::vector<int32_t>& list, int32_t id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

std::vector<int32_t> without(std::vector<int32_t> list, const std::vector<int32_t>& gone) {
  std::erase_if(list, [&gone](int32_t id) { return holds(gone, id); });
  return list;
}

void add_missing(std::vector<int32_t>& list, const std::vector<int32_t>& more) {
  for (const int32_t id : more) {
    if (!holds(list, id)) list.push_back(id);
  }
}

}  // namespace

bool can_lead(const MetadataImage& image, int32_t broker_id) {
  const BrokerImage* broker = image.find_broker(broker_id);
  return broker != nullptr && !broker->fenced && !broker->in_controlled_shutdown;
}

Uuid default_directory(const MetadataImage& image, int32_t broker_id) {
  const BrokerImage* broker = image.find_broker(broker_id);
  return broker != nullptr && broker->log_dirs.size() == 1 ? broker->log_dirs.front() : kDirectoryUnassigned;
}

PartitionDraft::PartitionDraft(const MetadataImage& image, const TopicImage& topic, int32_t number,
                               int32_t min_insync_replicas)
    : image_(image),
      before_(topic.partitions[static_cast<size_t>(number)]),
      topic_id_(topic.id),
      number_(number),
      min_insync_replicas_(min_insync_replicas),
      keeps_eligible_(image.feature_level(kElrFeature) > 0) {
  CHECK(before_.exists(), "a draft of a partition that is not there");
  may_lead = [&image](int32_t id) { return can_lead(image, id); };
  replicas = before_.replicas.to_vector();
  isr = before_.isr.to_vector();
  removing = before_.extras().removing_replicas;
  adding = before_.extras().adding_replicas;
  eligible_ = before_.extras().eligible_leader_replicas;
  last_known_ = before_.extras().last_known_elr;
}

void PartitionDraft::reassign_to(const std::vector<int32_t>& target) {
  removing = without(replicas, target);
  adding = without(target, replicas);
  std::sort(removing.begin(), removing.end());
  std::sort(adding.begin(), adding.end());
  const std::vector<int32_t> gone = removing;
  replicas = target;
  add_missing(replicas, gone);
}

bool PartitionDraft::revert_reassignment() {
  replicas = without(std::move(replicas), adding);
  isr = without(std::move(isr), adding);
  adding.clear();
  removing.clear();
  return !replicas.empty() && !isr.empty();
}

void PartitionDraft::complete_reassignment() {
  if (removing.empty() && adding.empty()) return;
  const std::vector<int32_t> target = without(replicas, removing);
  const std::vector<int32_t> in_sync = without(isr, removing);
  if (target.empty() || in_sync.empty() || !without(adding, in_sync).empty()) return;
  replicas = target;
  isr = in_sync;
  adding.clear();
  removing.clear();
}

// Who was in sync and is no longer stays eligible while fewer replicas are in sync than acks=all wants.
void PartitionDraft::choose_eligible() {
  if (!keeps_eligible_) {
    eligible_.clear();
    last_known_.clear();
    return;
  }
  const size_t enough = std::min(static_cast<size_t>(std::max(min_insync_replicas_, 1)), replicas.size());
  if (isr.size() >= enough) {
    eligible_.clear();
    last_known_.clear();
    return;
  }
  std::vector<int32_t> were_eligible = eligible_;
  eligible_.clear();
  add_missing(eligible_, before_.isr.to_vector());
  add_missing(eligible_, were_eligible);
  eligible_ = without(std::move(eligible_), isr);
  std::erase_if(eligible_, [this](int32_t id) { return !holds(replicas, id) || holds(stopped_uncleanly, id); });
  add_missing(last_known_, were_eligible);
  for (const int32_t id : before_.isr) {
    if (holds(stopped_uncleanly, id)) add_missing(last_known_, {id});
  }
  last_known_ = without(without(std::move(last_known_), isr), eligible_);
}

PartitionDraft::Choice PartitionDraft::choose_leader() const {
  const auto in_sync = [this](int32_t id) { return holds(isr, id) && may_lead(id); };
  if (election == Election::kPreferred && !replicas.empty() && in_sync(replicas.front())) return {replicas.front()};
  if (holds(replicas, before_.leader) && in_sync(before_.leader)) return {before_.leader};
  for (const int32_t id : replicas) {
    if (in_sync(id)) return {id};
  }
  for (const int32_t id : eligible_) {
    if (may_lead(id)) return {id};
  }
  // The last one that led, where nobody else can be known to hold everything.
  if (isr.empty() && eligible_.empty() && last_known_.size() == 1 && may_lead(last_known_.front())) {
    return {last_known_.front(), true};
  }
  if (election == Election::kUnclean || MILENA_REPLICATION_BUG(kUncleanWithoutPermission)) {
    for (const int32_t id : replicas) {
      if (may_lead(id)) return {id, true};
    }
  }
  return {};
}

void PartitionDraft::elect(PartitionChangeRecord& change) {
  const Choice choice = choose_leader();
  if (choice.leader == before_.leader) return;
  change.leader = choice.leader;
  if (choice.leader != kNoLeader && !holds(isr, choice.leader)) {
    isr = {choice.leader};
    last_known_.clear();
    std::erase(eligible_, choice.leader);
  }
  if (choice.unclean) {
    change.leader_recovery_state = 1;
    eligible_.clear();
  }
  if (choice.leader == kNoLeader && keeps_eligible_ && isr.empty() && eligible_.empty() && last_known_.empty() &&
      before_.leader != kNoLeader) {
    last_known_ = {before_.leader};
  }
}

std::vector<Uuid> PartitionDraft::directories() const {
  std::vector<Uuid> result;
  for (const int32_t id : replicas) {
    result.push_back(before_.replicas.contains(id) ? before_.directory(id) : default_directory(image_, id));
  }
  return result;
}

std::optional<PartitionChangeRecord> PartitionDraft::record() {
  PartitionChangeRecord change;
  change.topic_id = topic_id_;
  change.partition_id = number_;
  complete_reassignment();
  choose_eligible();
  elect(change);

  // Without eligible leader replicas the last one in sync stays noted, so that it is known who may lead again.
  const bool isr_may_be = !isr.empty() || keeps_eligible_;
  if (isr_may_be && isr != before_.isr.to_vector()) change.isr = isr;
  const PartitionExtras& extras = before_.extras();
  if (eligible_ != extras.eligible_leader_replicas) change.eligible_leader_replicas = eligible_;
  if (last_known_ != extras.last_known_elr) change.last_known_elr = last_known_;
  if (recovery_state && change.leader_recovery_state < 0 && *recovery_state != before_.leader_recovery_state) {
    change.leader_recovery_state = *recovery_state;
  }
  if (removing != extras.removing_replicas) change.removing_replicas = removing;
  if (adding != extras.adding_replicas) change.adding_replicas = adding;
  if (replicas != before_.replicas.to_vector()) {
    change.replicas = replicas;
    change.directories = directories();
    // A replica that goes must see a new epoch, or it would go on fetching.
    const bool shrinks = !without(before_.replicas.to_vector(), replicas).empty();
    if (shrinks && change.leader == PartitionChangeRecord{}.leader) change.leader = before_.leader;
  }
  PartitionChangeRecord nothing;
  nothing.topic_id = topic_id_;
  nothing.partition_id = number_;
  if (change == nothing) return std::nullopt;
  return change;
}

}  // namespace milena
