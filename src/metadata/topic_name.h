// Valid topic names (Kafka's Topic.validate).
#pragma once

#include <optional>

#include "base/bytes.h"

namespace milena::metadata {

inline constexpr size_t kMaxTopicNameSize = 249;

// Why a name is invalid; nullopt if it is valid. The error code is INVALID_TOPIC_EXCEPTION.
std::optional<Bytes> invalid_topic_name(ByteView name);

// Metrics do not distinguish '.' and '_', so Kafka refuses a name that differs from an existing one only there.
bool has_collision_chars(ByteView name);
Bytes collision_key(ByteView name);

}  // namespace milena::metadata
