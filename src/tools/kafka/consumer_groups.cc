// kafka-consumer-groups.sh: options, output and exit codes of Kafka's ConsumerGroupCommand.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdio>

#include "tools/commands.h"
#include "tools/kafka/group_tables.h"
#include "tools/kafka/offset_reset.h"
#include "tools/kafka/script.h"

namespace milena::tools {
namespace {

struct GroupsScript {
  KafkaScript script{"kafka-consumer-groups.sh", "Lists, describes and deletes consumer groups, and resets offsets.",
                     "--bootstrap-server <host:port> --list|--describe|--delete|...\n"
                     "... --reset-offsets --group <group> --topic <topic> --to-earliest --execute"};
  bool list = false, describe = false, remove = false, reset = false, delete_offsets = false;
  bool all_groups = false, members = false, offsets = false, verbose = false;
  std::optional<std::string> state, type, regex;
  std::vector<std::string> groups, topics;
  OffsetReset how;
  std::unique_ptr<Cluster> cluster;

  GroupsScript();
  std::optional<int> check();
  std::optional<int> check_reset();
  Result<std::vector<std::string>> chosen() const;
  Status list_them();
  Status describe_them();
  Status delete_them();
  Status delete_their_offsets();
  Status run();
};

GroupsScript::GroupsScript() {
  Options& options = script.options;
  options.flag("--list", list, "Lists the groups.");
  options.flag("--describe", describe, "Describes groups: their offsets and lag.");
  options.flag("--delete", remove, "Deletes groups that have no members.");
  options.flag("--reset-offsets", reset, "Moves the offsets of a group that has no members.");
  options.flag("--delete-offsets", delete_offsets, "Deletes the offsets of topics.");
  options.text("--validate-regex", regex, "expression", "Checks whether a consumer can subscribe to this expression.");
  options.texts("--group", groups, "group", "A group; may be given several times.");
  options.flag("--all-groups", all_groups, "All groups.");
  options.texts("--topic", topics, "topic[:0,1]", "Topics and partitions.");
  options.flag("--all-topics", how.all_topics, "All topics of the group.");
  script.add_common();
  options.ignored("--timeout", "ms", "Has no effect.");
  options.flag("--members", members, "Describes the members.");
  options.flag("--offsets", offsets, "Describes the offsets (the default).");
  options.maybe_text("--state", state, "state", "Describes the state; with --list, shows it, or only groups in it.");
  options.maybe_text("--type", type, "type", "With --list: shows the type, or only groups of this type.");
  options.flag("--verbose", verbose, "More columns.");
  how.add_to(options);
}

std::optional<int> GroupsScript::check() {
  const Options& options = script.options;
  if (list + describe + remove + reset + delete_offsets + regex.has_value() != 1) {
    return options.mistake(
        "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, "
        "--delete-offsets, --validate-regex");
  }
  if (regex) return std::nullopt;
  if (script.cluster.servers.empty()) return options.mistake("Missing required argument \"[bootstrap-server]\"");
  if (all_groups && !groups.empty()) {
    return options.mistake("Option \"[group]\" can't be used with option \"[all-groups]\"");
  }
  bool has_group = all_groups || !groups.empty();
  if ((describe || remove) && !has_group) {
    return options.mistake(
        fmt::format("Option [{}] takes one of these options: [all-groups], [group]", describe ? "describe" : "delete"));
  }
  if (describe && members + offsets + (state && state->empty()) > 1) {
    return options.mistake("Option [describe] takes at most one of these options: [members], [offsets], [state]");
  }
  if (describe && state && !state->empty()) {
    return options.mistake("Option [describe] does not take a value for [state]");
  }
  if (remove && !topics.empty()) {
    return options.mistake("The consumer does not support topic-specific offset deletion from a consumer group.");
  }
  if (delete_offsets && (groups.empty() || topics.empty())) {
    return options.mistake("Option [delete-offsets] takes the following options: [topic], [group]");
  }
  return reset ? check_reset() : std::nullopt;
}

std::optional<int> GroupsScript::check_reset() {
  const Options& options = script.options;
  if (groups.empty() && !all_groups) {
    return options.mistake("Option [reset-offsets] takes one of these options: [all-groups], [group]");
  }
  std::string mistake = how.mistake(topics);
  return mistake.empty() ? std::nullopt : std::optional<int>(options.mistake(mistake));
}

Result<std::vector<std::string>> GroupsScript::chosen() const {
  if (!all_groups) return groups;
  auto found = list_groups(*cluster);
  RETURN_IF_ERROR(found);
  std::vector<std::string> names;
  for (const GroupListing& group : *found) names.push_back(group.name);
  return names;
}

Status GroupsScript::list_them() {
  std::vector<std::string> states, types;
  if (state && !state->empty()) states = split(*state, ',');
  if (type && !type->empty()) types = split(*type, ',');
  for (std::string& one : states) one = trimmed(one);
  for (std::string& one : types) one = trimmed(one);
  auto found = list_groups(*cluster, states, types);
  RETURN_IF_ERROR(found);
  if (!state && !type) {
    for (const GroupListing& group : *found) fmt::print("{}\n", group.name);
    return ok_status();
  }
  size_t width = 15;
  for (const GroupListing& group : *found) width = std::max(width, group.name.size());
  width += 10;
  auto print = [&](const std::string& name, const std::string& its_type, const std::string& its_state) {
    fmt::print("{:<{}}", name, width);
    if (type) fmt::print(" {:<20}", its_type);
    if (state) fmt::print(" {:<20}", its_state);
    fmt::print("\n");
  };
  print("GROUP", "TYPE", "STATE");
  for (const GroupListing& group : *found) {
    print(group.name, group.type == "consumer" ? "Consumer" : "Classic", group.state);
  }
  return ok_status();
}

Status GroupsScript::describe_them() {
  auto names = chosen();
  RETURN_IF_ERROR(names);
  std::sort(names->begin(), names->end());
  for (const std::string& name : *names) {
    Result<GroupInfo> group = describe_group(*cluster, name);
    if (!group.ok() && group.error().kind == ErrorKind::kNotFound) {
      return make_error(ErrorKind::kNotFound, "org.apache.kafka.common.errors.GroupIdNotFoundException: {}",
                        group.error().message);
    }
    RETURN_IF_ERROR(group);
    if (!say_what_state(*group)) continue;
    if (members) {
      print_group_members(*group, verbose);
    } else if (state) {
      print_group_state(*group, verbose);
    } else {
      auto rows = group_offset_rows(*cluster, *group);
      RETURN_IF_ERROR(rows);
      print_group_offsets(name, *rows, verbose);
    }
  }
  return ok_status();
}

Status GroupsScript::delete_them() {
  auto names = chosen();
  RETURN_IF_ERROR(names);
  std::vector<std::string> gone, kept;
  for (const std::string& name : *names) {
    Result<ErrorCode> code = delete_group(*cluster, name);
    RETURN_IF_ERROR(code);
    if (*code == ErrorCode::kNone) {
      gone.push_back("'" + name + "'");
    } else {
      kept.push_back(fmt::format("* Group '{}' could not be deleted due to: {}", name, java_exception(*code)));
    }
  }
  if (kept.empty()) {
    fmt::print("Deletion of requested consumer groups ({}) was successful.\n", fmt::join(gone, ", "));
    return ok_status();
  }
  fmt::print("\nError: Deletion of some consumer groups failed:\n{}\n", fmt::join(kept, "\n"));
  if (!gone.empty()) {
    fmt::print("\nThese consumer groups were deleted successfully: {}\n", fmt::join(gone, ", "));
  }
  return ok_status();
}

Status GroupsScript::delete_their_offsets() {
  auto partitions = named_partitions(*cluster, topics);
  RETURN_IF_ERROR(partitions);
  ErrorCode whole = ErrorCode::kNone;
  auto found = delete_offsets_of(*cluster, groups.back(), *partitions, whole);
  RETURN_IF_ERROR(found);
  bool some_failed =
      std::any_of(found->begin(), found->end(), [](auto& one) { return one.second != ErrorCode::kNone; });
  if (whole == ErrorCode::kNone && !some_failed) {
    fmt::print("Request succeeded for deleting offsets from group {}.\n", groups.back());
  } else if (whole == ErrorCode::kNone) {
    fmt::print("\nError: Encountered some partition-level error, see the follow-up details.\n");
  } else {
    fmt::print("\nError: {}\n", error_message(whole));
  }
  size_t width = 15;
  for (const auto& [name, code] : *found) width = std::max(width, name.first.size());
  fmt::print("\n{:<{}} {:<10} {:<15}", "TOPIC", width, "PARTITION", "STATUS");
  for (const auto& [name, code] : *found) {
    std::string text = code == ErrorCode::kNone ? "Successful" : fmt::format("Error: {}", error_message(code));
    fmt::print("\n{:<{}} {:<10} {:<15}", name.first, width, name.second, text);
  }
  fmt::print("\n");
  return ok_status();
}

Status GroupsScript::run() {
  auto opened = Cluster::open(script.cluster);
  RETURN_IF_ERROR(opened);
  cluster = opened.take();
  if (list) return list_them();
  if (describe) return describe_them();
  if (remove) return delete_them();
  if (delete_offsets) return delete_their_offsets();
  auto names = chosen();
  RETURN_IF_ERROR(names);
  return how.run(*cluster, *names, topics);
}

}  // namespace

int run_kafka_consumer_groups(ToolWords words) {
  GroupsScript groups;
  if (auto code = groups.script.options.parse(words)) return *code;
  if (auto code = groups.check()) return *code;
  if (groups.regex) {
    RE2 compiled(*groups.regex, RE2::Quiet);
    if (compiled.ok())
      fmt::print("The regular expression `{}` is valid.\n", *groups.regex);
    else
      fmt::print("The regular expression `{}` is invalid: {}.\n", *groups.regex, compiled.error());
    return 0;
  }
  Status done = groups.run();
  // Kafka's tool ends with 0 for all errors from here on.
  if (!done.ok()) {
    std::fflush(stdout);
    fmt::print("\nError: Executing consumer group command failed due to {}\n", done.error().message);
  }
  return 0;
}

}  // namespace milena::tools
