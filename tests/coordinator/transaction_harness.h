// TransactionHarness: a TransactionShard with its environment, in one thread: a log in memory, a clock that the test
// moves, producer ids, and the resulting markers and responses. Can refuse appends and ids, and reload the shard.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "coordinator/transaction/transaction_shard.h"

namespace milena::coordinator {

class TransactionHarness {
 public:
  explicit TransactionHarness(TransactionConfig config = {}) : config_(config) {
    set_log_level(LogLevel::kOff);
    reload();
  }

  TransactionShard& shard() { return *shard_; }
  const std::vector<CoordinatorRecord>& log() const { return log_; }
  Now now() const { return now_; }
  // Tests write records of another broker into the log, and reload.
  void append(CoordinatorRecord record) { log_.push_back(std::move(record)); }

  void set_transaction_version(int16_t level) {
    level_ = level;
    shard_->set_transaction_version(level);
  }
  void fail_next_append(ErrorCode error) { append_error_ = error; }
  // Requests for ids wait until give_ids.
  void hold_ids(bool hold) { hold_ids_ = hold; }
  void give_ids(ErrorCode error = ErrorCode::kNone) {
    for (ProducerIdToken token : std::exchange(id_requests_, {})) give_id(token, error);
  }
  size_t ids_given() const { return static_cast<size_t>(next_producer_id_ - 1000); }

  void reload() {
    if (shard_) take(shard_->close(ErrorCode::kNotCoordinator));
    id_requests_.clear();
    markers_.clear();
    shard_ = std::make_unique<TransactionShard>(config_);
    shard_->set_coordinator_epoch(++coordinator_epoch_);
    shard_->set_transaction_version(level_);
    for (size_t i = 0; i < log_.size(); ++i) apply(log_[i], static_cast<int64_t>(i));
    run(shard_->loaded(now_));
  }
  int32_t coordinator_epoch() const { return coordinator_epoch_; }

  void advance(int64_t ms) {
    const int64_t end_ms = now_.steady_ms + ms;
    while (true) {
      const std::optional<int64_t> next = shard_->next_deadline_ms();
      if (!next || *next > end_ms) break;
      move_to(std::max(*next, now_.steady_ms));
      run(shard_->tick(now_));
    }
    move_to(end_ms);
  }

  Caller caller(int16_t version) { return {++last_token_, version, "client", "/127.0.0.1"}; }
  AnswerToken last_token() const { return last_token_; }

  // Records of the largest append so far.
  size_t largest_append() const { return largest_append_; }

  void run(TransactionEffects effects) {
    largest_append_ = std::max(largest_append_, effects.records.size());
    if (!effects.records.empty() && append_error_ != ErrorCode::kNone) {
      const ErrorCode error = std::exchange(append_error_, ErrorCode::kNone);
      return take(shard_->append_failed(std::move(effects), error, now_));
    }
    for (const CoordinatorRecord& record : effects.records) {
      log_.push_back(record);
      apply(record, static_cast<int64_t>(log_.size()) - 1);
    }
    take(std::move(effects));
  }

  bool answered(AnswerToken token) const { return answers_.count(token) > 0; }
  template <class Response>
  Response answer(AnswerToken token) {
    const auto at = answers_.find(token);
    if (at == answers_.end()) {
      ADD_FAILURE() << "no answer for token " << token;
      return {};
    }
    return std::get<Response>(at->second);
  }
  void forget_answers() { answers_.clear(); }

  // --- markers

  std::deque<TransactionMarkers>& markers() { return markers_; }
  // The oldest requested markers are all written, or all fail with this.
  void answer_markers(ErrorCode error = ErrorCode::kNone) {
    const TransactionMarkers first = markers_.front();
    markers_.pop_front();
    std::vector<MarkerResult> results;
    for (const TopicPartitions& topic : first.partitions) {
      for (int32_t partition : topic.partitions) results.push_back({topic.topic, partition, error});
    }
    run(shard_->markers_written(first.token, results, now_));
  }
  void answer_all_markers() {
    while (!markers_.empty()) answer_markers();
  }

  // --- requests

  InitProducerIdResponse init(const std::string& id, int64_t producer_id = -1, int16_t epoch = -1, int16_t version = 5,
                              int32_t timeout_ms = 60'000) {
    return answer<InitProducerIdResponse>(send_init(id, producer_id, epoch, version, timeout_ms));
  }
  AnswerToken send_init(const std::string& id, int64_t producer_id = -1, int16_t epoch = -1, int16_t version = 5,
                        int32_t timeout_ms = 60'000) {
    InitProducerIdRequest request;
    request.transactional_id = id;
    request.transaction_timeout_ms = timeout_ms;
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    run(shard_->init_producer_id(caller(version), request, now_));
    return last_token_;
  }

