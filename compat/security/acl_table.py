"""The requests that acl_oracle sends under each ACL: one table, a line or more for every API.

Each row is an API, what it asks for, and its body in the names of src/protocol/schema; a body holds the fields of all versions. `made`
are the things of one round (acl_oracle.Made): those that begin with its prefix are covered by the ACL of the round, `other` is
not. Behind authorization, requests fail or change nothing where that is possible: both brokers keep the same state.
"""

import uuid

import batches

NO_PRODUCER = {"ProducerId": 123456, "ProducerEpoch": 0}
TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
BOTH, BROKER_ONLY, CONTROLLER_ONLY = ("broker", "controller"), ("broker",), ("controller",)

# Everybody may ask, and the rows say so at one listener or need none.
ANYONES = {"ApiVersions", "SaslHandshake", "SaslAuthenticate", "PushTelemetry"}
ROWS = []


class Row:
    def __init__(self, api, what, body, versions, where, coarse):
        self.api, self.what, self.body, self.where, self.coarse = api, what, body, where, coarse
        self.first, self.last = versions


def row(api, what, body, versions=(0, 99), where=BROKER_ONLY, coarse=False):
    """`coarse`: only errors of authorization are compared; for what goes on in the background afterwards."""
    ROWS.append(Row(api, what, body, versions, where, coarse))


def topics_of(made):
    return made.other, made.topic, made.unknown


def partitions(made, key="Name", **of_partition):
    """Of the topic that is not covered, of the one that is, and of one that is covered and does not exist."""
    return [{key: name, "Partitions": [{"PartitionIndex": 0, **of_partition}]} for name in topics_of(made)]


def indexes(made, key="Partitions", name="Name"):
    return [{name: topic, key: [0]} for topic in topics_of(made)]


# --- records

def produce(made, transactional_id=None, ids=False):
    batch = batches.batch([batches.record(0)])
    names = [{"TopicId": made.ids[name]} for name in (made.other, made.topic)] if ids else [{"Name": name} for name in topics_of(made)]
    return {"TransactionalId": transactional_id, "Acks": 1, "TimeoutMs": 5000,
            "TopicData": [{**name, "PartitionData": [{"Index": 0, "Records": batch}]} for name in names]}


row("Produce", "", lambda made: produce(made), (3, 12))
row("Produce", "by id", lambda made: produce(made, ids=True), (13, 99))
row("Produce", "of a transactional id", lambda made: produce(made, made.transactional_id), (3, 11))


def fetch(made, replica=-1, ids=False):
    names = [{"TopicId": made.ids[name]} for name in (made.other, made.topic)] if ids else [{"Topic": name} for name in topics_of(made)]
    return {"ReplicaId": replica, "ReplicaState": {"ReplicaId": replica, "ReplicaEpoch": -1}, "MaxWaitMs": 0, "MinBytes": 0,
            "MaxBytes": 1, "SessionEpoch": -1,
            "Topics": [{**name, "Partitions": [{"Partition": 0, "FetchOffset": 10**9, "PartitionMaxBytes": 1}]} for name in names]}


row("Fetch", "", lambda made: fetch(made), (4, 12))
row("Fetch", "by id", lambda made: fetch(made, ids=True), (13, 99))
row("Fetch", "of a follower", lambda made: fetch(made, 7), (4, 12))
row("Fetch", "of a follower, by id", lambda made: fetch(made, 7, ids=True), (13, 99))
row("ListOffsets", "", lambda made: {"ReplicaId": -1, "Topics": partitions(made, Timestamp=-1)}, (1, 99))
row("OffsetForLeaderEpoch", "", lambda made: {"ReplicaId": -1, "Topics": [
    {"Topic": name, "Partitions": [{"Partition": 0, "CurrentLeaderEpoch": -1, "LeaderEpoch": 0}]} for name in topics_of(made)]}, (2, 99))
row("DeleteRecords", "", lambda made: {"Topics": partitions(made, Offset=0), "TimeoutMs": 5000})
row("DescribeProducers", "", lambda made: {"Topics": indexes(made, "PartitionIndexes")})

# --- metadata

OPERATIONS = {"IncludeClusterAuthorizedOperations": True, "IncludeTopicAuthorizedOperations": True}
row("Metadata", "all", lambda made: {"Topics": None, **OPERATIONS}, (1, 99))
row("Metadata", "by name", lambda made: {"Topics": [{"Name": name} for name in topics_of(made)], **OPERATIONS,
                                         "AllowAutoTopicCreation": False}, (4, 99))
