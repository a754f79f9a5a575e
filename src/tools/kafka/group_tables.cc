#include "tools/kafka/group_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "config/config_values.h"
#include "tools/kafka/script.h"

namespace milena::tools {
namespace {

template <class Number>
std::string or_dash(const std::optional<Number>& number) {
  return number ? fmt::format("{}", *number) : "-";
}

// One row, as wide as its columns; the last one is not filled up.
void print_row(const std::vector<std::string>& cells, const std::vector<size_t>& widths, bool fill_last) {
  for (size_t i = 0; i < cells.size(); i++) {
    bool last = i + 1 == cells.size();
    if (last && !fill_last)
      fmt::print("{}", cells[i]);
    else
      fmt::print("{:<{}}{}", cells[i], widths[i], last ? "" : " ");
  }
}

std::string assignment_text(const std::vector<TopicPartitionName>& partitions) {
  std::map<std::string, std::vector<int32_t>> by_topic;
  for (const auto& [topic, partition] : partitions) by_topic[topic].push_back(partition);
  std::vector<std::string> texts;
  for (auto& [topic, numbers] : by_topic) {
    std::sort(numbers.begin(), numbers.end());
    texts.push_back(fmt::format("{}:{}", topic, fmt::join(numbers, ",")));
  }
  return texts.empty() ? "-" : fmt::format("{}", fmt::join(texts, ";"));
}

}  // namespace

std::optional<int64_t> GroupOffsetRow::lag() const {
  if (!committed || committed->offset == -1 || !end) return std::nullopt;
  return *end - committed->offset;
}

Result<std::vector<GroupOffsetRow>> group_offset_rows(Cluster& cluster, const GroupInfo& group) {
  auto committed = fetch_committed(cluster, group.name);
  RETURN_IF_ERROR(committed);
  std::map<TopicPartitionName, int64_t> asked;
  for (const auto& [name, offset] : *committed) asked[name] = kLatestTime;
  for (const GroupMemberInfo& member : group.members) {
    for (const TopicPartitionName& name : member.assignment) asked[name] = kLatestTime;
  }
  auto ends = list_offsets(cluster, asked);
  RETURN_IF_ERROR(ends);
  std::vector<GroupOffsetRow> rows;
  auto add = [&](const TopicPartitionName& name, const GroupMemberInfo* member) {
    GroupOffsetRow& row = rows.emplace_back();
    row.partition = name;
    if (auto found = committed->find(name); found != committed->end()) row.committed = found->second;
    if (auto found = ends->find(name); found != ends->end()) row.end = found->second;
    asked.erase(name);
    if (member == nullptr) return;
    row.consumer = member->id;
    row.host = member->host;
    row.client = member->client_id;
  };
  std::vector<const GroupMemberInfo*> members;
  for (const GroupMemberInfo& member : group.members) members.push_back(&member);
  std::stable_sort(members.begin(), members.end(),
                   [](const auto* a, const auto* b) { return a->assignment.size() > b->assignment.size(); });
  for (const GroupMemberInfo* member : members) {
    for (const TopicPartitionName& name : member->assignment) add(name, member);
  }
  auto rest = asked;
  for (const auto& [name, time] : rest) add(name, nullptr);
  return rows;
}

bool say_what_state(const GroupInfo& group) {
  std::fflush(stdout);
  if (group.state == "Dead") {
    fmt::print("\nError: Consumer group '{}' does not exist.\n", group.name);
    return false;
  }
  if (group.state == "Empty") {
    fmt::print(stderr, "\nConsumer group '{}' has no active members.\n", group.name);
  } else if (group.state != "Stable") {
    fmt::print(stderr, "\nWarning: Consumer group '{}' is rebalancing.\n", group.name);
  }
  return true;
}

void print_group_offsets(const std::string& group, const std::vector<GroupOffsetRow>& rows, bool verbose) {
  if (rows.empty()) return;
  size_t topic_width = 15, consumer_width = 15, host_width = 15;
  for (const GroupOffsetRow& row : rows) {
    if (row.partition) topic_width = std::max(topic_width, row.partition->first.size());
    consumer_width = std::max(consumer_width, row.consumer.size());
    host_width = std::max(host_width, row.host.size());
  }
  std::vector<size_t> widths = {std::max<size_t>(15, group.size()), topic_width, 10};
  std::vector<std::string> heads = {"GROUP", "TOPIC", "PARTITION"};
  if (verbose) {
    widths.push_back(15);
    heads.push_back("LEADER-EPOCH");
  }
  for (size_t width : {size_t{15}, size_t{15}, size_t{15}, consumer_width, host_width, size_t{0}})
    widths.push_back(width);
  for (const char* head : {"CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST", "CLIENT-ID"}) {
    heads.push_back(head);
  }
  fmt::print("\n");
  print_row(heads, widths, false);
  for (const GroupOffsetRow& row : rows) {
    std::vector<std::string> cells = {group, row.partition ? row.partition->first : "-",
                                      row.partition ? std::to_string(row.partition->second) : "-"};
    if (verbose)
      cells.push_back(row.committed && row.committed->leader_epoch >= 0 ? std::to_string(row.committed->leader_epoch)
                                                                        : "-");
    cells.push_back(row.committed ? std::to_string(row.committed->offset) : "-");
    cells.push_back(or_dash(row.end));
    cells.push_back(or_dash(row.lag()));
    for (const std::string& text : {row.consumer, row.host, row.client}) cells.push_back(text);
    fmt::print("\n");
    print_row(cells, widths, false);
  }
  fmt::print("\n");
}

void print_group_members(const GroupInfo& group, bool verbose) {
  bool with_instance = false, classic = false, consumer = false;
  size_t id_width = 15, instance_width = 17, host_width = 15, client_width = 15, current_width = 20, target_width = 20;
  for (const GroupMemberInfo& member : group.members) {
    id_width = std::max(id_width, member.id.size());
    instance_width = std::max(instance_width, member.instance_id.size());
    host_width = std::max(host_width, member.host.size());
    client_width = std::max(client_width, member.client_id.size());
    current_width = std::max(current_width, assignment_text(member.assignment).size());
    target_width = std::max(target_width, assignment_text(member.target).size());
    with_instance = with_instance || !member.instance_id.empty();
    classic = classic || member.upgraded == false;
    consumer = consumer || member.upgraded == true;
  }
  std::vector<size_t> widths = {std::max<size_t>(15, group.name.size()), id_width};
  if (with_instance) widths.push_back(instance_width);
  for (size_t width : {host_width, client_width, size_t{15}}) widths.push_back(width);
  const std::vector<size_t> more = {15, current_width, 15, target_width};
  bool migrating = classic && consumer;
  auto print = [&](std::vector<std::string> cells, const std::vector<std::string>& extra, const std::string& upgraded) {
    if (!with_instance) cells.erase(cells.begin() + 2);
    print_row(cells, widths, true);
    fmt::print(" ");
    if (verbose) print_row(extra, more, true);
    if (verbose && migrating) fmt::print(" {}", upgraded);
    fmt::print("\n");
  };
  fmt::print("\n");
  print({"GROUP", "CONSUMER-ID", "GROUP-INSTANCE-ID", "HOST", "CLIENT-ID", "#PARTITIONS"},
        {"CURRENT-EPOCH", "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT"}, "UPGRADED");
  for (const GroupMemberInfo& member : group.members) {
    print({group.name, member.id, member.instance_id, member.host, member.client_id,
           std::to_string(member.assignment.size())},
          {or_dash(member.epoch), assignment_text(member.assignment), or_dash(group.target_epoch),
           assignment_text(member.target)},
          member.upgraded ? (*member.upgraded ? "true" : "false") : "-");
  }
}

void print_group_state(const GroupInfo& group, bool verbose) {
  std::string coordinator =
      fmt::format("{}:{}  ({})", group.coordinator.host, group.coordinator.port, group.coordinator.node_id);
  std::vector<size_t> widths = {std::max<size_t>(15, group.name.size()), std::max<size_t>(25, coordinator.size()), 20,
                                20};
  std::vector<std::string> heads = {"GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE"};
  std::vector<std::string> cells = {group.name, coordinator, group.assignor.empty() ? "-" : group.assignor,
                                    group.state};
  if (verbose) {
    widths.insert(widths.end(), {15, 25});
    heads.insert(heads.end(), {"GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH"});
    cells.insert(cells.end(), {or_dash(group.epoch), or_dash(group.target_epoch)});
  }
  widths.push_back(0);
  heads.push_back("#MEMBERS");
  cells.push_back(std::to_string(group.members.size()));
  fmt::print("\n");
  print_row(heads, widths, false);
  fmt::print("\n");
  print_row(cells, widths, false);
  fmt::print("\n");
}

Result<std::vector<TopicPartitionName>> named_partitions(Cluster& cluster, const std::vector<std::string>& topics) {
  std::vector<TopicPartitionName> found;
  for (const std::string& text : topics) {
    std::vector<std::string> parts = split(text, ':', 2);
    if (parts.size() == 2) {
      for (const std::string& number : split(parts[1], ',')) {
        std::optional<int64_t> partition = config::parse_integer(number);
        if (!partition || *partition < 0 || *partition > INT32_MAX) {
          return make_error(ErrorKind::kInvalid, "Invalid topic arg '{}', expected topic name and partitions", text);
        }
        found.emplace_back(parts[0], static_cast<int32_t>(*partition));
      }
      continue;
    }
    auto topic = cluster.topic(text);
    RETURN_IF_ERROR(topic);
    for (const auto& partition : topic->partitions) found.emplace_back(text, partition.partition_index);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

Result<std::map<TopicPartitionName, ErrorCode>> delete_offsets_of(Cluster& cluster, const std::string& group,
                                                                  const std::vector<TopicPartitionName>& partitions,
                                                                  ErrorCode& whole) {
  auto found = delete_offsets(cluster, group, partitions, whole);
  if (!found.ok() || whole == ErrorCode::kNone) return found;
  for (const TopicPartitionName& name : partitions) (*found)[name] = whole;
  return found;
}

std::string java_exception(ErrorCode code, const std::string& message) {
  std::string name;
  switch (code) {
    case ErrorCode::kNonEmptyGroup:
      name = "GroupNotEmptyException";
      break;
    case ErrorCode::kGroupIdNotFound:
      name = "GroupIdNotFoundException";
      break;
    case ErrorCode::kInvalidGroupId:
      name = "InvalidGroupIdException";
      break;
    case ErrorCode::kGroupAuthorizationFailed:
      name = "GroupAuthorizationException";
      break;
    case ErrorCode::kClusterAuthorizationFailed:
      name = "ClusterAuthorizationException";
      break;
    case ErrorCode::kSecurityDisabled:
      name = "SecurityDisabledException";
      break;
    case ErrorCode::kInvalidRequest:
      name = "InvalidRequestException";
      break;
    case ErrorCode::kUnsupportedVersion:
      name = "UnsupportedVersionException";
      break;
    default:
      return fmt::format("{}: {}", error_name(code), error_message(code));
  }
  return fmt::format("org.apache.kafka.common.errors.{}: {}", name,
                     message.empty() ? error_message(code) : ByteView(message));
}

}  // namespace milena::tools
