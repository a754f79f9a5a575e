// kafka-console-producer.sh: each line of standard input becomes a record.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "config/config_values.h"
#include "tools/commands.h"
#include "tools/kafka/script.h"
#include "tools/records/line_format.h"
#include "tools/records/record_sender.h"

namespace milena::tools {
namespace {

struct ProducerScript {
  KafkaScript script{"kafka-console-producer.sh", "Writes each line of standard input to a topic, as a record.",
                     "--bootstrap-server <host:port> --topic <topic> [options]"};
  std::string topic, line_reader, acks, reader_config, old_config;
  std::optional<std::string> codec;
  std::vector<std::string> reader_properties, old_properties, command_properties, old_command_properties;
  bool sync = false;
  std::optional<int64_t> batch_size, old_batch_size, timeout;

  ProducerScript();
  std::optional<int> check();
  Result<SenderOptions> sender_options() const;
  Status run();
};

ProducerScript::ProducerScript() {
  Options& options = script.options;
  options.text("--topic", topic, "topic", "The topic to write to.");
  script.add_common();
  options.flag("--sync", sync, "Sends the records one by one.");
  options.maybe_text("--compression-codec", codec, "codec", "none, gzip, snappy, lz4 or zstd; without a value gzip.");
  options.text("--request-required-acks", acks, "acks", "-1 (all), 0 or 1.");
  options.number("--batch-size", batch_size, "bytes", "Most bytes that are sent at once.");
  options.number("--max-partition-memory-bytes", old_batch_size, "bytes", "The old name of --batch-size.");
  options.texts("--reader-property", reader_properties, "key=value",
                "Input properties: parse.key, key.separator, parse.headers, headers.delimiter, headers.separator, "
                "headers.key.separator, null.marker, ignore.error.");
  options.texts("--property", old_properties, "key=value", "The old name of --reader-property.");
  options.text("--reader-config", reader_config, "file", "File with input properties.");
  options.texts("--command-property", command_properties, "key=value", "A property of Kafka's producer.");
  options.texts("--producer-property", old_command_properties, "key=value", "The old name of --command-property.");
  options.text("--producer.config", old_config, "file", "The old name of --command-config.");
  options.text("--line-reader", line_reader, "class", "Kafka's LineMessageReader is the only one.");
  options.number("--request-timeout-ms", timeout, "ms", "How long the broker may take to write a record.");
  for (const char* name : {"--message-send-max-retries", "--retry-backoff-ms", "--timeout", "--metadata-expiry-ms",
                           "--max-block-ms", "--max-memory-bytes", "--socket-buffer-size"}) {
    options.ignored(name, "number", "Has no effect: lines are sent at once when no more are waiting.");
  }
  options.example("kafka-console-producer.sh --bootstrap-server localhost:9092 --topic t \\");
  options.example("  --reader-property parse.key=true --reader-property key.separator=:");
}

std::optional<int> ProducerScript::check() {
  Options& options = script.options;
  if (topic.empty()) return options.mistake("Missing required argument \"[topic]\"");
  if (!script.cluster.config_file.empty() && !old_config.empty()) {
    return options.mistake("Options --command-config and --producer.config cannot be specified together.");
  }
  constexpr char kWarning[] =
      "Warning: --{} is deprecated and will be removed in a future version. Use --{} instead.\n";
  if (auto code = script.renamed(kWarning, "producer-property", old_command_properties, "command-property",
                                 command_properties)) {
    return code;
  }
  if (auto code = script.renamed(kWarning, "property", old_properties, "reader-property", reader_properties))
    return code;
  if (!old_config.empty()) script.cluster.config_file = old_config;
  if (script.cluster.servers.empty()) return options.mistake("Missing required argument \"[bootstrap-server]\"");
  return std::nullopt;
}

Result<SenderOptions> ProducerScript::sender_options() const {
  const auto& properties = script.cluster.properties;
  auto property = [&](const char* key, std::string fallback) {
    auto found = properties.find(key);
    return found == properties.end() ? fallback : found->second;
  };
  SenderOptions sender;
  std::string codec_text = !codec ? property("compression.type", "none") : codec->empty() ? "gzip" : *codec;
  std::optional<Codec> found = codec_from_name(codec_text);
  if (!found) return make_error(ErrorKind::kInvalid, "Unknown compression name: {}", codec_text);
  sender.codec = *found;
  std::string acks_text = acks.empty() ? property("acks", "-1") : acks;
  if (acks_text != "all" && acks_text != "-1" && acks_text != "0" && acks_text != "1") {
    return make_error(ErrorKind::kInvalid, "acks={}: expected all, -1, 0 or 1", acks_text);
  }
  sender.acks = static_cast<int16_t>(acks_text == "all" ? -1 : config::parse_integer(acks_text).value_or(-1));
  sender.idempotent = property("enable.idempotence", "true") == "true";
  std::optional<int64_t> size = batch_size ? batch_size : old_batch_size;
  if (!size) size = config::parse_integer(property("batch.size", "16384"));
  sender.batch_bytes = static_cast<size_t>(std::clamp<int64_t>(size.value_or(16384), 1, 1 << 20));
  return sender;
}

Status ProducerScript::run() {
  RETURN_IF_ERROR(add_properties(command_properties, script.cluster.properties));
  script.cluster.client_id = "console-producer";
  auto cluster = Cluster::open(script.cluster);
  RETURN_IF_ERROR(cluster);
  script.cluster.properties = (*cluster)->options().properties;
  Result<SenderOptions> sending = sender_options();
  RETURN_IF_ERROR(sending);
  std::map<std::string, std::string> properties;
  if (!reader_config.empty()) {
    auto read = read_properties(reader_config);
    RETURN_IF_ERROR(read);
    properties = read.take();
  }
  RETURN_IF_ERROR(add_properties(reader_properties, properties));
  Result<LineParser> parser = LineParser::from_properties(properties);
  RETURN_IF_ERROR(parser);
  RecordSender sender(**cluster, *sending);
  LineInput input(STDIN_FILENO);
  bool prompt = ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO);
  std::string line;
  for (int64_t number = 1;; number++) {
    if (input.must_wait()) RETURN_IF_ERROR(sender.flush());
    if (prompt) {
      fmt::print(">");
      std::fflush(stdout);
    }
    if (!input.next(line)) break;
    Result<TextRecord> record = parser->parse(line, number);
    if (!record.ok()) {
      RETURN_IF_ERROR(sender.flush());
      return record.error();
    }
    RETURN_IF_ERROR(sender.add(*record, topic));
    if (sync) RETURN_IF_ERROR(sender.flush());
  }
  return sender.flush();
}

}  // namespace

int run_kafka_console_producer(ToolWords words) {
  ProducerScript producer;
  if (auto code = producer.script.options.parse(words)) return *code;
  if (auto code = producer.check()) return *code;
  Status done = producer.run();
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return 1;
}

}  // namespace milena::tools