row("Metadata", "by id", lambda made: {"Topics": [{"Name": None, "TopicId": made.ids[name]} for name in (made.other, made.topic)],
                                       **OPERATIONS}, (12, 99))
row("Metadata", "to be made", lambda made: {"Topics": [{"Name": name} for name in (made.prefix + "auto", "zz-auto", made.other)],
                                            "AllowAutoTopicCreation": True}, (8, 9), coarse=True)
row("DescribeTopicPartitions", "", lambda made: {"Topics": [{"Name": name} for name in topics_of(made)],
                                                 "ResponsePartitionLimit": 100, "Cursor": None})
row("DescribeTopicPartitions", "all", lambda made: {"Topics": [], "ResponsePartitionLimit": 2000, "Cursor": None})
row("DescribeCluster", "", lambda made: {"IncludeClusterAuthorizedOperations": True})
row("DescribeCluster", "of controllers", lambda made: {"IncludeClusterAuthorizedOperations": True, "EndpointType": 2}, (1, 99),
    CONTROLLER_ONLY)
row("ApiVersions", "", lambda made: {"ClientSoftwareName": "acl", "ClientSoftwareVersion": "1"}, (3, 3), coarse=True)

# --- groups

row("FindCoordinator", "of a group", lambda made: {"Key": made.group, "KeyType": 0, "CoordinatorKeys": [made.group, "zz-g"]})
row("FindCoordinator", "of a transactional id",
    lambda made: {"Key": made.transactional_id, "KeyType": 1, "CoordinatorKeys": [made.transactional_id, "zz-x"]}, (1, 99))
row("FindCoordinator", "of share state",
    lambda made: {"KeyType": 2, "CoordinatorKeys": [f"{made.group}:{made.ids[made.topic]}:0"]}, (6, 99), coarse=True)
row("OffsetCommit", "", lambda made: {"GroupId": made.group, "GenerationIdOrMemberEpoch": -1, "RetentionTimeMs": -1,
                                      "Topics": partitions(made, CommittedOffset=3)}, (2, 9))
row("OffsetCommit", "by id", lambda made: {"GroupId": made.group, "GenerationIdOrMemberEpoch": -1, "Topics": [
    {"TopicId": made.ids[name], "Partitions": [{"PartitionIndex": 0, "CommittedOffset": 3}]} for name in (made.other, made.topic)]},
    (10, 99))


def offset_fetch(made, topics):
    return {"GroupId": made.group, "Topics": topics, "Groups": [
        {"GroupId": name, "MemberId": None, "MemberEpoch": -1, "Topics": topics} for name in ("zz-g", made.group)]}


row("OffsetFetch", "", lambda made: offset_fetch(made, indexes(made, "PartitionIndexes")), (1, 9))
row("OffsetFetch", "by id", lambda made: offset_fetch(made, [{"TopicId": made.ids[name], "PartitionIndexes": [0]}
                                                             for name in (made.other, made.topic)]), (10, 99))
row("OffsetFetch", "all", lambda made: offset_fetch(made, None), (2, 99))
row("OffsetDelete", "", lambda made: {"GroupId": made.group, "Topics": partitions(made)})
row("OffsetDelete", "of another group", lambda made: {"GroupId": "zz-g", "Topics": partitions(made)})
row("JoinGroup", "", lambda made: {"GroupId": made.group, "SessionTimeoutMs": 10000, "RebalanceTimeoutMs": 10000, "MemberId": "nobody",
                                   "ProtocolType": "consumer", "Protocols": [{"Name": "range", "Metadata": b""}]})
row("Heartbeat", "", lambda made: {"GroupId": made.group, "GenerationId": 5, "MemberId": "nobody"})
row("LeaveGroup", "", lambda made: {"GroupId": made.group, "MemberId": "nobody", "Members": [{"MemberId": "nobody"}]})
row("SyncGroup", "", lambda made: {"GroupId": made.group, "GenerationId": 5, "MemberId": "nobody", "ProtocolType": "consumer",
                                   "ProtocolName": "range"})
row("DescribeGroups", "", lambda made: {"Groups": ["zz-g", made.group], "IncludeAuthorizedOperations": True})
row("ListGroups", "", lambda made: {})


