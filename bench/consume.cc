#include <cstdio>
#include <vector>

#include "load.h"

namespace milena::bench {
namespace {

constexpr double kDeadlineS = 120;

// A consumer without a group, which would need a coordinator, and the first one the creation of __consumer_offsets.
rd_kafka_t* make_consumer(const Options& options) {
  char error[256];
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, make_conf(options), error, sizeof error);
  if (!consumer) give_up("%s", error);
  return consumer;
}

// Counts a batch of records, each of which must have the next offset.
struct Tally {
  int64_t records = 0;
  int64_t bytes = 0;

  void add(rd_kafka_message_t* message) {
    if (message->err) give_up("consume: %s", rd_kafka_message_errstr(message));
    if (message->offset != records) give_up("expected offset %ld, and got %ld", records, message->offset);
    records++;
    bytes += static_cast<int64_t>(message->len);
    rd_kafka_message_destroy(message);
  }
};

}  // namespace

int consume(const Options& options) {
  int64_t wanted = options.number("records");
  std::vector<rd_kafka_message_t*> batch(10000);
  rd_kafka_t* consumer = make_consumer(options);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(consumer, options.text("topic").c_str(), nullptr);
  Tally tally;

  double begin = now_s();
  if (rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING) != 0) {
    give_up("consume: %s", rd_kafka_err2str(rd_kafka_last_error()));
  }
  while (tally.records < wanted) {
    ssize_t count = rd_kafka_consume_batch(topic, 0, 100, batch.data(), batch.size());
    if (count < 0) give_up("consume: %s", rd_kafka_err2str(rd_kafka_last_error()));
    for (ssize_t i = 0; i < count; i++) tally.add(batch[static_cast<size_t>(i)]);
    if (now_s() - begin > kDeadlineS) give_up("%ld of %ld records came in time", tally.records, wanted);
  }
  double seconds = now_s() - begin;

  std::printf("{\"records\": %ld, \"bytes\": %ld, \"seconds\": %.6f}\n", tally.records, tally.bytes, seconds);
  std::fflush(stdout);
  rd_kafka_consume_stop(topic, 0);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(consumer);
  return 0;
}

}  // namespace milena::bench
