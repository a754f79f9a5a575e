// Which names a topic may have (Kafka's Topic.validate).
#pragma once

#include <optional>

#include "base/bytes.h"

namespace milena::metadata {

inline constexpr size_t kMaxTopicNameSize = 249;

// Why not; nullopt if it may. The error code is INVALID_TOPIC_EXCEPTION.
std::optional<Bytes> invalid_topic_name(ByteView name);

// Metrics cannot tell '.' from '_', so Kafka refuses a name that differs from an existing one only there.
bool has_collision_chars(ByteView name);
Bytes collision_key(ByteView name);

}  // namespace milena::metadata
