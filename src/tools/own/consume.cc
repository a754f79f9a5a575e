// milena consume and milena cat: records go to standard output.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/saturating.h"
#include "config/config_values.h"
#include "tools/output.h"
#include "tools/own/own.h"
#include "tools/progress.h"
#include "tools/records/group_reader.h"
#include "tools/records/record_json.h"
#include "tools/records/topic_reader.h"

namespace milena::tools {
namespace {

struct ConsumeCommand : OwnCommand {
  std::vector<std::string> topics, partitions;
  std::string from, until, format = "value", separator = "\t", group, pattern;
  std::optional<int64_t> most, patience_ms;
  bool follow = false, stop_at_end = false, committed = false, headers_too = false;
  int64_t count = 0;
  int64_t taken = 0;  // with those that --until leaves out
  std::optional<int64_t> until_ms;
  ReaderOptions reading;

  explicit ConsumeCommand(bool is_cat)
      : OwnCommand(is_cat ? "cat" : "consume",
                   is_cat ? "Prints all records of a topic, and ends."
                          : "Prints the records of topics as they arrive.",
                   is_cat ? "TOPIC... [options]" : "TOPIC... [options]\n--pattern EXPRESSION [options]") {
    from = is_cat ? "first" : "end";
    stop_at_end = is_cat;
    options.words("topic", topics, "Topics to read.");
    options.text("--pattern", pattern, "expression", "Expression; reads all topics with a matching name.");
    options.text("--from", from, "place",
                 "first, end, an offset, last:N for the last N of each partition, or a time: -10m, "
                 "2026-11-29T22:14:40Z.");
    options.text("--until", until, "time", "Omits younger records, and stops at the end.");
    options.number("-n,--count", most, "n", "Stops after this number of records.");
    options.flag("-f,--follow", follow, "Waits for more records.");
    options.flag("-e,--end", stop_at_end, "Stops at the end of the topic.");
    options.number("--wait", patience_ms, "ms", "Stops if no record arrives for this time.");
    options.texts("-p,--partition", partitions, "n,...", "Reads only these partitions.");
    options.text("-g,--group", group, "group", "Reads as a member of this group, and commits.");
    options.text("-F,--format", format, "format", "value, key-value, full or json.");
    options.text("-d,--delimiter", separator, "text", "Separator of key and value; default: a tab.");
    options.flag("-H,--headers", headers_too, "With key-value: prints headers before the key.");
    options.flag("--committed", committed, "Omits uncommitted records of transactions.");
    add_common(false);
    options.example(is_cat ? "milena cat orders -F json" : "milena consume orders");
    options.example(is_cat ? "milena cat orders --from -10m" : "milena consume orders --from last:10 -f");
    options.example(is_cat ? "milena cat orders -p 0 --from 4711 -n 1" : "milena consume orders -g billing -F json");
  }

