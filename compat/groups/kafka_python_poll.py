"""Shows why member_kafka_python.py polls for long: ADDRESS POLL_MS. No part of the suite; says `stuck` or `goes on`.

kafka-python 3.0.12: a leader joins again because its topic has grown. If the time of its poll() is over between the answer
to JoinGroup and the answer to SyncGroup, the next poll() does not come back for the latter: the leader's
_perform_assignment has made _assignment_snapshot equal to _metadata_snapshot, so need_rejoin() says no, and join_group_async,
which would take the assignment and enable the heartbeat that it had disabled, is not entered again. The broker hears no more
of the member until its session expires. Here an assignor that takes half a second widens the moment.
"""

import logging
import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import NewPartitions, NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor

ASSIGNING_S = 0.5
SESSION_S = 6


class Slow(RangePartitionAssignor):
    takes_s = 0

    @classmethod
    def assign(cls, cluster, members):
        time.sleep(cls.takes_s)
        return super().assign(cluster, members)


def poll_until(condition, deadline_s):
    end = time.monotonic() + deadline_s
    while not condition() and time.monotonic() < end:
        consumer.poll(timeout_ms=poll_ms)
    return condition()


address, poll_ms = sys.argv[1], int(sys.argv[2])
topic = group = f"grows-{time.time_ns()}"
logging.getLogger("kafka").setLevel(logging.CRITICAL)
admin = KafkaAdminClient(bootstrap_servers=address)
admin.create_topics([NewTopic(topic, 2, 1)])
consumer = KafkaConsumer(topic, bootstrap_servers=address, group_id=group, enable_auto_commit=False, metadata_max_age_ms=500,
                         session_timeout_ms=SESSION_S * 1000, heartbeat_interval_ms=500, partition_assignment_strategy=[Slow])
if not poll_until(lambda: len(consumer.assignment()) == 2, 30):
    sys.exit("the group did not form")
Slow.takes_s = ASSIGNING_S
admin.create_partitions({topic: NewPartitions(4)})
goes_on = poll_until(lambda: len(consumer.assignment()) == 4, 2 * SESSION_S)
inside = consumer._coordinator
print(f"{'goes on' if goes_on else 'stuck'}: {len(consumer.assignment())} of 4 partitions, heartbeat "
      f"{'enabled' if inside._heartbeat_enabled else 'disabled'}, state {inside.state}, need_rejoin {inside.need_rejoin()}; "
      f"the broker says {admin.describe_groups([group])[group]['group_state']}")
