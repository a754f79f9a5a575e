// kafka-console-consumer.sh: writes records to standard output.
#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <cstdio>

#include "config/config_values.h"
#include "tools/commands.h"
#include "tools/kafka/script.h"
#include "tools/records/group_reader.h"
#include "tools/records/line_format.h"
#include "tools/records/topic_reader.h"

namespace milena::tools {
namespace {

struct ConsumerScript {
  KafkaScript script{"kafka-console-consumer.sh", "Reads records and writes them to standard output.",
                     "--bootstrap-server <host:port> --topic <topic> [options]"};
  std::optional<std::string> topic, include, group, offset;
  std::string formatter, formatter_config, key_deserializer, value_deserializer, isolation = "read_uncommitted",
                                                                                 old_config;
  std::vector<std::string> formatter_properties, old_properties, command_properties, old_command_properties;
  std::optional<int64_t> partition, max_messages, timeout_ms;
  bool from_beginning = false, skip_on_error = false, systest = false;
  int64_t place = kLatestTime;  // or an offset
  int64_t count = 0;

  ConsumerScript();
  std::optional<int> check();
  std::optional<int> check_renamed();
  Status run();
  Status read(const std::function<Status(int32_t, const RecordFetcher::Take&)>& poll, const LineFormatter& lines);
};

ConsumerScript::ConsumerScript() {
  Options& options = script.options;
  options.text("--topic", topic, "topic", "The topic to read.");
  options.text("--include", include, "expression", "Expression; reads all topics with a matching name.");
  script.add_common();
  options.number("--partition", partition, "partition", "Only this partition, from its end or from --offset.");
  options.text("--offset", offset, "offset", "A number, earliest or latest.");
  options.flag("--from-beginning", from_beginning, "Begins with the first record.");
  options.number("--max-messages", max_messages, "number", "Ends after this number of records.");
  options.number("--timeout-ms", timeout_ms, "ms", "Ends if no record arrives for this time.");
  options.text("--group", group, "group", "Reads as a member of this group, and commits.");
  options.text("--isolation-level", isolation, "level", "read_committed omits records of aborted transactions.");
  options.texts("--formatter-property", formatter_properties, "key=value",
                "Output properties: print.timestamp, print.key, print.offset, print.partition, print.headers, "
                "print.value, key.separator, line.separator, headers.separator, null.literal, key.deserializer, "
                "value.deserializer.");
  options.texts("--property", old_properties, "key=value", "The old name of --formatter-property.");
  options.text("--formatter", formatter, "class", "Kafka's Default-, Logging- or NoOpMessageFormatter.");
  options.text("--formatter-config", formatter_config, "file", "File with output properties.");
  options.text("--key-deserializer", key_deserializer, "class", "Kafka's deserializer: String, Integer, Long, ...");
  options.text("--value-deserializer", value_deserializer, "class", "The same for values.");
  options.texts("--command-property", command_properties, "key=value", "A property of Kafka's consumer.");
  options.texts("--consumer-property", old_command_properties, "key=value", "The old name of --command-property.");
  options.text("--consumer.config", old_config, "file", "The old name of --command-config.");
  options.flag("--skip-message-on-error", skip_on_error, "Continues after a record that cannot be printed.");
  options.flag("--enable-systest-events", systest, "Prints a line when it ends.");
}

std::optional<int> ConsumerScript::check_renamed() {
  constexpr char kWarning[] = "Option --{} is deprecated and will be removed in a future version. Use --{} instead.\n";
  if (auto code = script.renamed(kWarning, "consumer-property", old_command_properties, "command-property",
                                 command_properties)) {
    return code;
  }
  if (auto code = script.renamed(kWarning, "property", old_properties, "formatter-property", formatter_properties)) {
    return code;
  }
  if (!old_config.empty()) {
    fmt::print(
        "Option --consumer.config is deprecated and will be removed in a future version. "
        "Use --command-config instead.\n");
    script.cluster.config_file = old_config;
  }
  return std::nullopt;
}

std::optional<int> ConsumerScript::check() {
  const Options& options = script.options;
  if (topic.has_value() == include.has_value()) {
    return options.mistake("Exactly one of the following arguments is required: [topic], [include]");
  }
  if (partition && !topic) return options.mistake("The topic is required when partition is specified.");
  if (partition && from_beginning && offset) {
    return options.mistake("Options from-beginning and offset cannot be specified together.");
  }
  if (!partition && offset) return options.mistake("The partition is required when offset is specified.");
  if (script.cluster.servers.empty()) return options.mistake("Missing required argument \"[bootstrap-server]\"");
  if (partition && group) return options.mistake("Options group and partition cannot be specified together.");
  if (auto code = check_renamed()) return code;
  if (offset) {
    std::string low = *offset;
    std::transform(low.begin(), low.end(), low.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; });
    std::optional<int64_t> number = config::parse_integer(low);
    if (low == "earliest")
      place = kEarliestTime;
    else if (number && *number >= 0)
      place = *number;
    else if (low != "latest") {
      return options.mistake(
          fmt::format("The provided offset value '{}' is incorrect. Valid values are 'earliest', "
                      "'latest', or a non-negative long.",
                      *offset));
    }
  } else if (from_beginning) {
    place = kEarliestTime;
  }
  return std::nullopt;
}

Status ConsumerScript::read(const std::function<Status(int32_t, const RecordFetcher::Take&)>& poll,
                            const LineFormatter& lines) {
  int64_t most = max_messages.value_or(-1) < 0 ? INT64_MAX : *max_messages;
  int64_t patience = timeout_ms.value_or(-1) < 0 ? INT64_MAX : *timeout_ms;
  auto last = std::chrono::steady_clock::now();
  Status failed = ok_status();
  while (count < most && !stop_requested()) {
    int64_t before = count;
    Status polled = poll(static_cast<int32_t>(std::min<int64_t>(patience, 500)), [&](const FetchedRecord& record) {
      count++;
      Result<std::string> text = lines.format(record);
      if (text.ok()) {
        std::fwrite(text->data(), 1, text->size(), stdout);
      } else if (!skip_on_error) {
        failed = text.error();
        return false;
      }
      return count < most && !stop_requested();
    });
    if (stop_requested()) break;
    if (!failed.ok()) return failed;
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      std::fprintf(stderr, "Unable to write to standard out, closing consumer.\n");
      break;
    }
    if (!polled.ok()) return polled;
    auto now = std::chrono::steady_clock::now();
    if (count != before) last = now;
    if (patience != INT64_MAX && now - last > std::chrono::milliseconds(patience)) {
      return make_error(ErrorKind::kNotFound, "no record arrived for {} ms", patience);
    }
  }
  return ok_status();
}

