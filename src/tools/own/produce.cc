// milena produce: lines of standard input, or of files, become records.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "config/config_values.h"
#include "tools/own/own.h"
#include "tools/progress.h"
#include "tools/records/line_format.h"
#include "tools/records/record_json.h"
#include "tools/records/record_sender.h"

namespace milena::tools {
namespace {

struct ProduceCommand : OwnCommand {
  std::string topic, format = "value", separator = "\t", codec = "none", acks = "all", key, value, timestamp, null_text;
  std::vector<std::string> headers, files;
  std::optional<int64_t> partition, level;
  bool verbose = false, one_by_one = false, keep_partitions = false;
  bool has_null = false;

  ProduceCommand()
      : OwnCommand("produce", "Writes each line of standard input, or of files, as a record.",
                   "TOPIC [options] [FILE...]\nTOPIC -v VALUE [-k KEY]") {
    options.word("topic", topic, "The topic to write to. It is created if the broker allows it.");
    options.words("file", files, "Files to read instead of standard input.");
    options.text("-F,--format", format, "format",
                 "value (the default): the line is the value. key-value: a key before the value. json: the output of "
                 "consume -F json.");
    options.text("-d,--delimiter", separator, "text", "Separator of key and value; default: a tab.");
    options.text("-k,--key", key, "key", "The key of each record.");
    options.text("-v,--value", value, "value", "One record with this value.");
    options.texts("-H,--header", headers, "key=value", "A header of each record.");
    options.number("-p,--partition", partition, "n", "The partition; default by key.");
    options.text("-t,--timestamp", timestamp, "time", "The time of each record: -10m, 2026-11-29T22:14:40Z, ...");
    options.text("-Z,--null", null_text, "text", "This text as a value means null.");
    options.text("-z,--compress", codec, "codec", "none, gzip, snappy, lz4 or zstd.");
    options.number("--level", level, "n", "Compression level.");
    options.text("--acks", acks, "acks", "all, 1 or 0.");
    options.flag("--keep-partitions", keep_partitions, "With json: each record goes to its own partition.");
    options.flag("--sync", one_by_one, "Sends records one by one.");
    options.flag("--stats", verbose, "Prints the number of records and bytes.");
    add_common(false);
    options.example("echo hello | milena produce greetings");
    options.example("milena produce orders -F key-value -d : -H source=shop < orders.txt");
    options.example("milena consume -F json --from first orders | milena produce copy -F json");
  }

