// The answer to a request that the controller has decided while the log of the metadata has no room for it: nothing was
// done. It is KAFKA_STORAGE_ERROR, after which clients try again.
#pragma once

#include "base/bytes.h"
#include "protocol/error_code.h"
#include "protocol/messages/create_topics.h"

namespace milena::broker {

template <class Result>
void refuse_unwritten_result(Result& result) {
  if (result.error_code != ErrorCode::kNone) return;  // it was refused for another reason
  result.error_code = ErrorCode::kKafkaStorageError;
  if constexpr (requires { result.error_message; }) result.error_message = Bytes(error_message(result.error_code));
  if constexpr (requires { result.matching_acls; }) result.matching_acls.clear();
}

template <class Results>
void refuse_unwritten_results(Results& results) {
  for (auto& result : results) refuse_unwritten_result(result);
}

// Returns false if the answer has no field for an error.
template <class Response>
bool refuse_unwritten(Response& response) {
  if constexpr (requires { response.error_code; }) {
    if (response.error_code == ErrorCode::kNone) response = {};
    refuse_unwritten_result(response);
  } else if constexpr (requires { response.topics.front().error_code; }) {
    refuse_unwritten_results(response.topics);
  } else if constexpr (requires { response.responses.front().error_code; }) {
    refuse_unwritten_results(response.responses);
  } else if constexpr (requires { response.results.front().error_code; }) {
    refuse_unwritten_results(response.results);
  } else if constexpr (requires { response.entries.front().error_code; }) {
    refuse_unwritten_results(response.entries);
  } else if constexpr (requires { response.filter_results.front().error_code; }) {
    refuse_unwritten_results(response.filter_results);
  } else {
    return false;
  }
  return true;
}

inline bool refuse_unwritten(CreateTopicsResponse& response) {
  for (auto& topic : response.topics) {
    if (topic.error_code != ErrorCode::kNone) continue;
    const Bytes name = topic.name;
    topic = {};
    topic.name = name;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.configs.reset();
    refuse_unwritten_result(topic);
  }
  return true;
}

}  // namespace milena::broker
