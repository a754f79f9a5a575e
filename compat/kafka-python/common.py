"""What the six programs share: where the broker is, and the comparison of what was sent with what came.

The programs run under kafka-python 2.0.2 and under the newest release, so only what both have is used here.
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import kafka  # noqa: E402
from kafka import KafkaConsumer, KafkaProducer, TopicPartition  # noqa: E402
from kafka.admin import KafkaAdminClient  # noqa: E402

import client_security  # noqa: E402
import wait  # noqa: E402
from checks import Checks, equal  # noqa: E402,F401

DEADLINE_S = 30
CREATE_TIME = 0

client_security.kafka_python(KafkaConsumer, KafkaProducer, KafkaAdminClient)
address = sys.argv[1]
checks = Checks()
old_client = kafka.__version__.startswith("2.0")


def now_ms():
    return int(time.time() * 1000)


def forget(topics, groups=()):
    """Removes what an earlier run left on a broker that outlives the run; finds nothing on a fresh one."""
    if len(sys.argv) < 3 or sys.argv[2] != "leftovers":
        return
    admin = KafkaAdminClient(bootstrap_servers=address)
    left = [topic for topic in topics if topic in admin.list_topics()]
    if left:
        admin.delete_topics(left)
        wait.until(lambda: not set(left) & set(admin.list_topics()), "old topics vanish", DEADLINE_S)
    known = str(admin.list_consumer_groups() if old_client else admin.list_groups())
    left = [group for group in groups if group in known]
    if left:
        delete_groups(admin, left)
    admin.close()


def delete_groups(admin, groups):
    """Returns {group: name of the outcome}."""
    if old_client:
        return {group: error.__name__ for group, error in admin.delete_consumer_groups(groups)}
    return dict(admin.delete_groups(groups))


def wait_until_reading(consumer):
    """Polls until the consumer knows its place in every partition, so that nothing sent from now on is missed."""
    early = []

    def reading():
        for records in consumer.poll(timeout_ms=100).values():
            early.extend(records)
        partitions = consumer.assignment()
        return partitions and all(consumer.position(partition) is not None for partition in partitions)

    wait.until(reading, "the consumer has positions", DEADLINE_S)
    return early


def take(consumer, count, deadline_s=DEADLINE_S):
    """Reads until `count` records are there, and fails when the consumer's partitions hold more or less."""
    records = []

    def enough():
        for batch in consumer.poll(timeout_ms=200).values():
            records.extend(batch)
        return len(records) >= count

    try:
        wait.until(enough, f"{count} records", deadline_s, pause_s=0)
    except AssertionError:
        raise AssertionError(f"{len(records)} of {count} records came within {deadline_s} s") from None
    equal(len(records), count, "number of records")
    partitions = list(consumer.assignment())
    ends = consumer.end_offsets(partitions)
    equal({partition: consumer.position(partition) for partition in partitions}, ends, "positions after the last record")
    return records


def compare(records, sent, first_offset=0):
    """Compares received records with sent ones, per partition and in order.

    `sent` is a list of dictionaries with value, and where known partition, offset, key, headers, timestamp_ms.
    """
    equal(len(records), len(sent), "number of records")
    partitions = sorted({record.partition for record in records})
    if len(partitions) > 1:
        for partition in partitions:
            compare([record for record in records if record.partition == partition],
                    [one for one in sent if one["partition"] == partition], first_offset)
        return
    for index, (record, one) in enumerate(zip(records, sent)):
        what = f"record {index} of partition {record.partition}: "
        equal(record.offset, first_offset + index, what + "offset")
        equal(record.value, one["value"], what + "value")
        equal(record.key, one.get("key"), what + "key")
        equal([(name, bytes(value)) for name, value in record.headers], one.get("headers", []), what + "headers")
        equal(record.timestamp_type, CREATE_TIME, what + "timestamp type")
        if "timestamp_ms" in one:
            equal(record.timestamp, one["timestamp_ms"], what + "timestamp")
        else:
            if not one["from_ms"] <= record.timestamp <= one["to_ms"]:
                raise AssertionError(f"{what}timestamp {record.timestamp} is not within the time of sending")
        for known in ("partition", "offset"):
            if known in one:
                equal(getattr(record, known), one[known], what + known)


def read_all(topic, count, **settings):
    """A consumer of its own that reads a topic from the beginning."""
    consumer = KafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest", **settings)
    try:
        return take(consumer, count)
    finally:
        consumer.close()


def finish():
    sys.exit(checks.finish())
