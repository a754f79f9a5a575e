// Runs that measure how fast records go in and out, over one connection and one batch at a time: a figure of the
// broker's answers, not of many clients. Behind `milena perf` and Kafka's perf tests. Blocks its caller.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "tools/records/record_sender.h"

namespace milena::tools {

// Counts the records that were sent since a moment. Of very many latencies, some are kept.
class SendStats {
 public:
  explicit SendStats(int64_t records_to_come);
  void note(double latency_ms, int64_t bytes);
  int64_t count() const { return count_; }
  int64_t bytes() const { return bytes_; }
  double seconds() const;
  double records_per_second() const { return static_cast<double>(count_) / seconds(); }
  double megabytes_per_second() const { return static_cast<double>(bytes_) / seconds() / (1024 * 1024); }
  double average_ms() const { return count_ == 0 ? 0 : total_ms_ / static_cast<double>(count_); }
  double most_ms() const { return most_ms_; }
  // 0.99: what 99 of a hundred were below.
  double percentile_ms(double part) const;

 private:
  Deadline begin_ = std::chrono::steady_clock::now();
  int64_t keep_each_;
  int64_t count_ = 0, bytes_ = 0;
  double total_ms_ = 0, most_ms_ = 0;
  std::vector<float> kept_ms_;
};

// As in Kafka's perf test.
inline constexpr int64_t kUsualTransaction_ms = 3000;

struct ProduceRun {
  std::string topic;
  int64_t records = 0;
  double throughput = -1;  // records a second at most; none below 0
  // The values of the records: random letters, one of these texts, or the record's number.
  int64_t record_bytes = 100;
  std::vector<std::string> payloads;
  bool numbers = false;
  int64_t warmup = 0;           // records before the steady state
  int64_t report_every_ms = 0;  // 0: no reports
  std::function<void(const SendStats& window, bool steady_begins)> on_report;
  bool shows_progress = false;
  SenderOptions sending;
  // With a transactional id: a transaction ends with the first record that is added so long after its begin.
  int64_t transaction_ms = kUsualTransaction_ms;

  SendStats all{0}, steady{0};

  Status run(Cluster& cluster);

 private:
  void note_answers(int64_t sent);
  void fill(std::string& value, int64_t number) const;

  struct Waiting {
    Deadline since;
    int64_t bytes;
  };
  std::deque<Waiting> waiting_;  // for their answers, in the order in which they were added
  int64_t answered_ = 0;
  SendStats window_{0};
  Deadline report_at_;
  bool steady_was_said_ = false;
};

struct ConsumeRun {
  struct Window {
    int64_t end_ms;
    int64_t read, bytes;  // since the begin
    int64_t window_read, window_bytes;
    double window_ms;
  };

  std::vector<std::string> topics;
  std::string pattern;
  int64_t records = 0, patience_ms = 10'000;
  bool from_latest = false;
  int32_t partition_bytes = 1 << 20;
  int64_t report_every_ms = 5000;
  std::function<void(const Window&)> on_report;
  bool shows_progress = false;

  int64_t read = 0, bytes = 0;
  double seconds = 0;

  Status run(Cluster& cluster);
};

}  // namespace milena::tools
