// milena perf, and Kafka's scripts kafka-producer-perf-test.sh and kafka-consumer-perf-test.sh. One connection, one
// batch at a time: a figure of the broker's answers, not of many clients.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <thread>

#include "base/executor.h"
#include "base/random.h"
#include "config/config_values.h"
#include "tools/kafka/script.h"
#include "tools/output.h"
#include "tools/own/own.h"
#include "tools/records/record_sender.h"
#include "tools/records/topic_reader.h"

namespace milena::tools {
namespace {

double seconds_since(Deadline begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct ProduceRun {
  std::string topic;
  int64_t records = 0, record_bytes = 100, throughput = -1;
  SenderOptions sending;

  std::vector<double> latencies_ms;  // of each batch that was waited for
  double seconds = 0;
  int64_t sent = 0;

  Status run(Cluster& cluster);
  double percentile(double part) const;
};

Status ProduceRun::run(Cluster& cluster) {
  RecordSender sender(cluster, sending);
  TextRecord record;
  record.value.emplace(static_cast<size_t>(std::max<int64_t>(record_bytes, 1)), 'a');
  for (char& c : *record.value) c = static_cast<char>('A' + system_random().next() % 26);
  Deadline begin = std::chrono::steady_clock::now(), last = begin;
  for (int64_t i = 0; i < records && !stop_requested(); i++) {
    int64_t before = sender.sent();
    RETURN_IF_ERROR(sender.add(record, topic));
    if (sender.sent() != before) {
      latencies_ms.push_back(seconds_since(last) * 1000);
      last = std::chrono::steady_clock::now();
    }
    if (throughput > 0) {
      auto due = begin + std::chrono::duration_cast<Deadline::duration>(std::chrono::duration<double>(
                             static_cast<double>(i + 1) / static_cast<double>(throughput)));
      if (due > std::chrono::steady_clock::now() + std::chrono::milliseconds(5)) {
        RETURN_IF_ERROR(sender.flush());
        std::this_thread::sleep_until(due);
        last = std::chrono::steady_clock::now();
      }
    }
  }
  RETURN_IF_ERROR(sender.flush());
  latencies_ms.push_back(seconds_since(last) * 1000);
  seconds = std::max(seconds_since(begin), 1e-9);
  sent = sender.sent();
  std::sort(latencies_ms.begin(), latencies_ms.end());
  return ok_status();
}

double ProduceRun::percentile(double part) const {
  return latencies_ms[std::min(latencies_ms.size() - 1,
                               static_cast<size_t>(part * static_cast<double>(latencies_ms.size())))];
}

struct ConsumeRun {
  std::string topic;
  int64_t records = 0, patience_ms = 10'000;
  bool from_latest = false;

  int64_t read = 0, bytes = 0;
  double seconds = 0;

  Status run(Cluster& cluster);
};

Status ConsumeRun::run(Cluster& cluster) {
  ReaderOptions reading;
  reading.topics = {topic};
  reading.place = from_latest ? kLatestTime : kEarliestTime;
  FetcherOptions fetching;
  fetching.reset_to = reading.place;
  TopicReader reader(cluster, reading, fetching);
  RETURN_IF_ERROR(reader.start());
  Deadline begin = std::chrono::steady_clock::now(), last = begin;
  while (read < records && !stop_requested()) {
    int64_t before = read;
    RETURN_IF_ERROR(reader.poll(100, [&](const FetchedRecord& record) {
      read++;
      bytes += static_cast<int64_t>(record.key.value_or("").size() + record.value.value_or("").size());
      return read < records;
    }));
    if (read != before)
      last = std::chrono::steady_clock::now();
    else if (seconds_since(last) * 1000 > static_cast<double>(patience_ms))
      break;
  }
  seconds = std::max(seconds_since(begin), 1e-9);
  return ok_status();
}

double megabytes(int64_t bytes) {
  return static_cast<double>(bytes) / (1024 * 1024);
}

std::string local_time(int64_t milliseconds) {
  time_t whole = milliseconds / 1000;
  tm parts{};
  ::localtime_r(&whole, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return fmt::format("{}:{:03}", text, milliseconds % 1000);
}

Status produce_as_kafka(Cluster& cluster, ProduceRun& run) {
  RETURN_IF_ERROR(run.run(cluster));
  double average = 0;
  for (double one : run.latencies_ms) average += one / static_cast<double>(run.latencies_ms.size());
  double rate = static_cast<double>(run.sent) / run.seconds;
  fmt::print(
      "{} records sent, {:.6f} records/sec ({:.2f} MB/sec), {:.2f} ms avg latency, {:.2f} ms max latency, {:.0f} ms "
      "50th, {:.0f} ms 95th, {:.0f} ms 99th, {:.0f} ms 99.9th.\n",
      run.sent, rate, rate * megabytes(run.record_bytes), average, run.latencies_ms.back(), run.percentile(0.5),
      run.percentile(0.95), run.percentile(0.99), run.percentile(0.999));
  return ok_status();
}

int report(const Status& done) {
  return done.ok() ? 0 : complain(done.error().message);
}

}  // namespace

int run_kafka_producer_perf_test(ToolWords words) {
  KafkaScript script(
      "kafka-producer-perf-test.sh", "Writes records and measures the throughput.",
      "--topic <topic> --num-records <n> --record-size <n> --throughput <n> --bootstrap-server <host:port>");
  ProduceRun run;
  std::vector<std::string> properties, old_properties;
  std::string old_config;
  Options& options = script.options;
  options.text("--topic", run.topic, "topic", "The topic to write to.");
  options.number("--num-records", run.records, "n", "Number of records.");
  options.number("--record-size", run.record_bytes, "n", "Size of each record.");
  options.number("--throughput", run.throughput, "n", "Most records a second; -1 for no limit.");
  options.texts("--command-property", properties, "key=value", "A property of Kafka's producer.");
  options.texts("--producer-props", old_properties, "key=value", "The old name of --command-property.");
  options.text("--producer.config", old_config, "file", "The old name of --command-config.");
  options.ignored_flag("--print-metrics", "Has no effect.");
  options.ignored("--reporting-interval", "ms", "Has no effect.");
  script.add_common();
  std::vector<std::string> more;
  options.words("property", more, "More values of --producer-props.");
  if (auto code = options.parse(words)) return *code;
  properties.insert(properties.end(), old_properties.begin(), old_properties.end());
  properties.insert(properties.end(), more.begin(), more.end());
  Status added = add_properties(properties, script.cluster.properties);
  if (!added.ok()) return options.mistake(added.error().message);
  if (run.topic.empty() || run.records < 1) return options.mistake("argument --topic and --num-records are required");
  if (!old_config.empty()) script.cluster.config_file = old_config;
  script.cluster.client_id = "perf-producer-client";
  auto cluster = Cluster::open(script.cluster);
  if (!cluster.ok()) return complain(cluster.error().message);
  run.sending.codec = codec_from_name((*cluster)->property("compression.type", "none")).value_or(Codec::kNone);
  run.sending.batch_bytes = static_cast<size_t>(std::clamp<int64_t>(
      config::parse_integer((*cluster)->property("batch.size", "16384")).value_or(16384), 1, 1 << 20));
  std::string acks = (*cluster)->property("acks", "all");
  run.sending.acks = acks == "0" ? 0 : acks == "1" ? 1 : -1;
  return report(produce_as_kafka(**cluster, run));
}

int run_kafka_consumer_perf_test(ToolWords words) {
  KafkaScript script("kafka-consumer-perf-test.sh", "Reads records and measures the throughput.",
                     "--topic <topic> --num-records <n> --bootstrap-server <host:port>");
  ConsumeRun run;
  bool no_header = false;
  std::string old_config, group;
  Options& options = script.options;
  options.text("--topic", run.topic, "topic", "The topic to read.");
  options.number("--num-records", run.records, "n", "Number of records.");
  options.number("--messages", run.records, "n", "The old name of --num-records.");
  options.number("--timeout", run.patience_ms, "ms", "Ends if no record arrives for this time.");
  options.flag("--from-latest", run.from_latest, "Starts at the end of the topic.");
  options.flag("--hide-header", no_header, "Omits the header line.");
  options.text("--consumer.config", old_config, "file", "The old name of --command-config.");
  for (const char* name : {"--group", "--fetch-size", "--socket-buffer-size", "--reporting-interval", "--date-format",
                           "--threads", "--num-fetch-threads", "--command-property"}) {
    options.ignored(name, "value", "Has no effect.");
  }
  options.ignored_flag("--print-metrics", "Has no effect.");
  options.ignored_flag("--show-detailed-stats", "Has no effect.");
  script.add_common();
  if (auto code = options.parse(words)) return *code;
  if (run.topic.empty() || run.records < 1)
    return options.mistake("Missing required argument \"[topic]\" or \"[num-records]\"");
  if (!old_config.empty()) script.cluster.config_file = old_config;
  auto cluster = Cluster::open(script.cluster);
  if (!cluster.ok()) return complain(cluster.error().message);
  if (!no_header) {
    fmt::print(
        "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, "
        "fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n");
  }
  int64_t begin_ms = system_clock().wall_ms();
  Status done = run.run(**cluster);
  if (!done.ok()) return report(done);
  if (run.read < run.records) {
    fmt::print(
        "WARNING: Exiting before consuming the expected number of records: timeout ({} ms) exceeded. You can use the "
        "--timeout option to increase the timeout.\n",
        run.patience_ms);
  }
  double rate = static_cast<double>(run.read) / run.seconds, volume = megabytes(run.bytes);
  fmt::print("{}, {}, {:.4f}, {:.4f}, {}, {:.4f}, {}, {:.0f}, {:.4f}, {:.4f}\n", local_time(begin_ms),
             local_time(system_clock().wall_ms()), volume, volume / run.seconds, run.read, rate, 0, run.seconds * 1000,
             volume / run.seconds, rate);
  return 0;
}

int run_perf(ToolWords words) {
  OwnCommand command("perf", "Measures producing and consuming over one connection.",
                     "produce TOPIC [-n N] [-s BYTES] [options]\nconsume TOPIC [-n N] [options]");
  std::string verb, topic, codec = "none";
  int64_t records = 100'000, bytes = 1000, batch = 256 << 10, rate = -1;
  command.options.word("verb", verb, "produce or consume.");
  command.options.word("topic", topic, "Where.");
  command.options.number("-n,--count", records, "n", "Number of records.");
  command.options.number("-s,--size", bytes, "bytes", "Size of each record.");
  command.options.number("--batch", batch, "bytes", "Bytes that are sent at once.");
  command.options.number("--rate", rate, "n", "Most records a second.");
  command.options.text("-z,--compress", codec, "codec", "none, gzip, snappy, lz4 or zstd.");
  command.add_common();
  command.options.example("milena perf produce speed -n 1000000 -s 100");
  stop_on_signals();
  auto work = [&](Cluster& cluster) -> Status {
    Table table({"RECORDS", "SECONDS", "RECORDS/S", "MB/S", "P50 MS", "P99 MS", "MAX MS"});
    auto row = [&](int64_t count, double seconds, int64_t size, const std::vector<std::string>& rest) {
      std::vector<std::string> cells = {std::to_string(count), fmt::format("{:.3f}", seconds),
                                        fmt::format("{:.0f}", static_cast<double>(count) / seconds),
                                        fmt::format("{:.1f}", static_cast<double>(size) / 1e6 / seconds)};
      cells.insert(cells.end(), rest.begin(), rest.end());
      table.row(cells);
    };
    if (verb == "produce") {
      ProduceRun run;
      run.topic = topic;
      run.records = records;
      run.record_bytes = bytes;
      run.throughput = rate;
      run.sending.codec = *codec_from_name(codec);
      run.sending.batch_bytes = static_cast<size_t>(std::clamp<int64_t>(batch, 1, 16 << 20));
      RETURN_IF_ERROR(run.run(cluster));
      row(run.sent, run.seconds, run.sent * bytes,
          {fmt::format("{:.2f}", run.percentile(0.5)), fmt::format("{:.2f}", run.percentile(0.99)),
           fmt::format("{:.2f}", run.latencies_ms.back())});
    } else {
      ConsumeRun run;
      run.topic = topic;
      run.records = records;
      run.patience_ms = 2000;
      RETURN_IF_ERROR(run.run(cluster));
      row(run.read, run.seconds, run.bytes, {"-", "-", "-"});
    }
    table.print(command.json);
    return ok_status();
  };
  auto check = [&]() -> Status {
    if ((verb != "produce" && verb != "consume") || topic.empty())
      return usage_error("expected produce or consume, and a topic");
    if (records < 1 || bytes < 0 || bytes > (1 << 20))
      return usage_error("expected at least one record, of at most a megabyte");
    if (!codec_from_name(codec)) return usage_error("--compress {}: expected none, gzip, snappy, lz4 or zstd", codec);
    return ok_status();
  };
  return command.run(words, work, check);
}

}  // namespace milena::tools
