// kafka-topics.sh: options, output and exit codes of Kafka's TopicCommand.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "config/config_values.h"
#include "tools/admin.h"
#include "tools/commands.h"
#include "tools/kafka/script.h"

namespace milena::tools {
namespace {

struct TopicsScript {
  KafkaScript script{"kafka-topics.sh", "Creates, deletes, describes and changes topics.",
                     "--bootstrap-server <host:port> --list|--describe|--create|--alter|--delete [options]"};
  bool list = false, create = false, remove = false, alter = false, describe = false;
  bool if_exists = false, if_not_exists = false, exclude_internal = false;
  bool under_replicated = false, unavailable = false, under_min_isr = false, at_min_isr = false, overrides_only = false;
  std::optional<std::string> topic, topic_id, replica_assignment;
  std::vector<std::string> configs, delete_configs;
  std::optional<int64_t> partitions, replication_factor;
  std::unique_ptr<Cluster> cluster;

  TopicsScript();
  std::optional<int> check();
  Status run();
  Status create_one();
  Status alter_matching();
  Status delete_matching();
  Status describe_matching();
  void print_topic(const TopicInfo& info, const std::vector<ConfigEntry>& entries, const std::set<int32_t>& alive);
  bool wants(const PartitionInfo& partition, size_t min_isr, const std::set<int32_t>& alive) const;
  Result<std::vector<std::string>> matching() const;
  Result<std::vector<std::vector<int32_t>>> assignments() const;
};

TopicsScript::TopicsScript() {
  Options& options = script.options;
  options.flag("--list", list, "Lists the topics.");
  options.flag("--describe", describe, "Describes topics.");
  options.flag("--create", create, "Creates a topic.");
  options.flag("--alter", alter, "Adds partitions to topics. Use kafka-configs.sh for configs.");
  options.flag("--delete", remove, "Deletes topics.");
  options.text("--topic", topic, "topic", "The topic; an expression, except with --create.");
  options.text("--topic-id", topic_id, "topic-id", "The id of the topic to describe.");
  options.number("--partitions", partitions, "number", "Number of partitions.");
  options.number("--replication-factor", replication_factor, "number", "Replicas of each partition of a new topic.");
  options.text("--replica-assignment", replica_assignment, "1:2,2:3,...", "The brokers of each partition.");
  options.texts("--config", configs, "name=value", "A config of the new topic; may be given several times.");
  options.texts("--delete-config", delete_configs, "name", "No longer has an effect.");
  options.flag("--if-exists", if_exists, "With --alter, --delete, --describe: no error if the topic does not exist.");
  options.flag("--if-not-exists", if_not_exists, "With --create: no error if the topic exists.");
  options.flag("--exclude-internal", exclude_internal, "Omits internal topics such as __consumer_offsets.");
  options.flag("--under-replicated-partitions", under_replicated, "Describes only partitions with replicas that are "
                                                                  "not in sync.");
  options.flag("--unavailable-partitions", unavailable, "Describes only partitions without an available leader.");
  options.flag("--under-min-isr-partitions", under_min_isr, "Describes only partitions below min.insync.replicas.");
  options.flag("--at-min-isr-partitions", at_min_isr, "Describes only partitions exactly at min.insync.replicas.");
  options.flag("--topics-with-overrides", overrides_only, "Describes only topics that have configs.");
  options.ignored("--partition-size-limit-per-response", "number", "Has no effect.");
  script.add_common();
}

std::optional<int> TopicsScript::check() {
  const Options& options = script.options;
  if (list + create + remove + alter + describe != 1) {
    return options.mistake(
        "Command must include exactly one action: --list, --describe, --create, --alter or --delete");
  }
  if (!delete_configs.empty()) std::fprintf(stderr, "--delete-config has no effect any longer.\n");
  if (script.cluster.servers.empty()) return options.mistake("--bootstrap-server must be specified");
  if (describe && if_exists && !topic && !topic_id) {
    return options.mistake("--topic or --topic-id is required to describe a topic");
  }
  if (!list && !describe && !topic) return options.mistake("Missing required argument \"[topic]\"");
  if (alter && !partitions) return options.mistake("Missing required argument \"[partitions]\"");
  struct Rule {
    bool given;
    const char* name;
    bool allowed;
  };
  bool has_report = under_replicated || unavailable || under_min_isr || at_min_isr;
  const Rule rules[] = {
      {!configs.empty(), "config", create},
      {partitions.has_value(), "partitions", alter || create},
      {replication_factor.has_value(), "replication-factor", create},
      {replica_assignment.has_value(), "replica-assignment", alter || create},
      {create && replica_assignment && (partitions || replication_factor), "replica-assignment", false},
      {has_report, "under-replicated-partitions", describe && !overrides_only},
      {overrides_only, "topics-with-overrides", describe},
      {if_exists, "if-exists", alter || remove || describe},
      {if_not_exists, "if-not-exists", create},
      {exclude_internal, "exclude-internal", list || describe},
  };
  for (const Rule& rule : rules) {
    if (!rule.given || rule.allowed) continue;
    return options.mistake(fmt::format("Option \"[{}]\" can't be used with the other options given", rule.name));
  }
  return std::nullopt;
}

Result<std::vector<std::string>> TopicsScript::matching() const {
  auto names = list_topics(*cluster, !exclude_internal);
  if (!names.ok() || !topic) return names;
  auto found = matching_names(*names, *topic);
  if (found.ok() && found->empty() && !topic->empty() && !if_exists && !list) {
    return make_error(ErrorKind::kNotFound, "Topic '{}' does not exist as expected", *topic);
  }
  return found;
}

Result<std::vector<std::vector<int32_t>>> TopicsScript::assignments() const {
  std::vector<std::vector<int32_t>> found;
  if (!replica_assignment || replica_assignment->empty()) return found;
  for (const std::string& partition : split(*replica_assignment, ',')) {
    std::vector<int32_t>& brokers = found.emplace_back();
    for (const std::string& text : split(partition, ':')) {
      std::optional<int64_t> id = config::parse_integer(trimmed(text));
      if (!id || *id < 0 || *id > INT32_MAX) return make_error(ErrorKind::kInvalid, "For input string: \"{}\"", text);
      if (std::find(brokers.begin(), brokers.end(), *id) != brokers.end()) {
        return make_error(ErrorKind::kInvalid, "Partition replica lists may not contain duplicate entries: {}", *id);
      }
      brokers.push_back(static_cast<int32_t>(*id));
    }
    if (brokers.size() != found.front().size()) {
      return make_error(ErrorKind::kInvalid, "Partition {} has different replication factor: [{}]", found.size() - 1,
                        fmt::join(brokers, ", "));
    }
  }
  return found;
}

Status TopicsScript::create_one() {
  if (topic->find_first_of("._") != std::string::npos) {
    fmt::print(
        "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could "
        "collide. To avoid issues it is best to use either, but not both.\n");
  }
  if (replication_factor && (*replication_factor < 1 || *replication_factor > INT16_MAX)) {
    return make_error(ErrorKind::kInvalid, "The replication factor must be between 1 and {} inclusive", INT16_MAX);
  }
  if (partitions && *partitions < 1) return make_error(ErrorKind::kInvalid, "The partitions must be greater than 0");
  NewTopic wanted;
  wanted.name = *topic;
  wanted.partitions = static_cast<int32_t>(partitions.value_or(-1));
  wanted.replication_factor = static_cast<int16_t>(replication_factor.value_or(-1));
  auto replicas = assignments();
  RETURN_IF_ERROR(replicas);
  wanted.assignments = replicas.take();
  for (const std::string& config : configs) {
    std::vector<std::string> parts = split(config, '=', 2);
    if (parts.size() != 2 || trimmed(parts[1]).empty()) {
      return make_error(ErrorKind::kInvalid,
                        "requirement failed: Invalid topic config: all configs to be added must be "
                        "in the format \"key=val\".");
    }
    wanted.configs[trimmed(parts[0])] = trimmed(parts[1]);
  }
  Status created = create_topic(*cluster, wanted);
  if (created.ok()) {
    fmt::print("Created topic {}.\n", *topic);
  } else if (created.error().kind == ErrorKind::kExists && if_not_exists) {
    return ok_status();
  }
  return created;
}

Status TopicsScript::alter_matching() {
  auto names = matching();
  RETURN_IF_ERROR(names);
  auto replicas = assignments();
  RETURN_IF_ERROR(replicas);
  auto infos = describe_topics(*cluster, *names);
  RETURN_IF_ERROR(infos);
  for (const TopicInfo& info : *infos) {
    std::vector<std::vector<int32_t>> added;
    for (size_t i = info.partitions.size(); i < replicas->size(); i++) added.push_back((*replicas)[i]);
    RETURN_IF_ERROR(add_partitions(*cluster, info.name, static_cast<int32_t>(*partitions), added));
  }
  return ok_status();
}

Status TopicsScript::delete_matching() {
  auto names = matching();
  RETURN_IF_ERROR(names);
  return names->empty() ? ok_status() : delete_topics(*cluster, *names);
}

bool TopicsScript::wants(const PartitionInfo& partition, size_t min_isr, const std::set<int32_t>& alive) const {
  bool has_leader = partition.leader >= 0;
  if (!under_replicated && !unavailable && !under_min_isr && !at_min_isr) return true;
  return (under_replicated && partition.isr.size() < partition.replicas.size()) ||
         (unavailable && (!has_leader || !alive.contains(partition.leader))) ||
         (under_min_isr && (!has_leader || partition.isr.size() < min_isr)) ||
         (at_min_isr && partition.isr.size() == min_isr);
}

std::string joined_or_unknown(const std::optional<std::vector<int32_t>>& ids) {
  return ids ? fmt::format("{}", fmt::join(*ids, ",")) : "N/A";
}

// Kafka's tool prints configs in the order of its hash table, and scripts compare whole lines.
std::vector<const ConfigEntry*> in_javas_order(const std::vector<ConfigEntry>& entries) {
  size_t capacity = 16;
  while (entries.size() * 4 > capacity * 3) capacity *= 2;
  auto bucket = [capacity](const ConfigEntry& entry) {
    uint32_t hash = 0;
    for (char c : entry.name) hash = hash * 31 + static_cast<uint8_t>(c);
    return (hash ^ hash >> 16) & (capacity - 1);
  };
  std::vector<const ConfigEntry*> ordered;
  for (const ConfigEntry& entry : entries) ordered.push_back(&entry);
  std::stable_sort(ordered.begin(), ordered.end(), [&](auto* a, auto* b) { return bucket(*a) < bucket(*b); });
  return ordered;
}

void TopicsScript::print_topic(const TopicInfo& info, const std::vector<ConfigEntry>& entries,
                               const std::set<int32_t>& alive) {
  std::vector<std::string> own;
  size_t min_isr = 1;
  for (const ConfigEntry* one : in_javas_order(entries)) {
    const ConfigEntry& entry = *one;
    if (entry.name == "min.insync.replicas") {
      min_isr = static_cast<size_t>(config::parse_integer(entry.value.value_or("1")).value_or(1));
    }
    if (entry.config_source == kDefaultSource) continue;
    own.push_back(fmt::format("{}={}", entry.name, entry.value.value_or("null")));
  }
  bool only_some = under_replicated || unavailable || under_min_isr || at_min_isr;
  if (!only_some && (!overrides_only || !own.empty())) {
    fmt::print("Topic: {}", info.name);
    if (info.id != Uuid()) fmt::print("\tTopicId: {}", info.id.to_string());
    fmt::print("\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}\n", info.partitions.size(),
               info.partitions.empty() ? 0 : info.partitions.front().replicas.size(), fmt::join(own, ","));
  }
  if (overrides_only) return;
  for (const PartitionInfo& partition : info.partitions) {
    if (!wants(partition, min_isr, alive)) continue;
    fmt::print("\tTopic: {}\tPartition: {}\tLeader: {}\tReplicas: {}\tIsr: {}\tElr: {}\tLastKnownElr: {}\n", info.name,
               partition.index, partition.leader < 0 ? "none" : std::to_string(partition.leader),
               fmt::join(partition.replicas, ","), fmt::join(partition.isr, ","), joined_or_unknown(partition.elr),
               joined_or_unknown(partition.last_known_elr));
  }
}

Status TopicsScript::describe_matching() {
  std::vector<std::string> names;
  if (topic_id && *topic_id != Uuid().to_string()) {
    auto all = cluster->metadata();
    RETURN_IF_ERROR(all);
    for (const auto& one : all->topics) {
      if (one.topic_id.to_string() == *topic_id) names.push_back(one.name.value_or(""));
    }
    if (names.empty() && !if_exists) {
      return make_error(ErrorKind::kNotFound, "TopicId '{}' does not exist as expected", *topic_id);
    }
  } else {
    auto found = matching();
    RETURN_IF_ERROR(found);
    names = found.take();
  }
  auto infos = describe_topics(*cluster, names);
  RETURN_IF_ERROR(infos);
  names.clear();
  for (const TopicInfo& info : *infos) names.push_back(info.name);
  auto entries = describe_topic_configs(*cluster, names);
  RETURN_IF_ERROR(entries);
  std::set<int32_t> alive;
  for (const auto& broker : cluster->brokers()) alive.insert(broker.node_id);
  for (size_t i = 0; i < names.size(); i++) print_topic((*infos)[i], (*entries)[i], alive);
  return ok_status();
}

Status TopicsScript::run() {
  if (create) return create_one();
  if (alter) return alter_matching();
  if (remove) return delete_matching();
  if (describe) return describe_matching();
  auto names = matching();
  RETURN_IF_ERROR(names);
  fmt::print("{}\n", fmt::join(*names, "\n"));
  return ok_status();
}

}  // namespace

int run_kafka_topics(std::span<const char* const> words) {
  TopicsScript topics;
  if (words.empty()) return topics.script.options.mistake("Create, delete, describe, or change a topic.");
  if (auto code = topics.script.options.parse(words)) return *code;
  if (auto code = topics.check()) return *code;
  auto cluster = Cluster::open(topics.script.cluster);
  Status done = ok_status();
  if (cluster.ok()) {
    topics.cluster = cluster.take();
    done = topics.run();
  } else {
    done = cluster.error();
  }
  if (done.ok()) return 0;
  fmt::print("Error while executing topic command : {}\n", done.error().message);
  return 1;
}

}  // namespace milena::tools
