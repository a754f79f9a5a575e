"""kafka-python: every call of its KafkaAdminClient."""

import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import (ACL, ACLFilter, ACLOperation, ACLPermissionType, ConfigResource, ConfigResourceType, NewPartitions, NewTopic,
                         ResourcePattern, ResourcePatternFilter, ResourceType, ACLResourcePatternType)
from kafka import admin as package
from kafka.structs import OffsetAndMetadata

from telling import tell, until

address = sys.argv[1]
admin = KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=8000)
TOPIC, GROUP = "t", "g"
P0, P1 = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
NOWHERE = TopicPartition("nowhere", 0)

tell("create_topics", lambda: admin.create_topics([
    NewTopic(name=TOPIC, num_partitions=2, replication_factor=1, topic_configs={"retention.ms": "3600000"})]))
tell("create_topics: there", lambda: admin.create_topics([NewTopic(name=TOPIC, num_partitions=2, replication_factor=1)]))
tell("create_topics: a bad name", lambda: admin.create_topics([NewTopic(name="a/b", num_partitions=2, replication_factor=1)]))
tell("create_topics: validate_only", lambda: admin.create_topics([NewTopic(name="v", num_partitions=2, replication_factor=1)], validate_only=True))
tell("create_topics: a bad config", lambda: admin.create_topics([
    NewTopic(name="c", num_partitions=1, replication_factor=1, topic_configs={"no.such": "1"})]))
tell("wait_for_topics", lambda: admin.wait_for_topics([TOPIC]))
tell("list_topics", lambda: sorted(admin.list_topics()))
tell("describe_topics", lambda: admin.describe_topics([TOPIC]))
tell("describe_topics: nowhere", lambda: admin.describe_topics(["nowhere"]))
tell("describe_topic_partitions", lambda: admin.describe_topic_partitions([TOPIC]))
tell("create_partitions", lambda: admin.create_partitions({TOPIC: NewPartitions(total_count=3)}))
tell("create_partitions: fewer", lambda: admin.create_partitions({TOPIC: NewPartitions(total_count=1)}))
tell("create_partitions: nowhere", lambda: admin.create_partitions({"nowhere": NewPartitions(total_count=1)}))
until(lambda: len(admin.describe_topics([TOPIC])[0]["partitions"]) == 3, "three partitions")

producer = KafkaProducer(bootstrap_servers=address)
base_ms = (int(time.time()) - 1800) * 1000
for number in range(10):
    producer.send(TOPIC, value=b"value", key=b"key", partition=number % 2, timestamp_ms=base_ms + number).get(30)
producer.close()
consumer = KafkaConsumer(bootstrap_servers=address, group_id=GROUP, enable_auto_commit=False)
consumer.assign([P0, P1])
consumer.commit({P0: OffsetAndMetadata(2, "note", -1), P1: OffsetAndMetadata(1, "", -1)})
consumer.close()

tell("describe_cluster", admin.describe_cluster)
tell("api_versions", lambda: {f"{key:02}": newest for key, (_, newest) in admin.api_versions().items()})
tell("get_broker_version_data", lambda: {f"{key:02}": newest for key, (_, newest) in admin.get_broker_version_data(1).api_versions.items()})
tell("describe_features", admin.describe_features)
tell("describe_metadata_quorum", admin.describe_metadata_quorum)
tell("describe_configs", lambda: admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)]))
tell("describe_configs: nowhere", lambda: admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "nowhere")]))
tell("describe_configs: broker", lambda: admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")]))
tell("describe_configs: all of a topic", lambda: admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)], config_filter="all",
                                                                      include_synonyms=True))
tell("alter_configs", lambda: admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"segment.ms": "100000"})]))
tell("alter_configs: whole", lambda: admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"segment.ms": "200000"})],
                                                       incremental=False))
tell("alter_configs: wrong", lambda: admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"segment.ms": "x"})]))
tell("alter_configs: broker", lambda: admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", {"log.retention.ms": "7200000"})]))
tell("reset_configs", lambda: admin.reset_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, ["segment.ms"])]))
until(lambda: "7200000" in str(admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")]))
      and "200000" not in str(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)])), "the broker has the alterations")
tell("describe_configs again", lambda: admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC),
                                                              ConfigResource(ConfigResourceType.BROKER, "1")]))
