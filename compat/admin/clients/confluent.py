"""confluent-kafka (librdkafka): every call of its AdminClient."""

import sys
import time

from confluent_kafka import (ConsumerGroupState, ConsumerGroupTopicPartitions, ElectionType, IsolationLevel, KafkaException, Producer,
                             TopicCollection, TopicPartition)
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, AlterConfigOpType, ConfigEntry,
                                   ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourcePatternType, ResourceType, ScramCredentialInfo,
                                   ScramMechanism, UserScramCredentialDeletion, UserScramCredentialUpsertion)

from telling import tell, until

address = sys.argv[1]
admin = AdminClient({"bootstrap.servers": address, "socket.timeout.ms": 8000, "log_level": 0})
TOPIC, GROUP = "t", "g"


def each(futures):
    """What came of each future, by its key."""
    made = {}
    for key, future in futures.items():
        try:
            made[str(key)] = future.result(15)
        except KafkaException as error:
            made[str(key)] = f"{error.args[0].name()}: {error.args[0].str()}"
    return made


def one(future):
    try:
        return future.result(15)
    except KafkaException as error:
        return f"{error.args[0].name()}: {error.args[0].str()}"


def configs(futures):
    return {key: {name: [entry.value, entry.source, entry.is_read_only, entry.is_default, entry.is_sensitive] for name, entry in found.items()}
            if isinstance(found, dict) else found for key, found in each(futures).items()}


tell("create_topics", lambda: each(admin.create_topics([NewTopic(TOPIC, 2, 1, config={"retention.ms": "3600000"}), NewTopic("a/b", 1, 1)])))
tell("create_topics: there", lambda: each(admin.create_topics([NewTopic(TOPIC, 2, 1)])))
tell("create_topics: validate_only", lambda: each(admin.create_topics([NewTopic("v", 2, 1), NewTopic("f", 1, 3)], validate_only=True)))
tell("create_topics: a bad config", lambda: each(admin.create_topics([NewTopic("c", 1, 1, config={"no.such": "1"})])))
tell("cluster_id", lambda: [len(admin.cluster_id(10))])
tell("list_topics", lambda: {name: sorted(topic.partitions) for name, topic in admin.list_topics(timeout=10).topics.items()})
tell("describe_topics", lambda: each(admin.describe_topics(TopicCollection([TOPIC, "nowhere"]), include_authorized_operations=True)))
tell("create_partitions", lambda: each(admin.create_partitions([NewPartitions(TOPIC, 3), NewPartitions("nowhere", 3)])))
tell("create_partitions: fewer", lambda: each(admin.create_partitions([NewPartitions(TOPIC, 1)])))
until(lambda: len(admin.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions) == 3, "three partitions")

base_ms = (int(time.time()) - 1800) * 1000
producer = Producer({"bootstrap.servers": address, "linger.ms": 0})
for number in range(10):
    producer.produce(TOPIC, b"value", b"key", number % 2, timestamp=base_ms + number)
    producer.flush(15)

tell("describe_cluster", lambda: one(admin.describe_cluster(include_authorized_operations=True)))
topic_resource = ConfigResource(ConfigResource.Type.TOPIC, TOPIC)
broker_resource = ConfigResource(ConfigResource.Type.BROKER, "1")
tell("describe_configs", lambda: configs(admin.describe_configs([topic_resource])))
tell("describe_configs: broker", lambda: configs(admin.describe_configs([broker_resource])))
tell("describe_configs: nowhere", lambda: configs(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, "nowhere")])))
tell("describe_configs: group", lambda: configs(admin.describe_configs([ConfigResource(ConfigResource.Type.GROUP, GROUP)])))
tell("alter_configs", lambda: each(admin.alter_configs([ConfigResource(ConfigResource.Type.TOPIC, TOPIC, set_config={"segment.ms": "100000"})])))
tell("alter_configs: wrong", lambda: each(admin.alter_configs([ConfigResource(ConfigResource.Type.TOPIC, TOPIC, set_config={"segment.ms": "x"})])))
for operation, key, value in ((AlterConfigOpType.SET, "retention.ms", "7200000"), (AlterConfigOpType.APPEND, "cleanup.policy", "compact"),
                              (AlterConfigOpType.SUBTRACT, "cleanup.policy", "compact"), (AlterConfigOpType.DELETE, "segment.ms", None),
                              (AlterConfigOpType.SET, "no.such", "1"), (AlterConfigOpType.APPEND, "retention.ms", "1")):
    entry = ConfigEntry(key, value, incremental_operation=operation)
    tell(f"incremental_alter_configs: {operation.name} {key}", lambda: each(admin.incremental_alter_configs(
        [ConfigResource(ConfigResource.Type.TOPIC, TOPIC, incremental_configs=[entry])])))