  Result<SenderOptions> sender_options() const;
  Result<TextRecord> parse(const std::string& line, int64_t number) const;
  Status add_common_parts(TextRecord& record) const;
  Status send_lines(int descriptor, RecordSender& sender, const std::string& name, int64_t size);
  Status check() const;
  Status work(Cluster& cluster);
};

Result<SenderOptions> ProduceCommand::sender_options() const {
  SenderOptions sending;
  std::optional<Codec> found = codec_from_name(codec);
  if (!found) return usage_error("--compress {}: expected none, gzip, snappy, lz4 or zstd", codec);
  sending.codec = *found;
  if (level) sending.level = static_cast<int>(std::clamp<int64_t>(*level, -200, 200));
  if (acks != "all" && acks != "-1" && acks != "1" && acks != "0")
    return usage_error("--acks {}: expected all, 1 or 0", acks);
  sending.acks = acks == "1" ? 1 : acks == "0" ? 0 : -1;
  if (format != "value" && format != "key-value" && format != "json") {
    return usage_error("--format {}: expected value, key-value or json", format);
  }
  if (separator.empty()) return usage_error("--delimiter: expected a text");
  if (partition && (*partition < 0 || *partition > INT32_MAX))
    return usage_error("--partition {}: expected 0 or more", *partition);
  return sending;
}

Status ProduceCommand::add_common_parts(TextRecord& record) const {
  if (!key.empty() && !record.key) record.key = key;
  if (has_null && record.value == null_text) record.value.reset();
  if (!keep_partitions) record.partition.reset();
  if (partition && !record.partition) record.partition = static_cast<int32_t>(*partition);
  for (const std::string& header : headers) {
    size_t equals = header.find('=');
    if (equals == std::string::npos) return usage_error("--header {}: expected key=value", header);
    record.headers.emplace_back(header.substr(0, equals), header.substr(equals + 1));
  }
  if (!timestamp.empty() && !record.timestamp_ms) {
    Result<int64_t> time = parse_time_ms(timestamp);
    RETURN_IF_ERROR(time);
    record.timestamp_ms = *time;
  }
  record.topic.clear();  // the output of consume has the source's topic
  return ok_status();
}

Result<TextRecord> ProduceCommand::parse(const std::string& line, int64_t number) const {
  if (format == "json") return record_from_json(line, number);
  TextRecord record;
  if (format == "value") {
    record.value = line;
    return record;
  }
  size_t at = line.find(separator);
  if (at == std::string::npos)
    return make_error(ErrorKind::kInvalid, "line {}: expected a '{}'", number, separator);
  record.key = line.substr(0, at);
  record.value = line.substr(at + separator.size());
  return record;
}

// The bytes of a file; 0 for what has no end that is known.
int64_t size_of(int descriptor) {
  struct stat found {};
  return ::fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode) ? static_cast<int64_t>(found.st_size) : 0;
}

Status ProduceCommand::send_lines(int descriptor, RecordSender& sender, const std::string& name, int64_t size) {
  LineInput input(descriptor);
  Progress progress(name.empty() ? topic : name, size, Progress::Unit::kBytes);
  std::string line;
  for (int64_t number = 1;; number++) {
    // Sends the records so far before waiting for more.
    if (input.must_wait()) RETURN_IF_ERROR(sender.flush());
    if (!input.next(line)) break;
    if (size > 0) progress.at(input.taken_bytes());  // without an end there is nothing to tell
    Result<TextRecord> record = parse(line, number);
    Status added = record.ok() ? add_common_parts(*record) : Status(record.error());
    if (added.ok()) added = sender.add(*record, topic);
    if (added.ok() && one_by_one) added = sender.flush();
    if (!added.ok()) {
      RETURN_IF_ERROR(sender.flush());
      return name.empty() ? added.error() : make_error(added.error().kind, "{}: {}", name, added.error().message);
    }
  }
  if (input.failed()) return make_error(ErrorKind::kIo, "{} cannot be read", name.empty() ? "standard input" : name);
  return sender.flush();
}

Status ProduceCommand::check() const {
  if (topic.empty()) return usage_error("expected the name of a topic");
  Result<SenderOptions> sending = sender_options();
  RETURN_IF_ERROR(sending);
  TextRecord record;
  return add_common_parts(record);
}

Status ProduceCommand::work(Cluster& cluster) {
  Result<SenderOptions> sending = sender_options();
  RecordSender sender(cluster, *sending);
  if (!value.empty()) {
    TextRecord record;
    record.value = value;
    RETURN_IF_ERROR(add_common_parts(record));
    RETURN_IF_ERROR(sender.add(record, topic));
    RETURN_IF_ERROR(sender.flush());
  } else if (files.empty()) {
    RETURN_IF_ERROR(send_lines(STDIN_FILENO, sender, "", size_of(STDIN_FILENO)));
  }
  for (const std::string& file : files) {
    int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return make_error(ErrorKind::kIo, "{} cannot be read", file);
    Status sent = send_lines(descriptor, sender, file, size_of(descriptor));
    ::close(descriptor);
    if (!sent.ok()) return sent;
  }
  if (verbose) fmt::print(stderr, "{} records, {} bytes\n", sender.sent(), sender.sent_bytes());
  return ok_status();
}

}  // namespace

int run_produce(ToolWords words) {
  ProduceCommand produce;
  for (std::string_view word : words) {
    if (word == "-Z" || word.starts_with("--null")) produce.has_null = true;
  }
  return produce.run(
      words, [&](Cluster& cluster) { return produce.work(cluster); }, [&] { return produce.check(); });
}

}  // namespace milena::tools