  // The error of the first partition; all must have the same.
  ErrorCode add(const std::string& id, int64_t producer_id, int16_t epoch, std::vector<int32_t> partitions = {0},
                int16_t version = 3, bool verify_only = false, const std::string& topic = "t") {
    PartitionsToAdd request;
    request.transactional_id = id;
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    request.verify_only = verify_only;
    request.topics.push_back({.name = topic, .partitions = partitions});
    run(shard_->add_partitions(caller(version), request, now_));
    const AddedPartitions response = answer<AddedPartitions>(last_token_);
    EXPECT_EQ(response.transactional_id, id);
    const auto& results = response.topic_results.at(0).results_by_partition;
    EXPECT_EQ(results.size(), partitions.size());
    for (const auto& result : results) EXPECT_EQ(result.partition_error_code, results[0].partition_error_code);
    return results.at(0).partition_error_code;
  }
  ErrorCode verify(const std::string& id, int64_t producer_id, int16_t epoch, int32_t partition = 0) {
    return add(id, producer_id, epoch, {partition}, 5, true);
  }
  ErrorCode add_offsets(const std::string& id, int64_t producer_id, int16_t epoch, int32_t partition = 7,
                        int16_t version = 4) {
    AddOffsetsToTxnRequest request;
    request.transactional_id = id;
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    request.group_id = "g";
    run(shard_->add_offsets(caller(version), request, partition, now_));
    return answer<AddOffsetsToTxnResponse>(last_token_).error_code;
  }

  AnswerToken send_end(const std::string& id, int64_t producer_id, int16_t epoch, bool commit, int16_t version) {
    EndTxnRequest request;
    request.transactional_id = id;
    request.producer_id = producer_id;
    request.producer_epoch = epoch;
    request.committed = commit;
    run(shard_->end_transaction(caller(version), request, now_));
    return last_token_;
  }
  // Version 4: transaction.version 0.
  ErrorCode end(const std::string& id, int64_t producer_id, int16_t epoch, bool commit = true, int16_t version = 4) {
    return answer<EndTxnResponse>(send_end(id, producer_id, epoch, commit, version)).error_code;
  }
  // Version 5: transaction.version 2.
  EndTxnResponse end_2(const std::string& id, int64_t producer_id, int16_t epoch, bool commit = true) {
    return answer<EndTxnResponse>(send_end(id, producer_id, epoch, commit, 5));
  }

  DescribeTransactionsResponse::TransactionState describe(const std::string& id) {
    const ByteView view = id;
    run(shard_->describe(caller(0), std::span(&view, 1), now_));
    return answer<DescribeTransactionsResponse>(last_token_).transaction_states.at(0);
  }
  ListTransactionsResponse list(const ListTransactionsRequest& request) {
    run(shard_->list(caller(2), request, now_));
    ListTransactionsResponse response = answer<ListTransactionsResponse>(last_token_);
    if (request.transactional_id_pattern &&
        !keep_matching(response.transaction_states, *request.transactional_id_pattern, [] { return false; })) {
      response.error_code = ErrorCode::kInvalidRegularExpression;
    }
    return response;
  }

  std::string state(const std::string& id) const {
    const TransactionMetadata* found = shard_->find(id);
    return found == nullptr ? "none" : std::string(transaction_state_name(found->state));
  }

 private:
  void apply(const CoordinatorRecord& record, int64_t offset) {
    shard_->apply(record.key, record.value ? std::optional<ByteView>(*record.value) : std::nullopt, offset);
  }
  void move_to(int64_t steady_ms) {
    now_.wall_ms += steady_ms - now_.steady_ms;
    now_.steady_ms = steady_ms;
  }
  void give_id(ProducerIdToken token, ErrorCode error) {
    run(shard_->producer_id_given(token, error, error == ErrorCode::kNone ? next_producer_id_++ : -1, now_));
  }
  void take(TransactionEffects effects) {
    for (TransactionAnswer& answer : effects.answers) {
      const bool first = answers_.emplace(answer.token, std::move(answer.response)).second;
      EXPECT_TRUE(first) << "token " << answer.token << " answered twice";
      EXPECT_LE(answer.token, last_token_);
    }
    for (TransactionMarkers& markers : effects.markers) markers_.push_back(std::move(markers));
    for (ProducerIdToken token : effects.producer_id_requests) {
      if (hold_ids_) {
        id_requests_.push_back(token);
      } else {
        give_id(token, ErrorCode::kNone);
      }
    }
  }

  TransactionConfig config_;
  Now now_{.steady_ms = 5'000, .wall_ms = 1'700'000'000'000};
  std::unique_ptr<TransactionShard> shard_;
  std::vector<CoordinatorRecord> log_;
  size_t largest_append_ = 0;
  std::map<AnswerToken, TransactionResponse> answers_;
  std::deque<TransactionMarkers> markers_;
  std::vector<ProducerIdToken> id_requests_;
  AnswerToken last_token_ = 0;
  int64_t next_producer_id_ = 1000;
  int32_t coordinator_epoch_ = 0;
  int16_t level_ = 2;
  bool hold_ids_ = false;
  ErrorCode append_error_ = ErrorCode::kNone;
};

}  // namespace milena::coordinator
