// Endpoints and feature ranges of the registration records: those of brokers and of controllers have separate types
// with the same fields. Pure.
#pragma once

#include <vector>

#include "metadata/image.h"
#include "metadata/metadata_record.h"

namespace milena::metadata {

template <class To>
std::vector<To> endpoint_records(const std::vector<EndpointImage>& from) {
  std::vector<To> to;
  for (const EndpointImage& endpoint : from) {
    To& one = to.emplace_back();
    one.name = endpoint.name;
    one.host = endpoint.host;
    one.port = endpoint.port;
    one.security_protocol = endpoint.security_protocol;
  }
  return to;
}

template <class To>
std::vector<To> feature_records(const std::vector<FeatureRange>& from) {
  std::vector<To> to;
  for (const FeatureRange& feature : from) {
    To& one = to.emplace_back();
    one.name = feature.name;
    one.min_supported_version = feature.min_version;
    one.max_supported_version = feature.max_version;
  }
  return to;
}

enum class Fencing : int8_t { kFence = 1, kUnfence = -1 };

inline MetadataRecord fencing_change(const BrokerImage& broker, Fencing to) {
  BrokerRegistrationChangeRecord change;
  change.broker_id = broker.id;
  change.broker_epoch = broker.epoch;
  change.fenced = static_cast<int8_t>(to);
  return change;
}

}  // namespace milena::metadata
