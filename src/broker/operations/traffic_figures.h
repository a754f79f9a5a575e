// The counters of a shard: requests by API, traffic by topic, syncs, compaction, connections. Plain numbers that only
// the shard's thread touches, without locks; collect.h asks each shard for a copy.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/uuid.h"
#include "broker/clients/session.h"
#include "broker/operations/client_book.h"
#include "http/metrics/histogram.h"
#include "protocol/api_key.h"
#include "protocol/error_code.h"
#include "protocol/writer.h"

namespace milena::broker {

// The requests of one API.
struct ApiFigures {
  static constexpr size_t kVersions = 24;

  std::array<uint64_t, kVersions> requests{};  // by version; the last one counts all higher versions
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  // Error codes in answers with their number of occurrences; few of them ever occur. An answer without any counts once
  // as NONE.
  std::vector<std::pair<ErrorCode, uint64_t>> errors;
  // From the arrival to the handler, in it, until the answer, and until it is passed to the system.
  http::LatencyHistogram queue, work, wait, send, total;

  void count_request(int16_t version, size_t bytes) {
    requests[std::min(static_cast<size_t>(version), kVersions - 1)]++;
    request_bytes += bytes;
  }
  void count_error(ErrorCode error, uint64_t times);
  // Counts an answer of that size, with its errors.
  void count_answer(uint64_t bytes, const Writer::Errors& in_it);
  void record(const RequestTimes& times, int64_t sent_ns);
  uint64_t all_requests() const;
  void merge(const ApiFigures& other);
};

// The records that clients wrote to a topic and read from it.
struct TopicTraffic {
  uint64_t records_in = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t bytes_rejected = 0;
  // Counts each partition of a request, as in Kafka.
  uint64_t produce_requests = 0;
  uint64_t fetch_requests = 0;
  uint64_t failed_produce_requests = 0;
  uint64_t failed_fetch_requests = 0;

  void merge(const TopicTraffic& other);
};

struct CleanerFigures {
  uint64_t rounds = 0;
  uint64_t failed_rounds = 0;
  uint64_t read_bytes = 0;
  uint64_t written_bytes = 0;
  uint64_t ms = 0;

  void merge(const CleanerFigures& other);
};

// Of an HTTP listener: once for each connection, or each new password on it.
struct HttpAuthenticationFigures {
  uint64_t authenticated = 0;
  uint64_t not_authenticated = 0;

  void merge(const HttpAuthenticationFigures& other) {
    authenticated += other.authenticated;
    not_authenticated += other.not_authenticated;
  }
};

struct ListenerFigures {
  int64_t open = 0;
  uint64_t opened = 0;
  // Clients that have shown who they are, by TLS or SASL, and that have not; and the same of those that were known.
  uint64_t authenticated = 0;
  uint64_t not_authenticated = 0;
  uint64_t authenticated_again = 0;
  uint64_t not_authenticated_again = 0;
  uint64_t sessions_expired = 0;

  void merge(const ListenerFigures& other) {
    open += other.open;
    opened += other.opened;
    authenticated += other.authenticated;
    not_authenticated += other.not_authenticated;
    authenticated_again += other.authenticated_again;
    not_authenticated_again += other.not_authenticated_again;
    sessions_expired += other.sessions_expired;
  }
};

// Of a shard's event loop.
struct LoopFigures {
  double cpu_seconds = 0;
  double busy_share = 0;  // of the time since the previous look
};

// How busy the shard's thread was between two looks, if they are far enough apart.
class LoopMeter {
 public:
  // On that thread.
  LoopFigures look(const Clock& clock);

 private:
  static constexpr int64_t kMin_ms = 1000;

  int64_t at_ms_ = -1;
  int64_t cpu_ns_ = 0;
  double busy_share_ = 0;
};

class ShardFigures {
 public:
  // Made at the first request for the API: most are never used.
  ApiFigures& api(ApiKey key);

  // Counts for the topic and for the total.
  template <class Count>
  void count_traffic(const Uuid& topic, Count&& count) {
    count(traffic_of(topic));
    count(all_topics);
  }
  void forget_topic(const Uuid& topic);
  void forget_topics(const std::function<bool(const Uuid&)>& which);
  void count_throttled(int64_t ms) {
    throttled_requests++;
    throttled_ms += static_cast<uint64_t>(ms);
  }

  // By key.
  static constexpr size_t kApis = 96;
  std::array<std::unique_ptr<ApiFigures>, kApis> apis;
  std::unordered_map<Uuid, TopicTraffic> topics;
  // Includes deleted topics.
  TopicTraffic all_topics;
  http::LatencyHistogram flushes;
  CleanerFigures cleaner;
  std::map<std::string, ListenerFigures> listeners;
  std::map<std::string, HttpAuthenticationFigures> http_listeners;
  uint64_t refused_requests = 0;
  uint64_t throttled_requests = 0;
  uint64_t throttled_ms = 0;
  LoopMeter loop;
  ClientBook clients;

 private:
  TopicTraffic& traffic_of(const Uuid& topic) {
    if (last_ == nullptr || last_topic_ != topic) {
      last_ = &topics[topic];
      last_topic_ = topic;
    }
    return *last_;
  }

  // The topic that was counted last; often the next one is the same.
  Uuid last_topic_;
  TopicTraffic* last_ = nullptr;
};

}  // namespace milena::broker