def heartbeat(made, names, pattern=None):
    return {"GroupId": made.group, "MemberId": "nobody", "MemberEpoch": 5, "RebalanceTimeoutMs": 10000, "SubscribedTopicNames": names,
            "SubscribedTopicRegex": pattern, "TopicPartitions": []}


row("ConsumerGroupHeartbeat", "", lambda made: heartbeat(made, [made.topic]))
row("ConsumerGroupHeartbeat", "to a topic that is not covered", lambda made: heartbeat(made, [made.topic, made.other]))
row("ConsumerGroupDescribe", "", lambda made: {"GroupIds": ["zz-g", made.group], "IncludeAuthorizedOperations": True})
row("DeleteGroups", "", lambda made: {"GroupsNames": ["zz-g", made.prefix + "no-group"]})

# --- transactions

row("InitProducerId", "idempotent", lambda made: {"TransactionalId": None, "TransactionTimeoutMs": 1})
row("InitProducerId", "transactional", lambda made: {"TransactionalId": made.transactional_id, "TransactionTimeoutMs": -1})
row("AddPartitionsToTxn", "of a producer", lambda made: {
    "V3AndBelowTransactionalId": made.transactional_id, "V3AndBelowProducerId": 123456, "V3AndBelowTopics": indexes(made)}, (0, 3))
row("AddPartitionsToTxn", "of a broker", lambda made: {"Transactions": [
    {"TransactionalId": made.transactional_id, **NO_PRODUCER, "VerifyOnly": False, "Topics": indexes(made)}]}, (4, 99))
row("AddOffsetsToTxn", "", lambda made: {"TransactionalId": made.transactional_id, **NO_PRODUCER, "GroupId": made.group})
row("TxnOffsetCommit", "", lambda made: {"TransactionalId": made.transactional_id, "GroupId": made.group, **NO_PRODUCER,
                                         "GenerationId": 5, "MemberId": "nobody", "Topics": partitions(made, CommittedOffset=1)})
row("EndTxn", "", lambda made: {"TransactionalId": made.transactional_id, **NO_PRODUCER, "Committed": True})
row("WriteTxnMarkers", "", lambda made: {"Markers": [{**NO_PRODUCER, "TransactionResult": True, "CoordinatorEpoch": 0, "Topics": [
    {"Name": made.unknown, "PartitionIndexes": [0]}]}]})
row("DescribeTransactions", "", lambda made: {"TransactionalIds": ["zz-x", made.transactional_id]})
row("ListTransactions", "", lambda made: {"TransactionalIdPattern": None, "DurationFilter": -1})

# --- topics


def create_topics(made, names, validate=True):
    return {"Topics": [{"Name": name, "NumPartitions": 1, "ReplicationFactor": 1} for name in names], "timeoutMs": 10000,
            "validateOnly": validate}


row("CreateTopics", "", lambda made: create_topics(made, ["zz-made", made.prefix + "made"]), (1, 99), BOTH)
row("CreateTopics", "that is there", lambda made: create_topics(made, [made.topic, made.other]), (1, 99))
row("CreateTopics", "twice", lambda made: create_topics(made, ["zz-made", "zz-made", made.prefix + "made", made.prefix + "made"]), (1, 99))
row("CreateTopics", "not only validated", lambda made: create_topics(made, [made.prefix + "made"], False), (7, 7), BOTH)
row("CreatePartitions", "", lambda made: {"Topics": [{"Name": name, "Count": 9} for name in topics_of(made)], "TimeoutMs": 10000,
                                          "ValidateOnly": True}, where=BOTH)
row("DeleteTopics", "by name", lambda made: {"TopicNames": [made.unknown, made.other + "-unknown"], "TimeoutMs": 10000, "Topics": [
    {"Name": name} for name in (made.unknown, made.other + "-unknown")]}, where=BOTH)
row("DeleteTopics", "that is not covered", lambda made: {"TopicNames": [made.precious], "TimeoutMs": 10000, "Topics": [
    {"Name": made.precious}, {"Name": None, "TopicId": made.ids[made.precious]}]}, where=BOTH)
row("DeleteTopics", "by id", lambda made: {"TimeoutMs": 10000, "Topics": [
    {"Name": None, "TopicId": made.ids[made.doomed]}, {"Name": None, "TopicId": made.unknown_id}]}, (6, 6))
