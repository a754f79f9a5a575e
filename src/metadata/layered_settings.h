// The settings of a broker that topics and groups inherit, in Kafka's layers: for this broker and for all brokers, both
// from the metadata, then the settings file. Source: Kafka's DynamicBrokerConfig, ConfigHelper.
#pragma once

#include <cstdint>

#include "config/settings.h"
#include "config/topic_config.h"
#include "metadata/image.h"

namespace milena::metadata {

// The two dynamic layers from the image, the static one from the settings of the start (null: nothing was set).
config::BrokerSettings layered_broker_settings(const MetadataImage& image, int32_t broker_id,
                                               const config::Settings* start);

}  // namespace milena::metadata
