// ConsumerMember: one member of a consumer group (KIP-848), a value. It consists of two records of the log, the
// member's metadata (ConsumerGroupMemberMetadata) and its assignment (ConsumerGroupCurrentMemberAssignment), and
// changes only with them.
//
// A member with the classic protocol has `classic`; its generation is its member epoch (Kafka's ConsumerGroupMember).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "coordinator/assignor/assignment.h"
#include "coordinator/group/classic_group.h"

namespace milena::coordinator {

// The numbers are those of the record.
enum class MemberState : int8_t { kStable = 0, kUnrevokedPartitions = 1, kUnreleasedPartitions = 2, kUnknown = 127 };

// Special epochs, in requests and in records.
inline constexpr int32_t kJoinEpoch = 0;
inline constexpr int32_t kLeaveEpoch = -1;
// A static member that will come back.
inline constexpr int32_t kStaticLeaveEpoch = -2;

using TopicNames = std::set<Bytes, std::less<>>;

struct ClassicMemberMetadata {
  int32_t session_timeout_ms = 0;
  MemberProtocols protocols;  // in order of preference; never empty
  bool operator==(const ClassicMemberMetadata&) const = default;
};

struct ConsumerMember {
  Bytes id;
  int32_t epoch = 0;
  int32_t previous_epoch = -1;
  MemberState state = MemberState::kStable;
  std::optional<Bytes> instance_id;
  std::optional<Bytes> rack_id;
  int32_t rebalance_timeout_ms = -1;
  Bytes client_id;
  Bytes client_host;
  TopicNames topics;
  // A subscription by pattern, alone or besides names; empty and null are the same for the group, but not in the
  // record.
  std::optional<Bytes> regex = Bytes();
  std::optional<Bytes> assignor;
  EpochAssignment assigned;
  EpochAssignment pending_revocation;
  std::optional<ClassicMemberMetadata> classic;

  bool operator==(const ConsumerMember&) const = default;

  bool is_static_of(const std::optional<ByteView>& instance) const {
    return instance && instance_id && *instance_id == *instance;
  }
  bool uses_classic_protocol() const { return classic.has_value(); }
  // The subscribed pattern; empty if none.
  ByteView pattern() const { return regex ? ByteView(*regex) : ByteView(); }
  bool is_reconciled_to(int32_t target_epoch) const { return state == MemberState::kStable && epoch == target_epoch; }
  void move_to_epoch(int32_t next_epoch) {
    previous_epoch = epoch;
    epoch = next_epoch;
  }
};

}  // namespace milena::coordinator
