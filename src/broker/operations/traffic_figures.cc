#include "broker/operations/traffic_figures.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace milena::broker {

void ApiFigures::count_error(ErrorCode error, uint64_t times) {
  for (auto& [code, count] : errors) {
    if (code == error) {
      count += times;
      return;
    }
  }
  errors.emplace_back(error, times);
}

void ApiFigures::count_answer(uint64_t bytes, const Writer::Errors& in_it) {
  response_bytes += bytes;
  if (in_it.empty()) return count_error(ErrorCode::kNone, 1);
  for (const auto& [error, times] : in_it) count_error(error, times);
}

void ApiFigures::record(const RequestTimes& times, int64_t sent_ns) {
  sent_ns = std::max(sent_ns, times.answered_ns);
  queue.record_ns(times.started_ns - times.arrived_ns);
  work.record_ns(times.handled_ns - times.started_ns);
  wait.record_ns(times.answered_ns - times.handled_ns);
  send.record_ns(sent_ns - times.answered_ns);
  total.record_ns(sent_ns - times.arrived_ns);
}

uint64_t ApiFigures::all_requests() const {
  return std::accumulate(requests.begin(), requests.end(), uint64_t{0});
}

void ApiFigures::merge(const ApiFigures& other) {
  for (size_t i = 0; i < kVersions; i++) requests[i] += other.requests[i];
  request_bytes += other.request_bytes;
  response_bytes += other.response_bytes;
  for (const auto& [code, count] : other.errors) count_error(code, count);
  queue.merge(other.queue);
  work.merge(other.work);
  wait.merge(other.wait);
  send.merge(other.send);
  total.merge(other.total);
}

void TopicTraffic::merge(const TopicTraffic& other) {
  records_in += other.records_in;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  bytes_rejected += other.bytes_rejected;
  produce_requests += other.produce_requests;
  fetch_requests += other.fetch_requests;
  failed_produce_requests += other.failed_produce_requests;
  failed_fetch_requests += other.failed_fetch_requests;
}

void CleanerFigures::merge(const CleanerFigures& other) {
  rounds += other.rounds;
  failed_rounds += other.failed_rounds;
  read_bytes += other.read_bytes;
  written_bytes += other.written_bytes;
  ms += other.ms;
}

LoopFigures LoopMeter::look(const Clock& clock) {
  const int64_t cpu_ns = clock.thread_cpu_ns();
  const int64_t now_ms = clock.steady_ms();
  if (at_ms_ < 0 || now_ms - at_ms_ >= kMin_ms) {
    // The first look has no earlier one.
    if (at_ms_ >= 0) busy_share_ = static_cast<double>(cpu_ns - cpu_ns_) / 1e6 / static_cast<double>(now_ms - at_ms_);
    at_ms_ = now_ms;
    cpu_ns_ = cpu_ns;
  }
  return {static_cast<double>(cpu_ns) / 1e9, std::clamp(busy_share_, 0.0, 1.0)};
}

ApiFigures& ShardFigures::api(ApiKey key) {
  const auto number = static_cast<size_t>(key);
  CHECK(number < kApis, "there is no room for figures of api {}", number);
  std::unique_ptr<ApiFigures>& figures = apis[number];
  if (figures == nullptr) figures = std::make_unique<ApiFigures>();
  return *figures;
}

void ShardFigures::forget_topic(const Uuid& topic) {
  topics.erase(topic);
  last_ = nullptr;
}

void ShardFigures::forget_topics(const std::function<bool(const Uuid&)>& which) {
  std::erase_if(topics, [&](const auto& entry) { return which(entry.first); });
  last_ = nullptr;
}

}  // namespace milena::broker
