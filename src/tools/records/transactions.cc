#include "tools/records/transactions.h"

#include <algorithm>

#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/produce.h"

namespace milena::tools {
namespace {

constexpr char kFeature[] = "transaction.version";
constexpr int16_t kLevelOfBatches = 2;
// The first versions of requests that add partitions by batches and raise the epoch are 12 and 5. Version 4 of
// AddPartitionsToTxn is for brokers.
constexpr int16_t kLastProduceBefore = 11, kLastEndBefore = 4, kLastAddOfClients = 3;
// The first version of ApiVersions that tells the features.
constexpr int16_t kFeaturesVersion = 3;

bool is_passing_for_transactions(ErrorCode code) {
  return is_passing(code) || code == ErrorCode::kConcurrentTransactions;
}

}  // namespace

int16_t Transactions::produce_version() const { return by_batches_ ? ProduceRequest::kMaxVersion : kLastProduceBefore; }

template <class Response, class Request, class CodeOf>
Result<Response> Transactions::ask(const Request& request, int16_t newest, CodeOf code_of) {
  const Deadline deadline = deadline_in(patience_ms_);
  for (;;) {
    auto coordinator = cluster_.transaction_coordinator(id_);
    RETURN_IF_ERROR(coordinator);
    auto version = (*coordinator)->common_version(Request::kApiKey, Request::kMinVersion, newest);
    RETURN_IF_ERROR(version);
    auto answer = (*coordinator)->template ask<Response>(request, *version);
    const bool in_time = std::chrono::steady_clock::now() < deadline && !stop_requested();
    if (answer.ok()) {
      const ErrorCode code = code_of(*answer);
      if (code == ErrorCode::kNone) return answer;
      if (!is_passing_for_transactions(code) || !in_time) {
        return make_error(ErrorKind::kInvalid, "transactional id {}: {}", id_, answer_error(code).message);
      }
    } else {
      if (answer.error().kind != ErrorKind::kIo || !in_time) return answer;
      cluster_.reconnect();
    }
    wait_a_little();
  }
}

Status Transactions::learn_level() {
  auto version =
      cluster_.any().common_version(ApiKey::kApiVersions, kFeaturesVersion, ApiVersionsRequest::kMaxVersion);
  if (!version.ok()) return version.error().kind == ErrorKind::kUnsupported ? ok_status() : Status(version.error());
  ApiVersionsRequest request;
  request.client_software_name = "milena";
  request.client_software_version = "1";
  auto answer = cluster_.any().ask<ApiVersionsResponse>(request, *version);
  RETURN_IF_ERROR(answer);
  by_batches_ = std::any_of(
      answer->finalized_features.begin(), answer->finalized_features.end(),
      [](const auto& each) { return each.name == kFeature && each.max_version_level >= kLevelOfBatches; });
  return ok_status();
}

Status Transactions::start() {
  RETURN_IF_ERROR(learn_level());
  InitProducerIdRequest request;
  request.transactional_id = ByteView(id_);
  request.transaction_timeout_ms = static_cast<int32_t>(std::clamp<int64_t>(open_ms_, 1, INT32_MAX));
  auto answer = ask<InitProducerIdResponse>(request, InitProducerIdRequest::kMaxVersion,
                                            [](const InitProducerIdResponse& got) { return got.error_code; });
  RETURN_IF_ERROR(answer);
  producer_id_ = answer->producer_id;
  producer_epoch_ = answer->producer_epoch;
  return ok_status();
}

Status Transactions::add(const std::string& topic, int32_t partition) {
  if (!partitions_.emplace(topic, partition).second || by_batches_) return ok_status();
  AddPartitionsToTxnRequest request;
  request.v3_and_below_transactional_id = id_;
  request.v3_and_below_producer_id = producer_id_;
  request.v3_and_below_producer_epoch = producer_epoch_;
  request.v3_and_below_topics.push_back({topic, {partition}});
  auto answer = ask<AddPartitionsToTxnResponse>(request, kLastAddOfClients, [](const AddPartitionsToTxnResponse& got) {
    for (const auto& each : got.results_by_topic_v3_and_below) {
      for (const auto& result : each.results_by_partition) {
        if (result.partition_error_code != ErrorCode::kNone) return result.partition_error_code;
      }
    }
    return ErrorCode::kNone;
  });
  return answer.ok() ? ok_status() : Status(answer.error());
}

Status Transactions::commit() {
  if (partitions_.empty()) return ok_status();
  EndTxnRequest request;
  request.transactional_id = id_;
  request.producer_id = producer_id_;
  request.producer_epoch = producer_epoch_;
  request.committed = true;
  auto answer = ask<EndTxnResponse>(request, by_batches_ ? EndTxnRequest::kMaxVersion : kLastEndBefore,
                                    [](const EndTxnResponse& got) { return got.error_code; });
  RETURN_IF_ERROR(answer);
  partitions_.clear();
  if (by_batches_ && answer->producer_id >= 0) {
    producer_id_ = answer->producer_id;
    producer_epoch_ = answer->producer_epoch;
  }
  return ok_status();
}

}  // namespace milena::tools
