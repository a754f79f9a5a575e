// ReplayRules: requirements of Kafka's coordinator on __consumer_offsets. A record that breaks one of these rules makes
// its load of the whole partition fail (GroupMetadataManager.replay throws, CoordinatorLoaderImpl gives up), so that
// Kafka could not take over our log. Keeps only the state of groups that the rules need.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "coordinator/group/foreign_group.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/group_table.h"

namespace milena::coordinator {

class ReplayRules {
 public:
  // The error in the next record of the log; nothing if Kafka accepts it.
  std::optional<std::string> next(const CoordinatorRecord& record) {
    const auto parsed =
        parse_coordinator_record(record.key, record.value ? std::optional<ByteView>(*record.value) : std::nullopt);
    if (!parsed.ok()) return "a record that cannot be read";
    return std::visit([this](const auto& one) { return check(one); }, parsed.value());
  }

 private:
  struct Group {
    std::map<std::string, int32_t> member_epochs;
    std::set<std::string> targets;
    int32_t assignment_epoch = 0;
  };
  using Broken = std::optional<std::string>;

  // The group of a record; null for a tombstone of a missing one. A classic group in its place is an error.
  Group* find(const std::string& id, bool make, Broken& broken) {
    if (foreign_.find(id) != nullptr) {
      broken = "a consumer group's record for the share or streams group " + id;
      return nullptr;
    }
    if (classic_.count(id) > 0) {
      broken = "a consumer group's record for the classic group " + id;
      return nullptr;
    }
    if (make) return &groups_[id];
    const auto at = groups_.find(id);
    return at == groups_.end() ? nullptr : &at->second;
  }

  template <class Other>
  Broken check(const Other&) {
    return std::nullopt;
  }
  Broken check(const OtherRecord& record) {
    const std::string id(record.group_id);
    if (groups_.count(id) > 0 || classic_.count(id) > 0) return "a share or streams group's record for the group " + id;
    apply_foreign(foreign_, record);
    return std::nullopt;
  }
  // Kafka lets a classic group's record take the place of a consumer group, or remove it. We write neither.
  Broken check(const GroupRecord& record) {
    const std::string id(record.key.group);
    if (foreign_.find(id) != nullptr) return "a classic group's record for the share or streams group " + id;
    if (groups_.count(id) > 0) return "a classic group's record for the consumer group " + id;
    const bool simple = record.value && record.value->protocol_type.empty() && record.value->members.empty();
    if (record.value && !simple) {
      classic_.insert(id);
    } else {
      classic_.erase(id);
    }
    return std::nullopt;
  }
  Broken check(const SubscriptionMetadataRecord& record) { return note(record); }
  Broken check(const RegexRecord& record) { return note(record); }
  template <class Record>
  Broken note(const Record& record) {
    Broken broken;
    find(std::string(record.key.group_id), record.value.has_value(), broken);
    return broken;
  }
  Broken check(const GroupEpochRecord& record) {
    Broken broken;
    const std::string id(record.key.group_id);
    const Group* group = find(id, record.value.has_value(), broken);
    if (group == nullptr || record.value) return broken;
    if (!group->member_epochs.empty()) return "the end of group " + id + ", which has members";
    if (!group->targets.empty()) return "the end of group " + id + ", which has targets";
    if (group->assignment_epoch != -1) return "the end of group " + id + ", which has an assignment epoch";
    groups_.erase(id);
    return std::nullopt;
  }
  Broken check(const MemberRecord& record) {
    Broken broken;
    const std::string id(record.key.member_id);
    Group* group = find(std::string(record.key.group_id), record.value.has_value(), broken);
    if (group == nullptr) return broken;
    if (record.value) {
      group->member_epochs.emplace(id, 0);
      return std::nullopt;
    }
    const auto member = group->member_epochs.find(id);
    if (member == group->member_epochs.end()) return std::nullopt;
    if (member->second != -1) return "the end of member " + id + ", which has a current assignment";
    if (group->targets.count(id) > 0) return "the end of member " + id + ", which has a target";
    group->member_epochs.erase(member);
    return std::nullopt;
  }
  Broken check(const AssignmentEpochRecord& record) {
    Broken broken;
    const std::string id(record.key.group_id);
    Group* group = find(id, record.value.has_value(), broken);
    if (group == nullptr) return broken;
    if (!record.value && !group->targets.empty())
      return "the end of the assignment of group " + id + ", which has targets";
    group->assignment_epoch = record.value ? record.value->assignment_epoch : -1;
    return std::nullopt;
  }
  Broken check(const TargetRecord& record) {
    Broken broken;
    const std::string id(record.key.member_id);
    Group* group = find(std::string(record.key.group_id), record.value.has_value(), broken);
    if (group == nullptr) return broken;
    if (record.value) {
      group->targets.insert(id);
    } else {
      group->targets.erase(id);
    }
    return std::nullopt;
  }
  Broken check(const CurrentAssignmentRecord& record) {
    Broken broken;
    const std::string id(record.key.member_id);
    Group* group = find(std::string(record.key.group_id), record.value.has_value(), broken);
    if (group == nullptr) return broken;
    const auto member = group->member_epochs.find(id);
    if (record.value) {
      group->member_epochs[id] = record.value->member_epoch;
    } else if (member != group->member_epochs.end()) {
      member->second = -1;
    }
    return std::nullopt;
  }

  std::map<std::string, Group> groups_;
  std::set<std::string> classic_;
  GroupTable foreign_;
};

}  // namespace milena::coordinator
