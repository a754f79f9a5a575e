// milena groups: consumer groups and their lag.
#include <fmt/format.h>

#include <algorithm>

#include "tools/group_admin.h"
#include "tools/kafka/group_tables.h"
#include "tools/kafka/offset_reset.h"
#include "tools/output.h"
#include "tools/own/own.h"

namespace milena::tools {
namespace {

struct GroupsCommand : OwnCommand {
  std::string verb, to;
  std::vector<std::string> names, topics;
  bool execute = false, members = false;

  GroupsCommand()
      : OwnCommand("groups", "Lists, describes, moves and deletes consumer groups.",
                   "[list] [options]\ndescribe GROUP... [--members]\n"
                   "move GROUP --to PLACE [-t TOPIC[:0,1]]... [--execute]\ndelete GROUP...") {
    options.word("verb", verb, "list (the default), describe, move or delete.");
    options.words("group", names, "Which groups.");
    options.flag("--members", members, "Describes members instead of offsets.");
    options.texts("-t,--topic", topics, "topic[:0,1]", "Topics and partitions to move; default: all.");
    options.text("--to", to, "place", "first, end, an offset, or a time such as -10m or 2026-11-29T22:14:40Z.");
    options.flag("--execute", execute, "Moves the offsets; without it, move only shows the new ones.");
    add_common();
    options.example("milena groups");
    options.example("milena groups describe billing");
    options.example("milena groups move billing --to -2h --execute");
  }

  Status list(Cluster& cluster);
  Status describe(Cluster& cluster);
  Status move(Cluster& cluster);
  Status work(Cluster& cluster);
};

std::string number_or_dash(const std::optional<int64_t>& number) {
  return number ? std::to_string(*number) : "-";
}

Status GroupsCommand::list(Cluster& cluster) {
  auto found = list_groups(cluster);
  RETURN_IF_ERROR(found);
  Table table({"GROUP", "TYPE", "STATE", "MEMBERS", "LAG"});
  for (const GroupListing& group : *found) {
    Result<GroupInfo> info = describe_group(cluster, group.name);
    if (!info.ok()) continue;  // gone meanwhile
    auto rows = group_offset_rows(cluster, *info);
    RETURN_IF_ERROR(rows);
    int64_t lag = 0;
    for (const GroupOffsetRow& row : *rows) lag += row.lag().value_or(0);
    table.row({group.name, info->type, info->state, std::to_string(info->members.size()), std::to_string(lag)});
  }
  table.print(json);
  return ok_status();
}

Status GroupsCommand::describe(Cluster& cluster) {
  if (names.empty()) return usage_error("groups describe: expected the name of a group");
  Table offsets({"GROUP", "TOPIC", "PARTITION", "OFFSET", "END", "LAG", "CLIENT", "HOST"});
  Table people({"GROUP", "CLIENT", "HOST", "INSTANCE", "PARTITIONS", "MEMBER"});
  for (const std::string& name : names) {
    Result<GroupInfo> info = describe_group(cluster, name);
    if (!info.ok()) return make_error(info.error().kind, "{}: {}", name, info.error().message);
    for (const GroupMemberInfo& member : info->members) {
      people.row({name, member.client_id, member.host, member.instance_id.empty() ? "-" : member.instance_id,
                  std::to_string(member.assignment.size()), member.id});
    }
    auto rows = group_offset_rows(cluster, *info);
    RETURN_IF_ERROR(rows);
    for (const GroupOffsetRow& row : *rows) {
      offsets.row({name, row.partition->first, std::to_string(row.partition->second),
                   row.committed ? std::to_string(row.committed->offset) : "-", number_or_dash(row.end),
                   number_or_dash(row.lag()), row.client, row.host});
    }
  }
  (members ? people : offsets).print(json);
  return ok_status();
}

Status GroupsCommand::move(Cluster& cluster) {
  if (names.size() != 1 || to.empty()) return usage_error("groups move: expected one group and --to");
  auto committed = fetch_committed(cluster, names.front());
  RETURN_IF_ERROR(committed);
  std::map<TopicPartitionName, int64_t> firsts, ends, times;
  if (topics.empty()) {
    for (const auto& [name, offset] : *committed) ends[name] = kLatestTime;
  } else {
    auto named = named_partitions(cluster, topics);
    RETURN_IF_ERROR(named);
    for (const TopicPartitionName& name : *named) ends[name] = kLatestTime;
  }
  firsts = times = ends;
  for (auto& [name, time] : firsts) time = kEarliestTime;
  bool is_offset = to.find_first_not_of("0123456789") == std::string::npos && to.size() < 13;
  if (to != "first" && to != "end" && !is_offset) {
    Result<int64_t> time = parse_time_ms(to);
    RETURN_IF_ERROR(time);
    for (auto& [name, wanted] : times) wanted = *time;
  }
  auto first = list_offsets(cluster, firsts);
  RETURN_IF_ERROR(first);
  auto end = list_offsets(cluster, ends);
  RETURN_IF_ERROR(end);
  auto at = list_offsets(cluster, times);
  RETURN_IF_ERROR(at);
  std::map<TopicPartitionName, int64_t> plan;
  Table table({"TOPIC", "PARTITION", "FROM", "TO"});
  for (const auto& [name, last] : *end) {
    int64_t offset = to == "first" ? (*first)[name] : is_offset ? std::stoll(to) : (*at)[name] < 0 ? last : (*at)[name];
    plan[name] = std::clamp(offset, (*first)[name], std::max(last, (*first)[name]));
    auto old = committed->find(name);
    table.row({name.first, std::to_string(name.second),
               old == committed->end() ? "-" : std::to_string(old->second.offset), std::to_string(plan[name])});
  }
  if (execute && !plan.empty()) RETURN_IF_ERROR(commit_offsets(cluster, names.front(), at_offsets(plan)));
  table.print(json);
  if (!execute) fmt::print(stderr, "Nothing was moved: add --execute to move the offsets.\n");
  return ok_status();
}

Status GroupsCommand::work(Cluster& cluster) {
  if (verb.empty() || verb == "list") return list(cluster);
  if (verb == "describe") return describe(cluster);
  if (verb == "move") return move(cluster);
  if (verb != "delete") return usage_error("groups {}: expected list, describe, move or delete", verb);
  if (names.empty()) return usage_error("groups delete: expected the name of a group");
  for (const std::string& name : names) {
    Result<ErrorCode> code = delete_group(cluster, name);
    RETURN_IF_ERROR(code);
    if (*code != ErrorCode::kNone) return make_error(ErrorKind::kInvalid, "{}: {}", name, answer_error(*code).message);
  }
  return ok_status();
}

}  // namespace

int run_groups(ToolWords words) {
  GroupsCommand groups;
  return groups.run(words, [&](Cluster& cluster) { return groups.work(cluster); });
}

}  // namespace milena::tools
