// A producer of small transactions at a fixed rate. librdkafka always waits a millisecond before it adds a partition to
// a transaction; this one speaks the second protocol (KIP-890), in which Produce adds it.
#include <time.h>

#include <cstdio>

#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/produce.h"
#include "protocol/records/record_batch_builder.h"
#include "wire_client.h"

namespace milena::bench {
namespace {

constexpr int16_t kInitVersion = 5, kProduceVersion = 12, kEndVersion = 5;
constexpr int8_t kTransactions = 1;  // FindCoordinator's key type
constexpr double kDeadline_s = 60, kRetry_s = 0.0005;
constexpr ByteView kTopic = "paced", kId = "paced";

// The previous transaction is not over yet, or a coordinator or a new topic is not ready yet: clients retry.
bool passes(ErrorCode error) {
  return error == ErrorCode::kConcurrentTransactions || error == ErrorCode::kNotLeaderOrFollower ||
         error == ErrorCode::kUnknownTopicOrPartition || error == ErrorCode::kCoordinatorLoadInProgress ||
         error == ErrorCode::kCoordinatorNotAvailable || error == ErrorCode::kNotCoordinator;
}

void sleep_until(double at_s) {
  timespec at{};
  at.tv_sec = static_cast<time_t>(at_s);
  at.tv_nsec = static_cast<long>((at_s - static_cast<double>(at.tv_sec)) * 1e9);
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

class PacedProducer {
 public:
  explicit PacedProducer(WireClient& client) : client_(client), value_(100, 'm') {}

  void init() {
    InitProducerIdRequest request;
    request.transactional_id = kId;
    request.transaction_timeout_ms = 60'000;
    ask_until_it_passes<InitProducerIdResponse>(request, kInitVersion, [this](const InitProducerIdResponse& response) {
      take_id(response.producer_id, response.producer_epoch);
    });
  }

  void produce() {
    BatchOptions options;
    options.producer_id = producer_id_;
    options.producer_epoch = epoch_;
    options.base_sequence = sequence_++;
    options.transactional = true;
    timespec wall{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    const Bytes batch = build_single_record_batch(options, std::nullopt, value_, wall.tv_sec * 1000);
    ProduceRequest request;
    request.transactional_id = kId;
    request.acks = -1;
    request.timeout_ms = 30'000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = kTopic;
    topic.partition_data.emplace_back().records = batch;
    ask_until_it_passes<ProduceResponse>(request, kProduceVersion, [](const ProduceResponse&) {});
  }

  void commit() {
    EndTxnRequest request;
    request.transactional_id = kId;
    request.producer_id = producer_id_;
    request.producer_epoch = epoch_;
    request.committed = true;
    ask_until_it_passes<EndTxnResponse>(request, kEndVersion, [this](const EndTxnResponse& response) {
      take_id(response.producer_id, response.producer_epoch);
    });
  }

  int64_t retries() const { return retries_; }

 private:
  // The protocol gives every transaction its own epoch; sequences then begin again.
  void take_id(int64_t producer_id, int16_t epoch) {
    producer_id_ = producer_id;
    epoch_ = epoch;
    sequence_ = 0;
  }

  template <class Response, class Request, class Take>
  void ask_until_it_passes(const Request& request, int16_t version, Take take) {
    bool answered = false;
    std::function<void()> ask = [&] {
      client_.ask<Response>(0, request, version, [&](Response& response) {
        const ErrorCode error = error_of(response);
        if (passes(error)) {
          ++retries_;
          return client_.at(now_s() + kRetry_s, ask);
        }
        if (error != ErrorCode::kNone) give_up("transactions: error " + std::to_string(static_cast<int>(error)));
        take(response);
        answered = true;
      });
    };
    ask();
    client_.run_until([&] { return answered; }, kDeadline_s, "an answer to the producer");
  }

  template <class Response>
  static ErrorCode error_of(const Response& response) {
    if constexpr (std::is_same_v<Response, ProduceResponse>) {
      return response.responses.at(0).partition_responses.at(0).error_code;
    } else {
      return response.error_code;
    }
  }

  WireClient& client_;
  Bytes value_;
  int64_t producer_id_ = -1;
  int16_t epoch_ = -1;
  int32_t sequence_ = 0;
  int64_t retries_ = 0;
};

}  // namespace

// --port --count --rate: so many transactions of one 100 B record, the next one at its time, or at once if the previous
// one took longer. The record is acknowledged before the commit is timed.
int paced_transactions(const Arguments& arguments) {
  const int64_t count = number(arguments, "count", 1000);
  const double gap_s = 1.0 / static_cast<double>(number(arguments, "rate", 1000));
  WireClient client(static_cast<int>(number(arguments, "port", 9092)), 1);
  prepare(client, Bytes(kTopic), 1, kTransactions);
  PacedProducer producer(client);
  producer.init();
  std::vector<double> ends, wholes;
  const double begin = now_s();
  for (int64_t i = 0; i < count; i++) {
    sleep_until(begin + gap_s * static_cast<double>(i));
    const double begun = now_s();
    producer.produce();
    const double before = now_s();
    producer.commit();
    ends.push_back(now_s() - before);
    wholes.push_back(now_s() - begun);
  }
  const double seconds = now_s() - begin;
  std::printf(
      "{\"transactions\": %ld, \"seconds\": %.6f, \"commit_p50\": %.6f, \"commit_p99\": %.6f, \"whole_p50\": %.6f, "
      "\"retries\": %ld}\n",
      count, seconds, at_share(ends, 0.5), at_share(ends, 0.99), at_share(wholes, 0.5), producer.retries());
  return 0;
}

}  // namespace milena::bench