row("ElectLeaders", "", lambda made: {"TopicPartitions": indexes(made, name="Topic"), "TimeoutMs": 10000}, where=BOTH)
row("AlterPartitionReassignments", "", lambda made: {"TimeoutMs": 10000, "Topics": [
    {"Name": made.topic, "Partitions": [{"PartitionIndex": 0, "Replicas": [9]}]}]}, where=BOTH)
row("ListPartitionReassignments", "", lambda made: {"TimeoutMs": 10000, "Topics": None}, where=BOTH)

# --- configs

RESOURCES = lambda made: [(TOPIC, made.other, "retention.ms", "7"), (TOPIC, made.topic, "retention.ms", "7"),  # noqa: E731
                          (GROUP, made.group, "consumer.session.timeout.ms", "45000"), (GROUP, "zz-g", "consumer.session.timeout.ms", "45000"),
                          (BROKER, "1", "num.io.threads", "8"), (BROKER, "", "num.io.threads", "8"), (METRICS, "m", "interval.ms", "1000"),
                          (LOGGER, "1", "kafka.server.KafkaApis", "INFO")]
row("DescribeConfigs", "", lambda made: {"Resources": [
    {"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": [key]} for kind, name, key, _ in RESOURCES(made)
    if kind != LOGGER]}, (1, 99), BOTH)
row("DescribeConfigs", "of loggers", lambda made: {"Resources": [{"ResourceType": LOGGER, "ResourceName": "1", "ConfigurationKeys": [
    "kafka.server.KafkaApis"]}]}, (1, 99), BROKER_ONLY, coarse=True)
row("AlterConfigs", "", lambda made: {"ValidateOnly": True, "Resources": [
    {"ResourceType": kind, "ResourceName": name, "Configs": [{"Name": key, "Value": value}]}
    for kind, name, key, value in RESOURCES(made) if kind != LOGGER]}, where=BOTH)
row("IncrementalAlterConfigs", "", lambda made: {"ValidateOnly": True, "Resources": [
    {"ResourceType": kind, "ResourceName": name, "Configs": [{"Name": key, "ConfigOperation": 0, "Value": value}]}
    for kind, name, key, value in RESOURCES(made)]}, where=BOTH)
row("ListConfigResources", "", lambda made: {"ResourceTypes": []}, where=BROKER_ONLY)

# --- the cluster

row("AlterReplicaLogDirs", "", lambda made: {"Dirs": [{"Path": "/nowhere", "Topics": indexes(made)}]})
row("DescribeLogDirs", "", lambda made: {"Topics": [{"Topic": made.unknown, "Partitions": [0]}]}, (1, 99))
row("DescribeQuorum", "", lambda made: {"Topics": [{"TopicName": "__cluster_metadata", "Partitions": [{"PartitionIndex": 0}]}]}, where=BOTH)
row("UpdateFeatures", "", lambda made: {"timeoutMs": 10000, "ValidateOnly": True, "FeatureUpdates": [
    {"Feature": "no.such.feature", "MaxVersionLevel": 1, "UpgradeType": 1}]}, where=BOTH)
row("UnregisterBroker", "", lambda made: {"BrokerId": 99}, where=BOTH)
row("AddRaftVoter", "", lambda made: {"ClusterId": "another", "VoterId": 9, "TimeoutMs": 1000}, where=BOTH)
row("RemoveRaftVoter", "", lambda made: {"ClusterId": "another", "VoterId": 9}, where=BOTH)
row("GetTelemetrySubscriptions", "", lambda made: {}, coarse=True)

# --- between brokers and their controller

METADATA_ID, NOT_REGISTERED = uuid.UUID(int=1), {"BrokerId": 77, "BrokerEpoch": -1}
row("Fetch", "of the metadata", lambda made: {
    "ReplicaId": -1, "ReplicaState": {"ReplicaId": -1, "ReplicaEpoch": -1}, "MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 1, "SessionEpoch": -1,
    "Topics": [{"Topic": "__cluster_metadata", "TopicId": METADATA_ID, "Partitions": [
        {"Partition": 0, "CurrentLeaderEpoch": -1, "LastFetchedEpoch": 0, "FetchOffset": 0, "PartitionMaxBytes": 1}]}]},
    (0, 99), CONTROLLER_ONLY, coarse=True)
