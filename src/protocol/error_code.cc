#include "protocol/error_code.h"

#include <array>
#include <cstddef>

namespace milena {

namespace {

struct ErrorText {
  std::string_view name;
  std::string_view message;
};

constexpr int kFirstCode = -1;

// In the order of the codes, beginning with kFirstCode.
constexpr std::array<ErrorText, 135> kErrors{{
    {"UNKNOWN_SERVER_ERROR", "Something unexpected went wrong in the server."},
    {"NONE", ""},
    {"OFFSET_OUT_OF_RANGE", "The partition holds no such offset."},
    {"CORRUPT_MESSAGE",
     "The record batch is damaged, has a wrong checksum or size, or lacks a key that the topic needs."},
    {"UNKNOWN_TOPIC_OR_PARTITION", "This server does not host this topic-partition."},
    {"INVALID_FETCH_SIZE", "The requested fetch size is not valid."},
    {"LEADER_NOT_AVAILABLE", "The partition has no leader at the moment."},
    {"NOT_LEADER_OR_FOLLOWER", "This broker is not the leader, or not a replica, of the partition."},
    {"REQUEST_TIMED_OUT", "The request was not finished in the time it allowed."},
    {"BROKER_NOT_AVAILABLE", "The broker is not available."},
    {"REPLICA_NOT_AVAILABLE", "The replica is not available on this broker."},
    {"MESSAGE_TOO_LARGE", "The record batch is larger than the server accepts."},
    {"STALE_CONTROLLER_EPOCH", "The controller has moved to another node."},
    {"OFFSET_METADATA_TOO_LARGE", "The metadata of the offset commit is too long."},
    {"NETWORK_EXCEPTION", "The server disconnected before a response came."},
    {"COORDINATOR_LOAD_IN_PROGRESS", "The coordinator is still loading and cannot serve the request yet."},
    {"COORDINATOR_NOT_AVAILABLE", "The coordinator is not available."},
    {"NOT_COORDINATOR", "This broker is not the coordinator asked for."},
    {"INVALID_TOPIC_EXCEPTION", "The topic name is not valid, or the operation is not allowed on this topic."},
    {"RECORD_LIST_TOO_LARGE", "The record batch is larger than a segment of the log."},
    {"NOT_ENOUGH_REPLICAS", "Fewer replicas are in sync than the topic demands; nothing was written."},
    {"NOT_ENOUGH_REPLICAS_AFTER_APPEND",
     "The records were written, but fewer replicas are in sync than the topic demands."},
    {"INVALID_REQUIRED_ACKS", "The required acks must be -1, 0 or 1."},
    {"ILLEGAL_GENERATION", "The group has another generation than the one given."},
    {"INCONSISTENT_GROUP_PROTOCOL", "The member has no protocol in common with the group."},
    {"INVALID_GROUP_ID", "The group id is not valid."},
    {"UNKNOWN_MEMBER_ID", "The group does not know this member."},
    {"INVALID_SESSION_TIMEOUT", "The session timeout is outside the range that the broker allows."},
    {"REBALANCE_IN_PROGRESS", "The group is rebalancing; the member should join again."},
    {"INVALID_COMMIT_OFFSET_SIZE", "The offset commit is too large to be stored."},
    {"TOPIC_AUTHORIZATION_FAILED", "Not authorized for this topic."},
    {"GROUP_AUTHORIZATION_FAILED", "Not authorized for this group."},
    {"CLUSTER_AUTHORIZATION_FAILED", "Not authorized for the cluster."},
    {"INVALID_TIMESTAMP", "The timestamp of a record is outside the range that is accepted."},
    {"UNSUPPORTED_SASL_MECHANISM", "The broker does not offer this SASL mechanism."},
    {"ILLEGAL_SASL_STATE", "The request does not fit the state of the SASL exchange."},
    {"UNSUPPORTED_VERSION", "This version of the API is not supported."},
    {"TOPIC_ALREADY_EXISTS", "A topic of this name exists already."},
    {"INVALID_PARTITIONS", "The number of partitions is not valid."},
    {"INVALID_REPLICATION_FACTOR", "The replication factor is below 1, or larger than the number of usable brokers."},
    {"INVALID_REPLICA_ASSIGNMENT", "The replica assignment is not valid."},
    {"INVALID_CONFIG", "The configuration is not valid."},
    {"NOT_CONTROLLER", "This node is not the active controller."},
    {"INVALID_REQUEST", "The request is malformed, or contradicts itself or the version it claims."},
    {"UNSUPPORTED_FOR_MESSAGE_FORMAT", "The message format on the broker does not support this request."},
    {"POLICY_VIOLATION", "The request violates a policy of the cluster."},
    {"OUT_OF_ORDER_SEQUENCE_NUMBER", "The sequence number of the batch does not follow the producer's last one."},
    {"DUPLICATE_SEQUENCE_NUMBER", "The batch was written before, longer ago than the broker remembers."},
    {"INVALID_PRODUCER_EPOCH", "The producer's epoch is older than the one on record."},
    {"INVALID_TXN_STATE", "The transaction is not in a state that allows this."},
    {"INVALID_PRODUCER_ID_MAPPING", "The producer id does not belong to this transactional id."},
    {"INVALID_TRANSACTION_TIMEOUT", "The transaction timeout is longer than the broker allows."},
    {"CONCURRENT_TRANSACTIONS", "Another operation on the same transaction is still going on."},
    {"TRANSACTION_COORDINATOR_FENCED", "The coordinator that sent the marker is no longer the current one."},
    {"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "Not authorized for this transactional id."},
    {"SECURITY_DISABLED", "Security features are switched off."},
    {"OPERATION_NOT_ATTEMPTED", "The broker did not try the operation, because another part of the request failed."},
    {"KAFKA_STORAGE_ERROR", "The disk that holds the log failed."},
    {"LOG_DIR_NOT_FOUND", "The log directory given is not one of the broker's."},
    {"SASL_AUTHENTICATION_FAILED", "SASL authentication failed."},
    {"UNKNOWN_PRODUCER_ID", "Nothing is known here of this producer id."},
    {"REASSIGNMENT_IN_PROGRESS", "The partition is being reassigned."},
    {"DELEGATION_TOKEN_AUTH_DISABLED", "Delegation tokens are switched off."},
    {"DELEGATION_TOKEN_NOT_FOUND", "The server has no such delegation token."},
    {"DELEGATION_TOKEN_OWNER_MISMATCH", "The principal is neither owner nor renewer of the delegation token."},
    {"DELEGATION_TOKEN_REQUEST_NOT_ALLOWED",
     "Delegation token requests are not allowed on an unauthenticated connection, or one authenticated by a token."},
    {"DELEGATION_TOKEN_AUTHORIZATION_FAILED", "Not authorized for this delegation token."},
    {"DELEGATION_TOKEN_EXPIRED", "The delegation token has expired."},
    {"INVALID_PRINCIPAL_TYPE", "The type of the principal is not supported."},
    {"NON_EMPTY_GROUP", "The group still has members."},
    {"GROUP_ID_NOT_FOUND", "There is no group of this id."},
    {"FETCH_SESSION_ID_NOT_FOUND", "There is no fetch session of this id."},
    {"INVALID_FETCH_SESSION_EPOCH", "The epoch of the fetch session is not the expected one."},
    {"LISTENER_NOT_FOUND", "The leader has no listener that matches the one the request came in on."},
    {"TOPIC_DELETION_DISABLED", "Deleting topics is switched off."},
    {"FENCED_LEADER_EPOCH", "The leader epoch in the request is older than the broker's."},
    {"UNKNOWN_LEADER_EPOCH", "The leader epoch in the request is newer than the broker's."},
    {"UNSUPPORTED_COMPRESSION_TYPE", "The client's version does not support the compression of the records."},
    {"STALE_BROKER_EPOCH", "The broker has registered again since; its epoch is out of date."},
    {"OFFSET_NOT_AVAILABLE", "The leader's high watermark has not caught up after its election; ask again."},
    {"MEMBER_ID_REQUIRED", "The member must join again with the member id it was given."},
    {"PREFERRED_LEADER_NOT_AVAILABLE", "The preferred leader is not available."},
    {"GROUP_MAX_SIZE_REACHED", "The group has as many members as it may have."},
    {"FENCED_INSTANCE_ID", "Another member has registered with the same group.instance.id."},
    {"ELIGIBLE_LEADERS_NOT_AVAILABLE", "None of the replicas that may lead is available."},
    {"ELECTION_NOT_NEEDED", "The partition needs no leader election."},
    {"NO_REASSIGNMENT_IN_PROGRESS", "The partition is not being reassigned."},
    {"GROUP_SUBSCRIBED_TO_TOPIC", "The group is subscribed to the topic, so its offsets cannot be deleted."},
    {"INVALID_RECORD", "A record of the batch failed the broker's checks."},
    {"UNSTABLE_OFFSET_COMMIT", "An open transaction still has to decide about these offsets."},
    {"THROTTLING_QUOTA_EXCEEDED", "The quota for this kind of request is used up."},
    {"PRODUCER_FENCED", "A newer producer with the same transactional id has taken over."},
    {"RESOURCE_NOT_FOUND", "The resource does not exist."},
    {"DUPLICATE_RESOURCE", "The resource exists already."},
    {"UNACCEPTABLE_CREDENTIAL", "The credential does not meet the requirements."},
    {"INCONSISTENT_VOTER_SET", "The voters of sender and receiver are not the same."},
    {"INVALID_UPDATE_VERSION", "The update version given is not valid."},
    {"FEATURE_UPDATE_FAILED", "The features could not be updated."},
    {"PRINCIPAL_DESERIALIZATION_FAILURE", "The forwarded principal could not be read."},
    {"SNAPSHOT_NOT_FOUND", "There is no such snapshot."},
    {"POSITION_OUT_OF_RANGE", "The position lies outside the snapshot."},
    {"UNKNOWN_TOPIC_ID", "This server does not host a topic of this id."},
    {"DUPLICATE_BROKER_REGISTRATION", "This broker id is in use already."},
    {"BROKER_ID_NOT_REGISTERED", "This broker id is not registered."},
    {"INCONSISTENT_TOPIC_ID", "The log's topic id is not the one in the request."},
    {"INCONSISTENT_CLUSTER_ID", "The cluster id in the request is not this cluster's."},
    {"TRANSACTIONAL_ID_NOT_FOUND", "There is no such transactional id."},
    {"FETCH_SESSION_TOPIC_ID_ERROR", "The fetch session and the request disagree on the use of topic ids."},
    {"INELIGIBLE_REPLICA", "A replica of the new ISR is not eligible to be in it."},
    {"NEW_LEADER_ELECTED", "The change led to the election of another leader."},
    {"OFFSET_MOVED_TO_TIERED_STORAGE", "The offset is now in tiered storage."},
    {"FENCED_MEMBER_EPOCH", "The member's epoch is fenced; it must give up its partitions and join again."},
    {"UNRELEASED_INSTANCE_ID", "Another member still uses this instance id."},
    {"UNSUPPORTED_ASSIGNOR", "The group does not support this assignor."},
    {"STALE_MEMBER_EPOCH", "The member's epoch is out of date; it must get the new one and retry."},
    {"MISMATCHED_ENDPOINT_TYPE", "The request was sent to an endpoint of the wrong kind."},
    {"UNSUPPORTED_ENDPOINT_TYPE", "This kind of endpoint is not supported."},
    {"UNKNOWN_CONTROLLER_ID", "There is no controller of this id."},
    {"UNKNOWN_SUBSCRIPTION_ID", "The telemetry subscription of the client is out of date."},
    {"TELEMETRY_TOO_LARGE", "The telemetry is larger than the broker accepts."},
    {"INVALID_REGISTRATION", "The registration of the broker is not valid."},
    {"TRANSACTION_ABORTABLE", "The operation failed; the transaction must be aborted."},
    {"INVALID_RECORD_STATE", "The record is not in a state that allows this acknowledgement."},
    {"SHARE_SESSION_NOT_FOUND", "There is no such share session."},
    {"INVALID_SHARE_SESSION_EPOCH", "The epoch of the share session is not the expected one."},
    {"FENCED_STATE_EPOCH", "The state epoch of the share coordinator is out of date."},
    {"INVALID_VOTER_KEY", "The voter key does not match the receiving replica's."},
    {"DUPLICATE_VOTER", "The voter is in the set already."},
    {"VOTER_NOT_FOUND", "The voter is not in the set."},
    {"INVALID_REGULAR_EXPRESSION", "The regular expression is not valid."},
    {"REBOOTSTRAP_REQUIRED", "The client must bootstrap its metadata again."},
    {"STREAMS_INVALID_TOPOLOGY", "The topology is not valid."},
    {"STREAMS_INVALID_TOPOLOGY_EPOCH", "The epoch of the topology is not valid."},
    {"STREAMS_TOPOLOGY_FENCED", "The epoch of the topology is out of date."},
    {"SHARE_SESSION_LIMIT_REACHED", "The broker has as many share sessions as it may have."},
}};

constexpr ErrorText kUnlisted{"UNKNOWN_ERROR_CODE", "An error that this version does not know."};

const ErrorText& text_of(ErrorCode code) {
  const int index = static_cast<int>(code) - kFirstCode;
  return index >= 0 && index < static_cast<int>(kErrors.size()) ? kErrors[static_cast<size_t>(index)] : kUnlisted;
}

}  // namespace

static_assert(static_cast<int>(ErrorCode::kShareSessionLimitReached) - kFirstCode + 1 ==
              static_cast<int>(kErrors.size()));

std::string_view error_name(ErrorCode code) { return text_of(code).name; }
std::string_view error_message(ErrorCode code) { return text_of(code).message; }

}  // namespace milena
