// Inputs and outputs of GroupShard: plain values, no behaviour. The generated request and response structures are used
// as they are, without translation.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "coordinator/answer_room.h"
#include "protocol/error_code.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_delete.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/sync_group.h"
#include "protocol/messages/txn_offset_commit.h"

namespace milena::security {
struct Principal;
}  // namespace milena::security

namespace milena::coordinator {

// The moment of an input. Deadlines are steady, so that a jump of the wall clock removes no member; records have wall
// time.
struct Now {
  int64_t steady_ms = 0;
  int64_t wall_ms = 0;
};

// The runtime's token for a request that waits for its response. Opaque to the shard.
using AnswerToken = uint64_t;

// The client that sent the request. The views live at least as long as the call.
struct Caller {
  AnswerToken token = 0;
  int16_t api_version = 0;
  ByteView client_id;
  // In Kafka's form: a slash and the address, "/127.0.0.1".
  ByteView client_host;
  // The connection of the request; 0 if unknown.
  uint64_t connection_id = 0;
  // The room left in the response (answer_room.h); null: no limit.
  AnswerRoom* room = nullptr;
  // The client's principal (for TopicFilter); null: none.
  const security::Principal* principal = nullptr;
};
// Whether the response's room is used up: the rest of the request is refused.
inline bool is_answer_full(const Caller& caller) { return caller.room != nullptr && caller.room->is_full(); }
// Counts `bytes` of the response, about this group or transaction.
inline void fill_answer(const Caller& caller, ByteView name, size_t bytes) {
  if (caller.room != nullptr) caller.room->take(bytes, caller.client_host, name);
}

// The connection of a member's last request, and when the member is removed because its client closed it.
struct MemberConnection {
  uint64_t id = 0;
  std::optional<int64_t> gone_deadline_ms;
  // The interval of the member's heartbeats: as configured, or as measured. 0 if not known yet.
  int32_t heartbeat_gap_ms = 0;
  // Time of its last heartbeat, if it uses the classic protocol.
  std::optional<int64_t> heartbeat_ms = std::nullopt;
};

using OffsetFetchGroup = OffsetFetchRequest::OffsetFetchRequestGroup;
using OffsetFetchGroupResponse = OffsetFetchResponse::OffsetFetchResponseGroup;

using GroupResponse = std::variant<JoinGroupResponse, SyncGroupResponse, HeartbeatResponse, LeaveGroupResponse,
                                   DescribeGroupsResponse, ListGroupsResponse, DeleteGroupsResponse,
                                   OffsetCommitResponse, OffsetFetchGroupResponse, OffsetDeleteResponse,
                                   TxnOffsetCommitResponse, ConsumerGroupHeartbeatResponse,
                                   ConsumerGroupDescribeResponse>;

struct Answer {
  AnswerToken token = 0;
  GroupResponse response;
};

// One record of __consumer_offsets; a null value is a tombstone.
struct CoordinatorRecord {
  Bytes key;
  std::optional<Bytes> value;
  bool operator==(const CoordinatorRecord&) const = default;
};

// Effects of an input, for the runtime to carry out in this order: append the records as one batch, apply each of them,
// send the answers when the high watermark covers them. If the append fails: GroupShard::append_failed.
struct Effects {
  std::vector<CoordinatorRecord> records;
  std::vector<Answer> answers;
  // The records belong to a producer's transaction. The guard is for the runtime (KIP-890).
  struct Transaction {
    int64_t producer_id = -1;
    int16_t producer_epoch = -1;
    uint64_t guard = 0;
  };
  std::optional<Transaction> transaction;
};

// A setting of consumer groups that a group may override, within bounds (group.consumer.*.ms and the group's
// consumer.*.ms).
struct GroupSetting {
  int32_t value = 0;
  int32_t least = 0;
  int32_t greatest = INT32_MAX;
};

// Whether classic and consumer groups may become each other while they have members (group.consumer.migration.policy).
struct MigrationPolicy {
  bool upgrade = true;
  bool downgrade = true;
};

struct ConsumerGroupConfig {
  GroupSetting session_timeout_ms{45'000, 45'000, 60'000};
  GroupSetting heartbeat_interval_ms{5'000, 5'000, 15'000};
  GroupSetting assignment_interval_ms{1'000, 0, 15'000};
  int32_t max_size = INT32_MAX;                          // group.consumer.max.size
  std::vector<Bytes> assignors = {"uniform", "range"};   // group.consumer.assignors; the first is the default
  MigrationPolicy migration;
  int32_t regex_refresh_interval_ms = 600'000;           // group.consumer.regex.refresh.interval.ms
};

// The server's settings of groups, with Kafka's defaults except for the rebalance delay (Kafka: 3000), so that the
// first member of a test does not wait.
struct GroupConfig {
  int32_t min_session_timeout_ms = 6'000;               // group.min.session.timeout.ms
  int32_t max_session_timeout_ms = 1'800'000;           // group.max.session.timeout.ms
  int32_t initial_rebalance_delay_ms = 0;               // group.initial.rebalance.delay.ms
  // Without that delay: the first rebalance of an empty group is completed after so long without another join.
  int32_t join_silence_ms = 0;                          // milena.group.join.silence.ms
  int32_t max_size = INT32_MAX;                         // group.max.size
  // How late the next heartbeat of a dynamic member may be after its client closed the connection; 0: its session
  // timeout.
  int32_t disconnect_grace_ms = 3'000;                  // milena.group.disconnect.grace.ms
  // Members of consumer groups learn of changes when they would with Kafka, and no sooner (milena.strict.kafka).
  bool strict_kafka = false;
  int32_t new_member_join_timeout_ms = 300'000;         // not a setting in Kafka either
  int32_t offset_metadata_max_bytes = 4'096;            // offset.metadata.max.bytes
  int64_t offsets_retention_ms = 10'080 * 60'000LL;     // offsets.retention.minutes
  int64_t offsets_retention_check_ms = 600'000;         // offsets.retention.check.interval.ms
  ConsumerGroupConfig consumer;
};

// An error with its message.
struct Refusal {
  ErrorCode error = ErrorCode::kNone;
  Bytes message;
};
// Nothing: go on.
using MaybeRefusal = std::optional<Refusal>;

// Creates the random part of a member id: random_uuid_text in the broker, a counter in a simulator.
using IdSource = std::function<Bytes()>;

// A deleted topic, with all its committed offsets.
struct DeletedTopic {
  Bytes name;
  Uuid id;
};

}  // namespace milena::coordinator
