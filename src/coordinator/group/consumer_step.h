// Step: one heartbeat of a member of a consumer group, or the join of a classic one, while it is processed. Lives on
// the stack of one input; internal to ConsumerGroups.
#pragma once

#include <memory>

#include "coordinator/group/consumer_groups.h"

namespace milena::coordinator {

struct ConsumerGroups::Step {
  Turn& turn;
  // The group, not changed here: in the shard's map, or `made` for this step, if the records create it.
  ConsumerGroup* group = nullptr;
  std::unique_ptr<ConsumerGroup> made;
  // The member before (or a new one) and after the step.
  ConsumerMember before{};
  ConsumerMember after{};
  // The static member that it replaces; empty if none.
  Bytes replaces;
  RegexChanges regexes;

  // Results of the step.
  bool topics_changed = false;
  bool regex_changed = false;
  bool new_assignment_needed = false;
  int32_t group_epoch = 0;
  int32_t target_epoch = 0;
  Assignment target;
  // The member has another current assignment.
  bool reconciled = false;

  bool subscription_changed() const { return topics_changed || regex_changed; }
  // Topics by name, and those that match the pattern.
  TopicNames topics_of(const ConsumerMember& member) const;
  const ResolvedRegex* resolved(ByteView regex) const;
  // The members after the step, by id.
  std::vector<std::pair<ByteView, const ConsumerMember*>> members_after() const;
};

}  // namespace milena::coordinator
