// A librdkafka producer for all producing commands of the load generator: no record may fail, and all callbacks run
// inside rd_kafka_poll (or flush), on the one thread of the program. produce.cc has the implementation.
#pragma once

#include <string>

#include "load.h"

namespace milena::bench {

// Counts from the delivery reports.
struct Reports {
  int64_t delivered = 0;
  std::string statistics;
};

rd_kafka_t* make_producer(const Options& options, Reports* reports, bool statistics);
rd_kafka_topic_t* open_topic(rd_kafka_t* client, const std::string& name);

// Passes on one record; while the client's queue is full, it polls for reports.
void send(rd_kafka_t* producer, rd_kafka_topic_t* topic, std::string& value);
void wait_for_reports(rd_kafka_t* producer, const Reports& reports, int64_t wanted, double deadline_s);
// The client's next statistics, as JSON, or "null".
std::string latest_statistics(rd_kafka_t* producer, Reports& reports);

}  // namespace milena::bench
