// Settings from environment variables, as Kafka's own container image takes them: KAFKA_LOG_RETENTION_MS is
// log.retention.ms. One underscore stands for a dot, two for an underscore, three for a dash. Variables that Kafka's
// start scripts and the JVM read (KAFKA_HEAP_OPTS, KAFKA_JMX_PORT...) are no settings and are left out, and so are
// those that Kubernetes makes of a service called "kafka". CLUSTER_ID names the cluster of a new directory
// (milena.cluster.id). KAFKA_CFG_* are the names of Bitnami's image for the same; where a setting has both names,
// KAFKA_* counts.
//
// They count only where somebody asks for them (--env, as the start of our image does): an application's own
// KAFKA_COMPRESSION_TYPE must not alter a broker that happens to be started beside it.
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

// `environment` is a list of NAME=value that ends with a null, like environ. KAFKA_CFG_* first, then in the order of
// the variables' names.
std::vector<EnvironmentSetting> settings_from_environment(const char* const* environment);

// A warning if the environment is not enabled but names settings that the broker knows; else empty.
std::string unused_environment_warning(const std::vector<EnvironmentSetting>& settings);

}  // namespace milena::config