Status ConsumerScript::run() {
  ClusterOptions& options = script.cluster;
  RETURN_IF_ERROR(add_properties(command_properties, options.properties));
  options.client_id = "console-consumer";
  auto opened = Cluster::open(options);
  RETURN_IF_ERROR(opened);
  Cluster& cluster = **opened;
  std::map<std::string, std::string> properties;
  if (!formatter_config.empty()) {
    auto read = read_properties(formatter_config);
    RETURN_IF_ERROR(read);
    properties = read.take();
  }
  if (!key_deserializer.empty()) properties["key.deserializer"] = key_deserializer;
  if (!value_deserializer.empty()) properties["value.deserializer"] = value_deserializer;
  RETURN_IF_ERROR(add_properties(formatter_properties, properties));
  Result<LineFormatter> lines = LineFormatter::from_properties(formatter, properties);
  RETURN_IF_ERROR(lines);
  std::string group_id = group ? *group : cluster.property("group.id");
  std::string reset = cluster.property("auto.offset.reset", from_beginning ? "earliest" : "latest");
  if (from_beginning && reset != "earliest") {
    return make_error(ErrorKind::kInvalid,
                      "Can't simultaneously specify --from-beginning and 'auto.offset.reset={}', "
                      "please remove one option",
                      reset);
  }
  FetcherOptions fetching;
  fetching.read_committed = cluster.property("isolation.level", isolation) == "read_committed";
  fetching.reset_to = reset == "earliest" ? kEarliestTime : kLatestTime;
  if (!partition && reset == "earliest") place = kEarliestTime;
  Status done = ok_status();
  if (!group_id.empty()) {
    GroupOptions wanted{group_id, {}, "", *fetching.reset_to};
    if (topic)
      wanted.topics = {*topic};
    else
      wanted.pattern = *include;
    wanted.commit = cluster.property("enable.auto.commit", "true") == "true";
    GroupReader reader(cluster, wanted, fetching);
    done = read([&](int32_t wait_ms, const auto& take) { return reader.poll(wait_ms, take); }, *lines);
    Status closed = reader.close();
    return done.ok() ? closed : done;
  }
  ReaderOptions wanted;
  if (topic)
    wanted.topics = {*topic};
  else
    wanted.pattern = *include;
  if (partition) wanted.partitions = {static_cast<int32_t>(*partition)};
  wanted.place = place;
  TopicReader reader(cluster, wanted, fetching);
  return read([&](int32_t wait_ms, const auto& take) { return reader.poll(wait_ms, take); }, *lines);
}

}  // namespace

int run_kafka_console_consumer(ToolWords words) {
  ConsumerScript consumer;
  if (auto code = consumer.script.options.parse(words)) return *code;
  if (auto code = consumer.check()) return *code;
  stop_on_signals();
  Status done = consumer.run();
  // Like Kafka's tool, prints that time ran out, and ends with 0.
  if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  std::fprintf(stderr, "Processed a total of %lld messages\n", static_cast<long long>(consumer.count));
  if (consumer.systest) fmt::print("shutdown_complete\n");
  return done.ok() || done.error().kind == ErrorKind::kNotFound ? 0 : 1;
}

}  // namespace milena::tools
