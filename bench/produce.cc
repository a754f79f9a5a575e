#include <unistd.h>

#include <cstdio>
#include <string>

#include "producer.h"

namespace milena::bench {
namespace {

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  if (message->err) give_up("a record was not acknowledged: %s", rd_kafka_err2str(message->err));
  static_cast<Reports*>(opaque)->delivered++;
}

int keep_statistics(rd_kafka_t*, char* json, size_t length, void* opaque) {
  static_cast<Reports*>(opaque)->statistics.assign(json, length);
  return 0;
}

}  // namespace

rd_kafka_t* make_producer(const Options& options, Reports* reports, bool statistics) {
  rd_kafka_conf_t* conf = make_conf(options);
  rd_kafka_conf_set_opaque(conf, reports);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  if (statistics) {
    set(conf, "statistics.interval.ms", "200");
    rd_kafka_conf_set_stats_cb(conf, keep_statistics);
  }
  char error[256];
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (!producer) give_up("%s", error);
  return producer;
}

rd_kafka_topic_t* open_topic(rd_kafka_t* client, const std::string& name) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, name.c_str(), nullptr);
  if (!topic) give_up("topic %s: %s", name.c_str(), rd_kafka_err2str(rd_kafka_last_error()));
  return topic;
}

void send(rd_kafka_t* producer, rd_kafka_topic_t* topic, std::string& value) {
  while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value.data(), value.size(),
                          nullptr, 0, nullptr) != 0) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      give_up("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
    }
    rd_kafka_poll(producer, 10);
  }
}

void wait_for_reports(rd_kafka_t* producer, const Reports& reports, int64_t wanted, double deadline_s) {
  double end = now_s() + deadline_s;
  while (reports.delivered < wanted) {
    rd_kafka_poll(producer, 100);
    if (now_s() > end) give_up("%ld of %ld records acknowledged in time", reports.delivered, wanted);
  }
}

// The statistics come every 200 ms; the last ones may be from before the end.
std::string latest_statistics(rd_kafka_t* producer, Reports& reports) {
  reports.statistics.clear();
  double end = now_s() + 10;
  while (reports.statistics.empty() && now_s() < end) rd_kafka_poll(producer, 100);
  return reports.statistics.empty() ? "null" : reports.statistics;
}

int produce(const Options& options) {
  constexpr int64_t kPollEvery = 1000;
  int64_t records = options.number("records");
  std::string value(static_cast<size_t>(options.number("size")), 'm');
  Reports reports;
  rd_kafka_t* producer = make_producer(options, &reports, true);
  rd_kafka_topic_t* topic = open_topic(producer, options.text("topic"));

  double begin = now_s();
  for (int64_t i = 0; i < records; i++) {
    send(producer, topic, value);
    if (i % kPollEvery == 0) rd_kafka_poll(producer, 0);
  }
  wait_for_reports(producer, reports, records, 120);
  double seconds = now_s() - begin;

  std::printf("{\"records\": %ld, \"bytes\": %ld, \"seconds\": %.6f, \"statistics\": %s}\n", records,
              records * static_cast<int64_t>(value.size()), seconds,
              latest_statistics(producer, reports).c_str());
  std::fflush(stdout);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  return 0;
}

int first_produce(const Options& options) {
  double begin = now_s();
  Reports reports;
  rd_kafka_t* producer = make_producer(options, &reports, false);
  rd_kafka_topic_t* topic = open_topic(producer, options.text("topic"));
  std::string value = "first";
  send(producer, topic, value);
  wait_for_reports(producer, reports, 1, 60);
  std::printf("{\"seconds\": %.6f}\n", now_s() - begin);
  std::fflush(stdout);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  return 0;
}

}  // namespace milena::bench
