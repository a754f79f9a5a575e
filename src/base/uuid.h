// Kafka's Uuid: 128 bits, shown as 22 characters of unpadded base64url (org.apache.kafka.common.Uuid).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/random.h"

namespace milena {

struct Uuid {
  uint64_t hi = 0;
  uint64_t lo = 0;

  auto operator<=>(const Uuid&) const = default;
  bool is_zero() const { return hi == 0 && lo == 0; }
  std::string to_string() const;

  // Exactly 16 bytes, most significant first. nullopt if the text is not 22 characters of base64url for 16 bytes.
  static std::optional<Uuid> parse(ByteView text);
  // A version-4 UUID that is none of Kafka's reserved ones and whose text does not begin with '-' (Uuid.randomUuid).
  static Uuid random(Random& random);
};

// The topic id of __cluster_metadata, and the reserved directory ids (org.apache.kafka.common.DirectoryId).
inline constexpr Uuid kMetadataTopicId{0, 1};
inline constexpr Uuid kDirectoryUnassigned{0, 1};
inline constexpr Uuid kDirectoryLost{0, 2};
inline constexpr Uuid kDirectoryMigrating{0, 0};

// The 36-character form of RFC 4122, as it is in member ids ("client-550e8400-e29b-...").
std::string random_uuid_text(Random& random);

}  // namespace milena

template <>
struct std::hash<milena::Uuid> {
  size_t operator()(const milena::Uuid& id) const noexcept {
    return static_cast<size_t>(id.hi * 0x9E3779B97F4A7C15ull ^ id.lo);
  }
};