row("FetchSnapshot", "", lambda made: {"Topics": [{"Name": "__cluster_metadata", "Partitions": [
    {"Partition": 0, "CurrentLeaderEpoch": -1, "SnapshotId": {"EndOffset": 10**9, "Epoch": 1}}]}]}, where=CONTROLLER_ONLY, coarse=True)
row("AlterPartition", "", lambda made: {**NOT_REGISTERED, "Topics": [{"TopicId": made.ids[name], "Partitions": [
    {"PartitionIndex": 0, "NewIsr": [77], "NewIsrWithEpochs": [{"BrokerId": 77}]}]} for name in (made.other, made.topic)]},
    where=CONTROLLER_ONLY)
row("Envelope", "", lambda made: {"RequestData": b"", "RequestPrincipal": b"", "ClientHostAddress": b"\x7f\0\0\1"}, where=CONTROLLER_ONLY)
row("BrokerRegistration", "", lambda made: {"BrokerId": 77, "ClusterId": "another", "IncarnationId": METADATA_ID}, where=CONTROLLER_ONLY)
row("BrokerHeartbeat", "", lambda made: NOT_REGISTERED, where=CONTROLLER_ONLY)
row("AllocateProducerIds", "", lambda made: NOT_REGISTERED, where=CONTROLLER_ONLY)
row("AssignReplicasToDirs", "", lambda made: {**NOT_REGISTERED, "Directories": [{"Id": METADATA_ID, "Topics": [
    {"TopicId": made.ids[made.topic], "Partitions": [{"PartitionIndex": 0}]}]}]}, where=CONTROLLER_ONLY)

# --- security

NOBODY = {"ResourceType": 2, "ResourceName": "nothing", "ResourcePatternType": 3, "Principal": "User:nobody", "Host": "*", "Operation": 3,
          "PermissionType": 3}
NOBODYS = {"ResourceTypeFilter": 1, "ResourceNameFilter": None, "PatternTypeFilter": 1, "PrincipalFilter": "User:nobody", "HostFilter": None,
           "Operation": 1, "PermissionType": 1}
row("CreateAcls", "", lambda made: {"Creations": [NOBODY, {**NOBODY, "ResourceName": ""}]}, (1, 99), BOTH)
row("DescribeAcls", "", lambda made: NOBODYS, (1, 99), BOTH)
row("DeleteAcls", "", lambda made: {"Filters": [NOBODYS, {**NOBODYS, "ResourceNameFilter": "no"}]}, (1, 99), BOTH)
row("DescribeUserScramCredentials", "", lambda made: {"Users": [{"Name": "nobody"}]}, where=BOTH)
row("AlterUserScramCredentials", "", lambda made: {"Deletions": [{"Name": "nobody", "Mechanism": 1}]}, where=BOTH)
row("DescribeClientQuotas", "", lambda made: {"Components": [], "Strict": False})
row("AlterClientQuotas", "", lambda made: {"ValidateOnly": True, "Entries": [
    {"Entity": [{"EntityType": "user", "EntityName": "nobody"}], "Ops": [{"Key": "producer_byte_rate", "Value": 1.0}]}]}, where=BOTH)
row("SaslHandshake", "", lambda made: {"Mechanism": "PLAIN"})
row("SaslAuthenticate", "", lambda made: {"AuthBytes": b""}, coarse=True)
row("CreateDelegationToken", "", lambda made: {"MaxLifetimeMs": -1}, (1, 99), BOTH)
row("CreateDelegationToken", "for another", lambda made: {"MaxLifetimeMs": -1, "OwnerPrincipalType": "User", "OwnerPrincipalName": "bob"},
    (3, 99), BOTH)
row("RenewDelegationToken", "", lambda made: {"Hmac": b"x"}, (1, 99), BOTH)
row("ExpireDelegationToken", "", lambda made: {"Hmac": b"x"}, (1, 99), BOTH)
row("DescribeDelegationToken", "", lambda made: {"Owners": None}, (1, 99), BOTH)

# The covered topic that may be deleted: last.
row("DeleteTopics", "that is there", lambda made: {"TopicNames": [made.doomed], "TimeoutMs": 10000, "Topics": [{"Name": made.doomed}]}, (5, 6))
row("DeleteGroups", "that is there", lambda made: {"GroupsNames": [made.group]}, (2, 2), coarse=True)
