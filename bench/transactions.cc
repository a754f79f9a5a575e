#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "producer.h"

namespace milena::bench {
namespace {

constexpr int kPatience_ms = 60'000;

void must(rd_kafka_error_t* error, const char* what) {
  if (error) give_up("%s: %s", what, rd_kafka_error_string(error));
}

void commit(rd_kafka_t* producer) { must(rd_kafka_commit_transaction(producer, kPatience_ms), "commit"); }

// A producer that is ready for its first transaction.
rd_kafka_t* make_transactional_producer(const Options& options, Reports* reports, bool statistics) {
  rd_kafka_t* producer = make_producer(options, reports, statistics);
  must(rd_kafka_init_transactions(producer, kPatience_ms), "init");
  return producer;
}

class Times {
 public:
  void add(double seconds) { seconds_.push_back(seconds); }
  double at(double share) {
    std::sort(seconds_.begin(), seconds_.end());
    return seconds_.at(static_cast<size_t>(share * static_cast<double>(seconds_.size() - 1)));
  }

 private:
  std::vector<double> seconds_;
};

void sleep_until(double at_s) {
  timespec at{};
  at.tv_sec = static_cast<time_t>(at_s);
  at.tv_nsec = static_cast<long>((at_s - static_cast<double>(at.tv_sec)) * 1e9);
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

}  // namespace

// As fast as possible, with a commit from time to time.
int transactions(const Options& options) {
  constexpr int64_t kPollEvery = 1000;  // like the plain load
  int64_t records = options.number("records");
  double every_s = static_cast<double>(options.number("every")) / 1e3;
  std::string value(static_cast<size_t>(options.number("size")), 'm');
  Reports reports;
  rd_kafka_t* producer = make_transactional_producer(options, &reports, true);
  rd_kafka_topic_t* topic = open_topic(producer, options.text("topic"));

  int64_t committed = 0;
  double begin = now_s();
  double next_commit = begin + every_s;
  must(rd_kafka_begin_transaction(producer), "begin");
  for (int64_t i = 0; i < records; i++) {
    send(producer, topic, value);
    if (i % kPollEvery != 0) continue;
    rd_kafka_poll(producer, 0);
    if (now_s() < next_commit) continue;
    commit(producer);
    committed++;
    next_commit = std::max(next_commit + every_s, now_s());
    must(rd_kafka_begin_transaction(producer), "begin");
  }
  commit(producer);
  committed++;
  wait_for_reports(producer, reports, records, 120);
  double seconds = now_s() - begin;

  std::printf("{\"records\": %ld, \"bytes\": %ld, \"seconds\": %.6f, \"transactions\": %ld, \"statistics\": %s}\n",
              records, records * static_cast<int64_t>(value.size()), seconds, committed,
              latest_statistics(producer, reports).c_str());
  std::fflush(stdout);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  return 0;
}

// One record in each transaction, the next one at its time, or at once if the previous one took longer. The record is
// acknowledged before the commit is timed, so that only the end of a transaction is timed; the whole, from its
// beginning, is reported beside it: in some brokers the next transaction waits for the previous commit.
int commits(const Options& options) {
  int64_t count = options.number("count");
  double gap_s = 1.0 / static_cast<double>(options.number("rate"));
  Reports reports;
  rd_kafka_t* producer = make_transactional_producer(options, &reports, false);
  rd_kafka_topic_t* topic = open_topic(producer, options.text("topic"));
  std::string value(100, 'm');

  Times ends, wholes;
  double begin = now_s();
  for (int64_t i = 0; i < count; i++) {
    sleep_until(begin + gap_s * static_cast<double>(i));
    double begun = now_s();
    must(rd_kafka_begin_transaction(producer), "begin");
    send(producer, topic, value);
    wait_for_reports(producer, reports, i + 1, 60);
    double before = now_s();
    commit(producer);
    ends.add(now_s() - before);
    wholes.add(now_s() - begun);
  }
  double seconds = now_s() - begin;

  std::printf(
      "{\"transactions\": %ld, \"seconds\": %.6f, \"commit_p50\": %.6f, \"commit_p99\": %.6f, \"whole_p50\": %.6f}\n",
      count, seconds, ends.at(0.5), ends.at(0.99), wholes.at(0.5));
  std::fflush(stdout);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  return 0;
}

}  // namespace milena::bench
