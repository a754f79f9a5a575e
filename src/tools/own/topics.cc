// milena topics: lists, describes, creates, alters and deletes topics.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/config_values.h"
#include "tools/admin.h"
#include "tools/output.h"
#include "tools/own/own.h"

namespace milena::tools {
namespace {

struct TopicsCommand : OwnCommand {
  std::string verb;
  std::vector<std::string> names, configs;
  std::optional<int64_t> partitions, replicas;
  bool internal = false, quiet = false;

  TopicsCommand()
      : OwnCommand("topics", "Lists, describes, creates, alters and deletes topics.",
                   "[list] [options]\ndescribe [TOPIC...]\ncreate TOPIC... [-p N] [-r N] [-c KEY=VALUE]...\n"
                   "alter TOPIC -p N\ndelete TOPIC...") {
    options.word("verb", verb, "list (the default), describe, create, alter or delete.");
    options.words("topic", names, "Which topics.");
    options.number("-p,--partitions", partitions, "n", "Number of partitions.");
    options.number("-r,--replicas", replicas, "n", "Replicas of each partition.");
    options.texts("-c,--config", configs, "key=value", "A config of a new topic.");
    options.flag("-a,--all", internal, "Shows internal topics, too.");
    options.flag("--if-needed", quiet, "No error if the topic exists already (create) or does not exist (delete).");
    add_common();
    options.example("milena topics");
    options.example("milena topics create orders -p 12 -c retention.ms=86400000");
    options.example("milena topics describe orders --json");
  }

  Status check() const;
  Status work(Cluster& cluster);
  Status list(Cluster& cluster);
  Status describe(Cluster& cluster);
  Status create(Cluster& cluster);
};

struct Bounds {
  std::map<TopicPartitionName, int64_t> firsts, ends;
};

// Of the partitions that have a leader.
Result<Bounds> bounds_of(Cluster& cluster, const std::vector<TopicInfo>& topics) {
  std::map<TopicPartitionName, int64_t> earliest, latest;
  for (const TopicInfo& topic : topics) {
    for (const PartitionInfo& partition : topic.partitions) {
      if (partition.leader < 0) continue;
      earliest[{topic.name, partition.index}] = kEarliestTime;
      latest[{topic.name, partition.index}] = kLatestTime;
    }
  }
  auto firsts = list_offsets(cluster, earliest);
  RETURN_IF_ERROR(firsts);
  auto ends = list_offsets(cluster, latest);
  RETURN_IF_ERROR(ends);
  return Bounds{firsts.take(), ends.take()};
}

Status TopicsCommand::list(Cluster& cluster) {
  auto all = list_topics(cluster, internal);
  RETURN_IF_ERROR(all);
  auto infos = describe_topics(cluster, *all);
  RETURN_IF_ERROR(infos);
  auto bounds = bounds_of(cluster, *infos);
  RETURN_IF_ERROR(bounds);
  std::map<std::string, int64_t> records;
  for (const auto& [name, end] : bounds->ends) records[name.first] += end - bounds->firsts[name];
  Table table({"TOPIC", "PARTITIONS", "REPLICAS", "RECORDS"});
  for (const TopicInfo& topic : *infos) {
    size_t replica_count = topic.partitions.empty() ? 0 : topic.partitions.front().replicas.size();
    table.row({topic.name, std::to_string(topic.partitions.size()), std::to_string(replica_count),
               std::to_string(records[topic.name])});
  }
  table.print(json);
  return ok_status();
}

Status TopicsCommand::describe(Cluster& cluster) {
  if (names.empty()) {
    auto all = list_topics(cluster, internal);
    RETURN_IF_ERROR(all);
    names = all.take();
  }
  auto infos = describe_topics(cluster, names);
  RETURN_IF_ERROR(infos);
  Table table({"TOPIC", "PARTITION", "LEADER", "REPLICAS[]", "ISR[]", "FIRST", "END"});
  auto bounds = bounds_of(cluster, *infos);
  RETURN_IF_ERROR(bounds);
  auto known = [](const auto& offsets, const TopicPartitionName& name) {
    auto found = offsets.find(name);
    return found == offsets.end() ? "-" : std::to_string(found->second);
  };
  for (const TopicInfo& topic : *infos) {
    for (const PartitionInfo& partition : topic.partitions) {
      TopicPartitionName name{topic.name, partition.index};
      table.row({topic.name, std::to_string(partition.index),
                 partition.leader < 0 ? "-" : std::to_string(partition.leader),
                 fmt::format("{}", fmt::join(partition.replicas, ",")),
                 fmt::format("{}", fmt::join(partition.isr, ",")), known(bounds->firsts, name),
                 known(bounds->ends, name)});
    }
  }
  table.print(json);
  return ok_status();
}

Status TopicsCommand::create(Cluster& cluster) {
  NewTopic wanted;
  wanted.partitions = static_cast<int32_t>(std::clamp<int64_t>(partitions.value_or(-1), -1, INT32_MAX));
  wanted.replication_factor = static_cast<int16_t>(std::clamp<int64_t>(replicas.value_or(-1), -1, INT16_MAX));
  RETURN_IF_ERROR(add_properties(configs, wanted.configs));
  for (const std::string& name : names) {
    wanted.name = name;
    Status created = create_topic(cluster, wanted);
    if (!created.ok() && !(quiet && created.error().kind == ErrorKind::kExists)) return created;
  }
  return ok_status();
}

Status TopicsCommand::check() const {
  constexpr const char* kVerbs[] = {"", "list", "describe", "create", "alter", "delete"};
  if (std::find(std::begin(kVerbs), std::end(kVerbs), verb) == std::end(kVerbs)) {
    return usage_error("{}: expected list, describe, create, alter or delete", verb);
  }
  bool needs_names = verb == "create" || verb == "alter" || verb == "delete";
  if (needs_names && names.empty()) return usage_error("{}: expected the name of a topic", verb);
  if (verb == "alter" && (!partitions || *partitions < 1 || *partitions > INT32_MAX)) {
    return usage_error("alter: expected -p N");
  }
  return ok_status();
}

Status TopicsCommand::work(Cluster& cluster) {
  if (verb.empty() || verb == "list") return list(cluster);
  if (verb == "describe") return describe(cluster);
  if (verb == "create") return create(cluster);
  if (verb == "alter") {
    for (const std::string& name : names) {
      RETURN_IF_ERROR(add_partitions(cluster, name, static_cast<int32_t>(*partitions)));
    }
    return ok_status();
  }
  if (quiet) {
    auto all = list_topics(cluster);
    RETURN_IF_ERROR(all);
    std::erase_if(names, [&](auto& name) { return std::find(all->begin(), all->end(), name) == all->end(); });
    if (names.empty()) return ok_status();
  }
  return delete_topics(cluster, names);
}

}  // namespace

int run_topics(ToolWords words) {
  // `milena topics --list`, with the options of Kafka's script.
  for (const char* word : words) {
    std::string_view text = word;
    if (text == "--list" || text == "--describe" || text == "--create" || text == "--delete" || text == "--alter") {
      std::vector<const char*> given(words.begin(), words.end());
      bool has_server = std::any_of(given.begin(), given.end(),
                                    [](std::string_view one) { return one.starts_with("--bootstrap-server"); });
      if (!has_server) given.insert(given.end(), {"--bootstrap-server", kUsualServer});
      return run_kafka_topics(given);
    }
  }
  TopicsCommand topics;
  return topics.run(
      words, [&](Cluster& cluster) { return topics.work(cluster); }, [&] { return topics.check(); });
}

}  // namespace milena::tools
