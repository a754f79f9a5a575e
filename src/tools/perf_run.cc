#include "tools/perf_run.h"

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

#include "base/executor.h"
#include "base/random.h"
#include "tools/progress.h"
#include "tools/records/topic_reader.h"

namespace milena::tools {
namespace {

constexpr int64_t kMaxKept = 500'000;

double seconds_since(Deadline begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

SendStats::SendStats(int64_t records_to_come) : keep_each_(std::max<int64_t>(1, records_to_come / kMaxKept)) {}

void SendStats::note(double latency_ms, int64_t bytes) {
  if (count_ % keep_each_ == 0) kept_ms_.push_back(static_cast<float>(latency_ms));
  count_++;
  bytes_ += bytes;
  total_ms_ += latency_ms;
  most_ms_ = std::max(most_ms_, latency_ms);
}

double SendStats::seconds() const {
  return std::max(seconds_since(begin_), 1e-9);
}

double SendStats::percentile_ms(double part) const {
  if (kept_ms_.empty()) return 0;
  std::vector<float> sorted = kept_ms_;
  const auto index = static_cast<size_t>(part * static_cast<double>(sorted.size()));
  const auto at = sorted.begin() + static_cast<ptrdiff_t>(std::min(index, sorted.size() - 1));
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

void ProduceRun::fill(std::string& value, int64_t number) const {
  if (!payloads.empty()) {
    value = payloads[system_random().next() % payloads.size()];
  } else if (numbers) {
    value = std::to_string(number);
  } else if (value.empty()) {
    // The same for all: to make each anew would be measured, too.
    value.resize(static_cast<size_t>(std::max<int64_t>(record_bytes, 1)));
    for (char& c : value) c = static_cast<char>('A' + system_random().next() % 26);
  }
}

void ProduceRun::note_answers(int64_t sent) {
  for (; answered_ < sent && !waiting_.empty(); answered_++) {
    const double latency_ms = seconds_since(waiting_.front().since) * 1000;
    all.note(latency_ms, waiting_.front().bytes);
    window_.note(latency_ms, waiting_.front().bytes);
    if (answered_ == warmup && warmup > 0) steady = SendStats(records - warmup);
    if (answered_ >= warmup) steady.note(latency_ms, waiting_.front().bytes);
    waiting_.pop_front();
  }
  if (report_every_ms <= 0 || !on_report || std::chrono::steady_clock::now() < report_at_ || window_.count() == 0)
    return;
  on_report(window_, warmup > 0 && answered_ > warmup && !steady_was_said_);
  steady_was_said_ = steady_was_said_ || (warmup > 0 && answered_ > warmup);
  window_ = SendStats(0);
  report_at_ = deadline_in(report_every_ms);
}

Status ProduceRun::run(Cluster& cluster) {
  RecordSender sender(cluster, sending);
  TextRecord record;
  record.value.emplace();
  all = steady = SendStats(records);
  window_ = SendStats(0);
  report_at_ = deadline_in(report_every_ms);
  Progress progress(topic, shows_progress ? records : 0, Progress::Unit::kRecords);
  const Deadline begin = std::chrono::steady_clock::now();
  bool in_transaction = false;
  Deadline transaction_begin;
  for (int64_t i = 0; i < records && !stop_requested(); i++) {
    fill(*record.value, i);
    waiting_.push_back({std::chrono::steady_clock::now(), static_cast<int64_t>(record.value->size())});
    RETURN_IF_ERROR(sender.add(record, topic));
    if (!sending.transactional_id.empty()) {
      const Deadline added = waiting_.back().since;
      if (!std::exchange(in_transaction, true)) transaction_begin = added;
      if (std::chrono::duration_cast<std::chrono::milliseconds>(added - transaction_begin).count() >= transaction_ms) {
        RETURN_IF_ERROR(sender.commit());
        in_transaction = false;
      }
    }
    if (sender.sent() != answered_) note_answers(sender.sent());
    if (shows_progress) progress.at(i + 1);
    if (throughput <= 0) continue;
    const auto due = begin + std::chrono::duration_cast<Deadline::duration>(
                                 std::chrono::duration<double>(static_cast<double>(i + 1) / throughput));
    if (due <= std::chrono::steady_clock::now() + std::chrono::milliseconds(5)) continue;
    RETURN_IF_ERROR(sender.flush());
    note_answers(sender.sent());
    std::this_thread::sleep_until(due);
  }
  RETURN_IF_ERROR(sender.commit());
  note_answers(sender.sent());
  return ok_status();
}

Status ConsumeRun::run(Cluster& cluster) {
  ReaderOptions reading;
  reading.topics = topics;
  reading.pattern = pattern;
  reading.place = from_latest ? kLatestTime : kEarliestTime;
  FetcherOptions fetching;
  fetching.reset_to = reading.place;
  fetching.partition_bytes = partition_bytes;
  TopicReader reader(cluster, reading, fetching);
  RETURN_IF_ERROR(reader.start());
  Progress progress(topics.empty() ? pattern : topics.front(), shows_progress ? records : 0, Progress::Unit::kRecords);
  const Deadline begin = std::chrono::steady_clock::now();
  Deadline last = begin, window_begin = begin;
  int64_t window_read = 0, window_bytes = 0;  // at its begin
  while (read < records && !stop_requested()) {
    int64_t before = read;
    RETURN_IF_ERROR(reader.poll(100, [&](const FetchedRecord& record) {
      read++;
      bytes += static_cast<int64_t>(record.key.value_or("").size() + record.value.value_or("").size());
      return read < records;
    }));
    if (shows_progress) progress.at(read);
    if (read != before)
      last = std::chrono::steady_clock::now();
    else if (seconds_since(last) * 1000 > static_cast<double>(patience_ms))
      break;
    const double window_ms = seconds_since(window_begin) * 1000;
    if (read == before || window_ms < static_cast<double>(report_every_ms)) continue;
    if (on_report) {
      on_report({system_clock().wall_ms(), read, bytes, read - window_read, bytes - window_bytes, window_ms});
    }
    window_begin = std::chrono::steady_clock::now();
    window_read = read;
    window_bytes = bytes;
  }
  seconds = std::max(seconds_since(begin), 1e-9);
  return ok_status();
}

}  // namespace milena::tools