until(lambda: next(iter(configs(admin.describe_configs([topic_resource])).values()))["segment.ms"][0] == "604800000", "the broker has the alterations")
tell("describe_configs again", lambda: configs(admin.describe_configs([topic_resource])))
tell("list_offsets", lambda: each(admin.list_offsets({TopicPartition(TOPIC, 0): OffsetSpec.latest(), TopicPartition(TOPIC, 1): OffsetSpec.earliest(),
                                                     TopicPartition(TOPIC, 2): OffsetSpec.max_timestamp()},
                                                    isolation_level=IsolationLevel.READ_COMMITTED)))
tell("list_offsets: time", lambda: each(admin.list_offsets({TopicPartition(TOPIC, 0): OffsetSpec.for_timestamp(base_ms + 3)})))
tell("list_offsets: partition 9", lambda: each(admin.list_offsets({TopicPartition(TOPIC, 9): OffsetSpec.latest()}, request_timeout=5)))
tell("alter_consumer_group_offsets", lambda: each(admin.alter_consumer_group_offsets([
    ConsumerGroupTopicPartitions(GROUP, [TopicPartition(TOPIC, 0, 2), TopicPartition(TOPIC, 1, 1)])])))
tell("alter_consumer_group_offsets: nowhere", lambda: each(admin.alter_consumer_group_offsets([
    ConsumerGroupTopicPartitions(GROUP, [TopicPartition("nowhere", 0, 2)])])))
tell("list_consumer_group_offsets", lambda: each(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(GROUP)])))
tell("list_consumer_groups", lambda: one(admin.list_consumer_groups()))
tell("list_consumer_groups: states", lambda: one(admin.list_consumer_groups(states={ConsumerGroupState.STABLE})))
tell("list_groups", lambda: [[group.id, group.state, group.protocol_type] for group in admin.list_groups(timeout=10)])
tell("describe_consumer_groups", lambda: each(admin.describe_consumer_groups([GROUP], include_authorized_operations=True)))
tell("describe_consumer_groups: nobody", lambda: each(admin.describe_consumer_groups(["nobody"])))
tell("delete_consumer_groups", lambda: each(admin.delete_consumer_groups([GROUP, "nobody"])))
tell("delete_records", lambda: each(admin.delete_records([TopicPartition(TOPIC, 0, 3), TopicPartition(TOPIC, 1, -1)])))
tell("delete_records: beyond", lambda: each(admin.delete_records([TopicPartition(TOPIC, 0, 300)])))
tell("elect_leaders", lambda: one(admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(TOPIC, 0), TopicPartition("nowhere", 0)])))
tell("elect_leaders: all", lambda: one(admin.elect_leaders(ElectionType.UNCLEAN)))
binding = AclBinding(ResourceType.TOPIC, TOPIC, ResourcePatternType.LITERAL, "User:bob", "*", AclOperation.READ, AclPermissionType.ALLOW)
anything = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
tell("create_acls", lambda: each(admin.create_acls([binding])))
tell("describe_acls", lambda: one(admin.describe_acls(anything)))
tell("delete_acls", lambda: each(admin.delete_acls([anything])))
tell("alter_user_scram_credentials", lambda: each(admin.alter_user_scram_credentials([
    UserScramCredentialUpsertion("bob", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), b"secret", b"salt")])))
until(lambda: one(admin.describe_user_scram_credentials()), "the broker has the credential")
tell("describe_user_scram_credentials", lambda: one(admin.describe_user_scram_credentials()))
tell("describe_user_scram_credentials: some", lambda: each(admin.describe_user_scram_credentials(["bob", "nobody"])))
tell("alter_user_scram_credentials: wrong", lambda: each(admin.alter_user_scram_credentials([
    UserScramCredentialUpsertion("bob", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 10), b"secret", b"salt"),
    UserScramCredentialDeletion("nobody", ScramMechanism.SCRAM_SHA_256)])))
tell("alter_user_scram_credentials: deletion", lambda: each(admin.alter_user_scram_credentials([
    UserScramCredentialDeletion("bob", ScramMechanism.SCRAM_SHA_256)])))
tell("delete_topics", lambda: each(admin.delete_topics([TOPIC, "nowhere"])))
