#include "metadata/partition_draft.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "metadata/directory_rules.h"
#include "metadata/features.h"
#include "metadata/planted_replication_bugs.h"

namespace milena::metadata {
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
  // With fewer replicas than before, those that go may be all that keeps enough in sync: those that stay come first.
  const bool fewer = adding.size() < removing.size();
  if (fewer && !without(target, in_sync).empty() && !MILENA_REPLICATION_BUG(kFewerBeforeInSync)) return;
  replicas = target;
  isr = in_sync;
  adding.clear();
  removing.clear();
}

// Replicas that leave the ISR stay eligible while it has fewer than min.insync.replicas.
void PartitionDraft::choose_eligible() {
  if (!keeps_eligible_) {
    eligible_.clear();
    return;
  }
  const size_t enough = std::min(static_cast<size_t>(std::max(min_insync_replicas_, 1)), replicas.size());
  if (isr.size() >= enough) {
    eligible_.clear();
    return;
  }
  const std::vector<int32_t> were_eligible = std::exchange(eligible_, before_.isr.to_vector());
  add_missing(eligible_, were_eligible);
  eligible_ = without(std::move(eligible_), isr);
  std::erase_if(eligible_, [this](int32_t id) { return !holds(replicas, id) || holds(stopped_uncleanly, id); });
}

// A broker cannot lead partitions in an offline directory (Kafka's LeaderAcceptor).
bool PartitionDraft::can_take_over(int32_t id) const {
  const BrokerImage* broker = image_.find_broker(id);
  if (broker == nullptr || !may_lead(id)) return false;
  return !before_.replicas.contains(id) || directory_works(*broker, before_.directory(id));
}

PartitionDraft::Choice PartitionDraft::choose_leader() const {
  const auto in_sync = [this](int32_t id) { return holds(isr, id) && can_take_over(id); };
  if (election == Election::kPreferred && !replicas.empty() && in_sync(replicas.front())) return {replicas.front()};
  if (holds(replicas, before_.leader) && in_sync(before_.leader)) return {before_.leader};
  for (const int32_t id : replicas) {
    if (in_sync(id)) return {id};
  }
  if (isr.empty()) {
    for (const int32_t id : replicas) {
      if (holds(eligible_, id) && can_take_over(id)) return {id};
    }
    // The last leader, if no other replica is known to have all records.
    const std::vector<int32_t>& led_last = before_.extras().last_known_elr;
    if (keeps_eligible_ && eligible_.empty() && led_last.size() == 1 && holds(replicas, led_last.front()) &&
        can_take_over(led_last.front())) {
      return {led_last.front(), true};
    }
  }
  if (election == Election::kUnclean || MILENA_REPLICATION_BUG(kUncleanWithoutPermission)) {
    for (const int32_t id : replicas) {
      if (can_take_over(id)) return {id, true};
    }
  }
  return {};
}

void PartitionDraft::elect(PartitionChangeRecord& change) {
  const Choice choice = choose_leader();
  if (choice.leader == before_.leader) return;
  CHECK(choice.leader == kNoLeader || holds(replicas, choice.leader), "{} is no replica of partition {}", choice.leader,
        number_);
  change.leader = choice.leader;
  if (choice.leader != kNoLeader && !holds(isr, choice.leader)) {
    isr = {choice.leader};
    std::erase(eligible_, choice.leader);
  }
  if (choice.unclean) {
    change.leader_recovery_state = 1;
    eligible_.clear();
  }
}

// LastKnownElr has the last leader of a leaderless partition (Kafka 4: useLastKnownLeaderInBalancedRecovery). It is set
// when the partition loses its leader, whether others are eligible or not, and cleared with the next leader.
void PartitionDraft::note_last_leader(PartitionChangeRecord& change) const {
  const std::vector<int32_t>& noted = before_.extras().last_known_elr;
  if (!keeps_eligible_) {
    if (!noted.empty()) change.last_known_elr.emplace();
  } else if (change.leader == kNoLeader && noted.empty()) {
    change.last_known_elr = {before_.leader};
  } else if (change.leader >= 0 && !noted.empty()) {
    change.last_known_elr.emplace();
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
  CHECK(std::none_of(eligible_.begin(), eligible_.end(), [this](int32_t id) { return holds(isr, id); }),
        "a replica of partition {} is in sync and eligible", number_);

  // Without eligible leader replicas the last in-sync replica stays in the ISR, so that it may lead again.
  const bool isr_may_be = !isr.empty() || keeps_eligible_;
  if (isr_may_be && isr != before_.isr.to_vector()) change.isr = isr;
  const PartitionExtras& extras = before_.extras();
  if (eligible_ != extras.eligible_leader_replicas) change.eligible_leader_replicas = eligible_;
  note_last_leader(change);
  if (recovery_state && change.leader_recovery_state < 0 && *recovery_state != before_.leader_recovery_state) {
    change.leader_recovery_state = *recovery_state;
  }
  if (removing != extras.removing_replicas) change.removing_replicas = removing;
  if (adding != extras.adding_replicas) change.adding_replicas = adding;
  if (replicas != before_.replicas.to_vector()) {
    change.replicas = replicas;
    change.directories = directories();
    // A removed replica must see a new epoch, or it would go on fetching.
    const bool shrinks = !without(before_.replicas.to_vector(), replicas).empty();
    if (shrinks && change.leader == PartitionChangeRecord{}.leader) change.leader = before_.leader;
  }
  PartitionChangeRecord nothing;
  nothing.topic_id = topic_id_;
  nothing.partition_id = number_;
  if (change == nothing) return std::nullopt;
  return change;
}

}  // namespace milena::metadata
