// Settings from environment variables, as Kafka's own container image takes them: KAFKA_LOG_RETENTION_MS is
// log.retention.ms. One underscore stands for a dot, two for an underscore, three for a dash. Variables for Kafka's
// start scripts and the JVM (KAFKA_HEAP_OPTS, KAFKA_JMX_PORT...) are not settings and are left out, and so are those
// that Kubernetes sets for a service called "kafka". CLUSTER_ID is the cluster id of a new directory
// (milena.cluster.id). KAFKA_CFG_* are the names of Bitnami's image for the same; KAFKA_* overrides them.
//
// They count only if enabled (--env, as in the start of our image): an application's own KAFKA_COMPRESSION_TYPE must
// not change a broker that is started beside it.
//
// Source: the launcher of the apache/kafka image (KafkaDockerWrapper).
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace milena::config {

struct EnvironmentSetting {
  Bytes variable;
  Bytes key;
  Bytes value;
};

// `environment` is a null-terminated list of NAME=value, like environ. KAFKA_CFG_* first, then in the order of the
// variables' names.
std::vector<EnvironmentSetting> settings_from_environment(const char* const* environment);

// A warning if the environment is not enabled but names settings that the broker knows; else empty.
std::string unused_environment_warning(const std::vector<EnvironmentSetting>& settings);

}  // namespace milena::config