  Status place(ReaderOptions& to) const;
  std::string text(const FetchedRecord& record) const;
  bool take(const FetchedRecord& record);
  Status read(const std::function<Status(int32_t)>& poll, const RecordFetcher& fetcher);
  Status check();
  Status work(Cluster& cluster);
};

Status ConsumeCommand::place(ReaderOptions& to) const {
  to.topics = topics;
  to.pattern = pattern;
  for (const std::string& list : partitions) {
    for (size_t begin = 0; begin <= list.size();) {
      size_t end = std::min(list.find(',', begin), list.size());
      std::optional<int64_t> number = config::parse_integer(ByteView(list).substr(begin, end - begin));
      if (!number || *number < 0 || *number > INT32_MAX) return usage_error("--partition {}: expected numbers", list);
      to.partitions.push_back(static_cast<int32_t>(*number));
      begin = end + 1;
    }
  }
  bool is_offset = !from.empty() && from.size() < 13 && from.find_first_not_of("0123456789") == std::string::npos;
  if (from == "first") {
    to.place = kEarliestTime;
  } else if (from == "end") {
    to.place = kLatestTime;
  } else if (is_offset) {
    to.place = std::stoll(from);
  } else if (from.starts_with("last:")) {
    std::optional<int64_t> number = config::parse_integer(from.substr(5));
    if (!number || *number < 0) return usage_error("--from {}: expected last:N", from);
    to.from_end = *number;
  } else {
    Result<int64_t> time = parse_time_ms(from);
    if (!time.ok()) return usage_error("--from {}: expected first, end, an offset, last:N or a time", from);
    to.from_time_ms = *time;
  }
  return ok_status();
}

std::string ConsumeCommand::text(const FetchedRecord& record) const {
  if (format == "json") return record_to_json(record);
  std::string out;
  if (format == "full") {
    out = fmt::format("{}-{}@{} {}", record.topic, record.partition, record.offset,
                      record.timestamp_ms < 0 ? "-" : readable_time(record.timestamp_ms)) +
          separator;
  }
  if (headers_too || (format == "full" && !record.headers.empty())) {
    const char* between = "";
    for (const auto& [key, value] : record.headers) {
      out += fmt::format("{}{}={}", between, key, value.value_or("null"));
      between = ",";
    }
    out += separator;
  }
  if (format != "value") out += std::string(record.key.value_or(format == "full" ? "null" : "")) + separator;
  return out.append(record.value.value_or(format == "full" ? "null" : ""));
}

bool ConsumeCommand::take(const FetchedRecord& record) {
  taken++;
  if (until_ms && record.timestamp_ms > *until_ms) return true;
  std::string line = text(record) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  count++;
  return (!most || count < *most) && !stop_requested();
}

Status ConsumeCommand::read(const std::function<Status(int32_t)>& poll, const RecordFetcher& fetcher) {
  Progress progress(topics.empty() ? pattern : topics.front(), 0, Progress::Unit::kRecords, STDOUT_FILENO);
  auto last = std::chrono::steady_clock::now();
  while ((!most || count < *most) && !stop_requested()) {
    int64_t before = count;
    int32_t wait_ms = stop_at_end ? 0 : static_cast<int32_t>(std::clamp<int64_t>(patience_ms.value_or(500), 0, 500));
    Status polled = poll(wait_ms);
    // There is something to tell where there is an end.
    if (stop_at_end || most) {
      progress.expect(most ? *most : add_saturating(taken, fetcher.left()));
      progress.at(most ? count : taken);
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) return ok_status();  // nobody reads any longer
    if (stop_requested()) break;
    if (!polled.ok()) return polled;
    auto now = std::chrono::steady_clock::now();
    if (count != before) last = now;
    if (stop_at_end && fetcher.at_end() && (group.empty() || !fetcher.empty())) break;
    if (patience_ms && now - last >= std::chrono::milliseconds(*patience_ms)) break;
  }
  return ok_status();
}

Status ConsumeCommand::check() {
  if (topics.empty() == pattern.empty()) return usage_error("expected topics, or --pattern");
  constexpr const char* kFormats[] = {"value", "key-value", "full", "json"};
  if (std::find(std::begin(kFormats), std::end(kFormats), format) == std::end(kFormats)) {
    return usage_error("--format {}: expected value, key-value, full or json", format);
  }
  if (!until.empty()) {
    Result<int64_t> time = parse_time_ms(until);
    RETURN_IF_ERROR(time);
    until_ms = *time;
    stop_at_end = true;
  }
  if (follow) stop_at_end = false;
  return place(reading);
}

Status ConsumeCommand::work(Cluster& cluster) {
  FetcherOptions fetching;
  fetching.read_committed = committed;
  RecordFetcher::Take taker = [this](const FetchedRecord& record) { return take(record); };
  if (!group.empty()) {
    if (reading.from_time_ms || reading.from_end || reading.place >= 0 || !partitions.empty()) {
      return usage_error("--group: the group has its offsets; --from may only be first or end, for partitions without "
                         "one");
    }
    fetching.reset_to = reading.place;
    GroupReader reader(cluster, {group, topics, pattern, reading.place}, fetching);
    Status done = read([&](int32_t wait_ms) { return reader.poll(wait_ms, taker); }, reader.fetcher());
    Status closed = reader.close();
    return done.ok() ? closed : done;
  }
  if (stop_at_end || reading.place < 0) fetching.reset_to = kEarliestTime;
  TopicReader reader(cluster, reading, fetching);
  return read([&](int32_t wait_ms) { return reader.poll(wait_ms, taker); }, reader.fetcher());
}

int run_reading(ToolWords words, bool is_cat) {
  stop_on_signals();
  ConsumeCommand consume(is_cat);
  return consume.run(
      words, [&](Cluster& cluster) { return consume.work(cluster); }, [&] { return consume.check(); });
}

}  // namespace

int run_consume(ToolWords words) {
  return run_reading(words, false);
}
int run_cat(ToolWords words) {
  return run_reading(words, true);
}

}  // namespace milena::tools