tell("list_config_resources", admin.list_config_resources)
tell("describe_log_dirs", admin.describe_log_dirs)
tell("alter_replica_log_dirs", lambda: admin.alter_replica_log_dirs({(TOPIC, 0, 1): "/no/such/place"}))
tell("list_partition_offsets", lambda: admin.list_partition_offsets({P0: package.OffsetSpec.LATEST, P1: package.OffsetSpec.EARLIEST}))
tell("list_partition_offsets: largest time", lambda: admin.list_partition_offsets({P0: package.OffsetSpec.MAX_TIMESTAMP}))
tell("list_groups", admin.list_groups)
tell("list_groups: filters", lambda: admin.list_groups(states_filter=["Stable"], types_filter=["classic"]))
tell("describe_groups", lambda: admin.describe_groups([GROUP], include_authorized_operations=True))
tell("describe_groups: nobody", lambda: admin.describe_groups(["nobody"]))
tell("list_group_offsets", lambda: admin.list_group_offsets(GROUP))
tell("alter_group_offsets", lambda: admin.alter_group_offsets(GROUP, {P0: OffsetAndMetadata(4, "", -1)}))
tell("reset_group_offsets", lambda: admin.reset_group_offsets(GROUP, {P0: package.OffsetSpec.EARLIEST}))
tell("list_group_offsets again", lambda: admin.list_group_offsets(GROUP))
tell("delete_group_offsets", lambda: admin.delete_group_offsets(GROUP, [P1]))
tell("delete_group_offsets: nowhere", lambda: admin.delete_group_offsets(GROUP, [NOWHERE]))
tell("remove_group_members", lambda: admin.remove_group_members(GROUP, [package.MemberToRemove("m")]))
tell("delete_groups", lambda: admin.delete_groups([GROUP, "nobody"]))
tell("delete_records", lambda: admin.delete_records({P0: 3, P1: -1}))
tell("delete_records: beyond", lambda: admin.delete_records({P0: 300}))
tell("delete_records: nowhere", lambda: admin.delete_records({NOWHERE: 3}))
tell("elect_leaders", lambda: admin.elect_leaders(0, {TOPIC: [0, 1]}, raise_errors=False))
tell("elect_leaders: all", lambda: admin.elect_leaders(0))
tell("elect_leaders: nowhere", lambda: admin.elect_leaders(1, {"nowhere": [0]}, raise_errors=False))
tell("alter_partition_reassignments", lambda: admin.alter_partition_reassignments({P0: [1]}))
tell("alter_partition_reassignments: unknown broker", lambda: admin.alter_partition_reassignments({P0: [9]}))
tell("alter_partition_reassignments: cancelled", lambda: admin.alter_partition_reassignments({P0: None}))
tell("list_partition_reassignments", admin.list_partition_reassignments)
tell("list_transactions", admin.list_transactions)
tell("describe_transactions", lambda: admin.describe_transactions(["nobody"]))
tell("describe_producers", lambda: admin.describe_producers([P0]))
tell("abort_transaction", lambda: admin.abort_transaction(package.AbortTransactionSpec(P0, 5, 0)))
tell("find_hanging_transactions", admin.find_hanging_transactions)
anything = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY,
                     ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY))
tell("describe_acls", lambda: admin.describe_acls(anything))
tell("create_acls", lambda: admin.create_acls([ACL("User:bob", "*", ACLOperation.READ, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, TOPIC))]))
tell("delete_acls", lambda: admin.delete_acls([anything]))
tell("alter_user_scram_credentials", lambda: admin.alter_user_scram_credentials([
    package.UserScramCredentialUpsertion("bob", package.ScramMechanism.SCRAM_SHA_256, b"secret", iterations=4096)]))
until(admin.describe_user_scram_credentials, "the broker has the credential")
tell("describe_user_scram_credentials", admin.describe_user_scram_credentials)
tell("describe_user_scram_credentials: nobody", lambda: admin.describe_user_scram_credentials(["nobody"]))
tell("alter_user_scram_credentials: deletion", lambda: admin.alter_user_scram_credentials([
    package.UserScramCredentialDeletion("bob", package.ScramMechanism.SCRAM_SHA_256)]))
tell("update_features", lambda: admin.update_features({"group.version": (package.UpdateFeatureType.UPGRADE, 1)}, validate_only=True))
tell("update_features: unknown", lambda: admin.update_features({"no.such": (package.UpdateFeatureType.UPGRADE, 1)}))
tell("delete_topics", lambda: admin.delete_topics([TOPIC]))
tell("delete_topics: nowhere", lambda: admin.delete_topics(["nowhere"]))
admin.close()
