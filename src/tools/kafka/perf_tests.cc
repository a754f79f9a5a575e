// kafka-producer-perf-test.sh and kafka-consumer-perf-test.sh.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "base/executor.h"
#include "base/file.h"
#include "base/uuid.h"
#include "config/config_values.h"
#include "tools/kafka/script.h"
#include "tools/perf_run.h"

namespace milena::tools {
namespace {

double megabytes(int64_t bytes) {
  return static_cast<double>(bytes) / (1024 * 1024);
}

// As Java's SimpleDateFormat writes "yyyy-MM-dd HH:mm:ss:SSS".
std::string local_time(int64_t milliseconds) {
  time_t whole = milliseconds / 1000;
  tm parts{};
  ::localtime_r(&whole, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return fmt::format("{}:{:03}", text, milliseconds % 1000);
}

void print_window(const SendStats& window) {
  fmt::print("{} records sent, {:.1f} records/sec ({:.2f} MB/sec), {:.1f} ms avg latency, {:.1f} ms max latency.\n",
             window.count(), window.records_per_second(), window.megabytes_per_second(), window.average_ms(),
             window.most_ms());
  std::fflush(stdout);
}

void print_total(const SendStats& stats, double records_per_second, double megabytes_per_second, bool steady) {
  fmt::print(
      "{}{} records sent, {:.6f} records/sec ({:.2f} MB/sec), {:.2f} ms avg latency, {:.2f} ms max latency, {:.0f} ms "
      "50th, {:.0f} ms 95th, {:.0f} ms 99th, {:.0f} ms 99.9th.\n",
      stats.count(), steady ? " steady state" : "", records_per_second, megabytes_per_second, stats.average_ms(),
      stats.most_ms(), stats.percentile_ms(0.5), stats.percentile_ms(0.95), stats.percentile_ms(0.99),
      stats.percentile_ms(0.999));
}

struct ProducerPerf : KafkaScript {
  ProduceRun run;
  std::optional<int64_t> count, record_bytes;
  std::string throughput, payload_file, delimiter = "\\n", old_config, transactional_id;
  std::vector<std::string> properties, old_properties, more;
  std::optional<int64_t> transaction_ms;
  int64_t report_ms = 5000;

  ProducerPerf()
      : KafkaScript("kafka-producer-perf-test.sh", "Writes records and says how fast they went.",
                    "--topic <topic> --num-records <n> --throughput <n> --bootstrap-server <host:port> "
                    "(--record-size <n> | --payload-file <file> | --payload-monotonic)") {
    options.text("--topic", run.topic, "topic", "Where to write to.");
    options.number("--num-records", count, "n", "How many records.");
    options.number("--record-size", record_bytes, "n", "How large each is.");
    options.text("--payload-file", payload_file, "file", "Each record is one of the texts in this file.");
    options.text("--payload-delimiter", delimiter, "text", "Between the texts of --payload-file; \\n without it.");
    options.flag("--payload-monotonic", run.numbers, "Each record is its number.");
    options.text("--throughput", throughput, "n", "Records a second at most; -1 for no limit.");
    options.number("--warmup-records", run.warmup, "n",
                   "The first records, which the figures of the steady state leave out.");
    options.number("--reporting-interval", report_ms, "ms", "How often to say how far it is.");
    options.texts("--command-property", properties, "key=value", "A property of Kafka's producer.");
    options.texts("--producer-props", old_properties, "key=value", "The old name of --command-property.");
    options.text("--producer.config", old_config, "file", "The old name of --command-config.");
    options.ignored_flag("--print-metrics", "Has no effect.");
    options.text("--transactional-id", transactional_id, "id",
                 "Records are written in transactions of this id. Without it, the property transactional.id counts; "
                 "with --transaction-duration-ms alone it is performance-producer- and a random text.");
    options.number("--transaction-duration-ms", transaction_ms, "ms",
                   "How long a transaction lasts; 3000 without it.");
    add_common();
    options.words("property", more, "More values of --command-property.");
  }

  std::string what_is_wrong() const;
  Status read_payloads();
  Status read_properties();
  Status choose_transactions(const Cluster& cluster);
};

// Empty: nothing. The first that Kafka's tool would find.
std::string ProducerPerf::what_is_wrong() const {
  const int kinds = (record_bytes ? 1 : 0) + (payload_file.empty() ? 0 : 1) + (run.numbers ? 1 : 0);
  if (run.topic.empty()) return "argument --topic is required";
  if (!count) return "argument --num-records is required";
  if (throughput.empty()) return "argument --throughput is required";
  if (kinds == 0) return "one of the arguments --record-size --payload-file --payload-monotonic is required";
  if (kinds > 1) return "expected one of --record-size, --payload-file and --payload-monotonic";
  if (*count <= 0) return "--num-records should be greater than zero.";
  if (run.warmup >= *count) {
    return "The value for --warmup-records must be strictly fewer than the number of records in the test, "
           "--num-records.";
  }
  if (record_bytes && *record_bytes <= 0) return "--record-size should be greater than zero.";
  if (record_bytes && *record_bytes > INT32_MAX)
    return fmt::format("--record-size: could not convert {}", *record_bytes);
  if (!properties.empty() && !old_properties.empty()) {
    return "--command-property and --producer-props cannot be specified together.";
  }
  if (!cluster.config_file.empty() && !old_config.empty()) {
    return "--command-config and --producer.config cannot be specified together.";
  }
  if (report_ms <= 0) return "--reporting-interval should be greater than zero.";
  if (transaction_ms && *transaction_ms <= 0) return "--transaction-duration-ms should be greater than zero.";
  return {};
}

Status ProducerPerf::read_payloads() {
  if (payload_file.empty()) return ok_status();
  fmt::print("Reading payloads from: {}\n", std::filesystem::absolute(payload_file).string());
  Result<Bytes> text = posix_file_system().read_file(payload_file);
  if (!text.ok() || text->empty())
    return make_error(ErrorKind::kInvalid, "File does not exist or empty file provided.");
  const std::string between = delimiter == "\\n" ? "\n" : delimiter;
  if (between.empty()) return make_error(ErrorKind::kInvalid, "--payload-delimiter: expected a text");
  for (size_t begin = 0; begin < text->size();) {
    const size_t end = std::min(text->find(between, begin), text->size());
    run.payloads.push_back(text->substr(begin, end - begin));
    begin = end + between.size();
  }
  fmt::print("Number of records read: {}\n", run.payloads.size());
  return ok_status();
}

Status ProducerPerf::read_properties() {
  if (!old_properties.empty()) {
    fmt::print(
        "Option --producer-props has been deprecated and will be removed in a future version. Use "
        "--command-property instead.\n");
  }
  if (!old_config.empty()) {
    fmt::print(
        "Option --producer.config has been deprecated and will be removed in a future version. Use "
        "--command-config instead.\n");
    cluster.config_file = old_config;
  }
  std::vector<std::string> all = properties;
  all.insert(all.end(), old_properties.begin(), old_properties.end());
  all.insert(all.end(), more.begin(), more.end());
  return add_properties(all, cluster.properties);
}

Status ProducerPerf::choose_transactions(const Cluster& opened) {
  if (transactional_id.empty()) transactional_id = opened.property("transactional.id");
  if (transactional_id.empty() && transaction_ms) {
    transactional_id = "performance-producer-" + Uuid::random(system_random()).to_string();
  }
  if (transactional_id.empty()) return ok_status();
  if (run.sending.acks != -1) {
    return make_error(ErrorKind::kInvalid, "Must set acks to all in order to use the idempotent producer. Otherwise we "
                                           "cannot guarantee idempotence.");
  }
  run.sending.transactional_id = transactional_id;
  run.transaction_ms = transaction_ms.value_or(kUsualTransaction_ms);
  const std::string timeout = opened.property("transaction.timeout.ms", "60000");
  const auto number = config::parse_integer(timeout);
  if (!number || *number < 1 || *number > INT32_MAX) {
    return make_error(ErrorKind::kInvalid, "transaction.timeout.ms={}: expected a number of milliseconds", timeout);
  }
  run.sending.transaction_timeout_ms = *number;
  return ok_status();
}

}  // namespace

int run_kafka_producer_perf_test(ToolWords words) {
  ProducerPerf script;
  ProduceRun& run = script.run;
  if (auto code = script.options.parse(words)) return *code;
  if (const std::string wrong = script.what_is_wrong(); !wrong.empty()) return script.options.mistake(wrong);
  char* end = nullptr;
  run.throughput = std::strtod(script.throughput.c_str(), &end);
  if (*end != '\0') return script.options.mistake("--throughput: could not convert " + script.throughput);
  Status read = script.read_payloads();
  if (read.ok()) read = script.read_properties();
  if (!read.ok()) return complain(read.error().message);
  run.records = *script.count;
  run.record_bytes = script.record_bytes.value_or(0);
  run.warmup = std::max<int64_t>(run.warmup, 0);
  run.report_every_ms = script.report_ms;
  run.on_report = [](const SendStats& window, bool steady_begins) {
    if (steady_begins) fmt::print("In steady state.\n");
    print_window(window);
  };
  script.cluster.client_id = "perf-producer-client";
  auto cluster = Cluster::open(script.cluster);
  if (!cluster.ok()) return complain(cluster.error().message);
  run.sending.codec = codec_from_name((*cluster)->property("compression.type", "none")).value_or(Codec::kNone);
  run.sending.batch_bytes = static_cast<size_t>(std::clamp<int64_t>(
      config::parse_integer((*cluster)->property("batch.size", "16384")).value_or(16384), 1, 1 << 20));
  std::string acks = (*cluster)->property("acks", "all");
  run.sending.acks = acks == "0" ? 0 : acks == "1" ? 1 : -1;
  if (Status chosen = script.choose_transactions(**cluster); !chosen.ok()) return complain(chosen.error().message);
  if (run.warmup > 0) {
    fmt::print("Warmup first {} records. Steady state results will print after the complete test summary.\n",
               run.warmup);
  }
  Status done = run.run(**cluster);
  if (!done.ok()) return complain(done.error().message);
  print_total(run.all, run.all.records_per_second(), run.all.megabytes_per_second(), false);
  if (run.warmup > 0) {
    print_total(run.steady, run.steady.records_per_second(), run.steady.megabytes_per_second(), true);
  }
  return 0;
}

int run_kafka_consumer_perf_test(ToolWords words) {
  KafkaScript script("kafka-consumer-perf-test.sh", "Reads records and says how fast they came.",
                     "(--topic <topic> | --include <expression>) --num-records <n> --bootstrap-server <host:port>");
  ConsumeRun run;
  std::string topic, old_config;
  std::optional<int64_t> records, messages;
  bool no_header = false, detailed = false;
  int64_t fetch_bytes = run.partition_bytes;
  Options& options = script.options;
  options.text("--topic", topic, "topic", "Where to read from.");
  options.text("--include", run.pattern, "expression", "All topics whose name matches.");
  options.number("--num-records", records, "n", "How many records.");
  options.number("--messages", messages, "n", "The old name of --num-records.");
  options.number("--timeout", run.patience_ms, "ms", "Ends when none came for so long.");
  options.flag("--from-latest", run.from_latest, "Begins with records that are still to come.");
  options.flag("--hide-header", no_header, "Without the line of names.");
  options.flag("--show-detailed-stats", detailed, "A line for each interval, instead of one at the end.");
  options.number("--reporting-interval", run.report_every_ms, "ms", "The interval.");
  options.number("--fetch-size", fetch_bytes, "bytes", "Of one partition in an answer.");
  options.text("--consumer.config", old_config, "file", "The old name of --command-config.");
  std::vector<std::string> properties;
  options.texts("--command-property", properties, "key=value", "A property of Kafka's consumer.");
  for (const char* name : {"--group", "--socket-buffer-size", "--date-format"}) {
    options.ignored(name, "value", "Has no effect.");
  }
  options.ignored_flag("--print-metrics", "Has no effect.");
  script.add_common();
  if (auto code = options.parse(words)) return *code;
  if (script.cluster.servers.empty()) return options.mistake("Missing required argument \"[bootstrap-server]\"");
  if (topic.empty() == run.pattern.empty()) {
    return options.mistake("Exactly one of the following arguments is required: [topic], [include]");
  }
  if (records.has_value() == messages.has_value()) {
    return options.mistake("Exactly one of the following arguments is required: [messages], [num-records]");
  }
  if (!old_config.empty() && !script.cluster.config_file.empty()) {
    return options.mistake("Option \"[consumer.config]\" can't be used with option \"[command-config]\"");
  }
  if (run.report_every_ms < 0) return options.mistake("--reporting-interval: expected 0 or more");
  if (messages) fmt::print("Warning: --messages is deprecated. Use --num-records instead.\n");
  if (!old_config.empty()) {
    fmt::print("Warning: --consumer.config is deprecated. Use --command-config instead.\n");
    script.cluster.config_file = old_config;
  }
  if (Status added = add_properties(properties, script.cluster.properties); !added.ok()) {
    return options.mistake(added.error().message);
  }
  run.records = records ? *records : *messages;
  if (!topic.empty()) run.topics = {topic};
  run.partition_bytes = static_cast<int32_t>(std::clamp<int64_t>(fetch_bytes, 1, 256 << 20));
  script.cluster.client_id = "perf-consumer-client";
  auto cluster = Cluster::open(script.cluster);
  if (!cluster.ok()) return complain(cluster.error().message);
  if (!no_header) {
    fmt::print(
        "{}, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, "
        "fetch.MB.sec, fetch.nMsg.sec\n",
        detailed ? "time, threadId" : "start.time, end.time");
  }
  if (detailed) {
    run.on_report = [](const ConsumeRun::Window& window) {
      const double seconds = std::max(window.window_ms, 1e-3) / 1000;
      const double volume = megabytes(window.window_bytes) / seconds;
      const double rate = static_cast<double>(window.window_read) / seconds;
      fmt::print("{}, 0, {:.4f}, {:.4f}, {}, {:.4f}, 0, {:.0f}, {:.4f}, {:.4f}\n", local_time(window.end_ms),
                 megabytes(window.bytes), volume, window.read, rate, window.window_ms, volume, rate);
      std::fflush(stdout);
    };
  }
  int64_t begin_ms = system_clock().wall_ms();
  Status done = run.run(**cluster);
  if (!done.ok()) return complain(done.error().message);
  if (run.read < run.records) {
    fmt::print(
        "WARNING: Exiting before consuming the expected number of records: timeout ({} ms) exceeded. You can use the "
        "--timeout option to increase the timeout.\n",
        run.patience_ms);
  }
  if (detailed) return 0;
  double rate = static_cast<double>(run.read) / run.seconds, volume = megabytes(run.bytes);
  fmt::print("{}, {}, {:.4f}, {:.4f}, {}, {:.4f}, {}, {:.0f}, {:.4f}, {:.4f}\n", local_time(begin_ms),
             local_time(system_clock().wall_ms()), volume, volume / run.seconds, run.read, rate, 0, run.seconds * 1000,
             volume / run.seconds, rate);
  return 0;
}

}  // namespace milena::tools
