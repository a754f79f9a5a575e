"""Compares what the broker holds with the writer's journal: records, topics, offsets. Prints check lines.

    reader.py ADDRESS JOURNAL [SIZE]     SIZE: only what the journal's first SIZE bytes say was acknowledged must be there
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from confluent_kafka import Consumer, KafkaError, KafkaException, TIMESTAMP_CREATE_TIME, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient  # noqa: E402

import journal  # noqa: E402
import wait  # noqa: E402
from checks import Checks, equal  # noqa: E402

address, path = sys.argv[1], sys.argv[2]
size = int(sys.argv[3]) if len(sys.argv) > 3 else None
DEADLINE_S = 120

checks = Checks()
consumer = Consumer({"bootstrap.servers": address, "group.id": "durability-reader", "enable.auto.commit": False,
                     "auto.offset.reset": "error", "log_level": 0})


def answered(action):
    """Repeats a request that a broker may refuse just after its start, as clients do."""
    def attempt():
        try:
            return (action(),)
        except KafkaException as failure:
            if failure.args[0].code() in (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE,
                                          KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.LEADER_NOT_AVAILABLE):
                return None
            raise

    return wait.until(attempt, "the broker answers without 'not yet'", DEADLINE_S)[0]


def ends(topic, partition):
    return answered(lambda: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30))


def check_record(message, expected_offset, sequences):
    place = f"{message.topic()}-{message.partition()} offset {message.offset()}"
    equal(message.offset(), expected_offset, f"offset after {expected_offset - 1} of {message.topic()}-{message.partition()}")
    stream, sequence = message.value().split(b" ", 2)[:2]
    stream, sequence = stream.decode(), int(sequence)
    equal(message.value(), journal.record_value(stream, sequence), f"value at {place}")
    equal(message.key(), b"%d" % sequence, f"key at {place}")
    equal(message.headers(), [("stream", stream.encode())], f"headers at {place}")
    equal(message.timestamp(), (TIMESTAMP_CREATE_TIME, content.base_ms + sequence), f"timestamp at {place}")
    # In the order of sending, none missing, none twice: acknowledged or not, for the producer is idempotent.
    equal(sequence, sequences.get(stream, 0), f"sequence number of {stream} at {place}")
    sequences[stream] = sequence + 1
    return stream, sequence


def read_partition(topic, partition):
    """Reads all of a partition; returns ({offset: (stream, sequence)}, {stream: count})."""
    low, high = ends(topic, partition)
    equal(low, 0, f"log start offset of {topic}-{partition}")
    consumer.assign([TopicPartition(topic, partition, 0)])
    held, sequences = {}, {}

    def step():
        for message in consumer.consume(2000, timeout=1.0):
            if message.error():
                raise AssertionError(f"{topic}-{partition}: {message.error()}")
            held[message.offset()] = check_record(message, len(held), sequences)
        return len(held) >= high

    wait.until(step, f"{high} records of {topic}-{partition}", DEADLINE_S, pause_s=0)
    consumer.unassign()
    return held, sequences


def check_records(content):
    count = 0
    for (topic, partition), acked in sorted(content.acks.items()):
        held, sequences = read_partition(topic, partition)
        for offset, record in acked.items():
            equal(held.get(offset), record, f"acknowledged record at {topic}-{partition} offset {offset}")
        for (stream, end_topic, end_partition), expected in content.ends.items():
            if (end_topic, end_partition) == (topic, partition):
                equal(sequences.get(stream), expected, f"number of records of {stream} in {topic}-{partition}")
        count += len(held)
    assert count > 0, "the journal names no records"


def check_topics(content):
    known = AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=30).topics
    for name, partitions in content.topics.items():
        if name in content.deleting:
            continue
        assert name in known, f"topic {name} was acknowledged and is missing"
        equal(sorted(known[name].partitions), list(range(partitions)), f"partitions of {name}")
        for partition in known[name].partitions.values():
            assert partition.error is None and partition.leader >= 0, f"{name}-{partition.id}: {partition.error}"
    for name in content.deleted:
        assert name not in known, f"topic {name} was deleted and is there"
    if size is None:
        for name, partitions in content.topics.items():
            if name not in content.deleting:
                for partition in range(partitions):
                    equal(ends(name, partition), (0, 0), f"offsets of {name}")


def check_commits(content):
    groups = {}
    for (group, topic, partition), least in content.commits.items():
        groups.setdefault(group, []).append((topic, partition, least))
    for group, places in groups.items():
        member = Consumer({"bootstrap.servers": address, "group.id": group, "log_level": 0})
        answer = answered(lambda: member.committed([TopicPartition(topic, partition) for topic, partition, _ in places], timeout=30))
        member.close()
        tries = journal.Content(path, size).tries  # now: the writer goes on while we ask
        for (topic, partition, least), found in zip(places, answer):
            most = tries[group, topic, partition]
            assert least <= found.offset <= most, (f"{group} has committed {found.offset} for {topic}-{partition}; "
                                                   f"acknowledged was {least}, sent was {most}")
    assert groups or size is not None, "the journal names no commits"


with checks.check("acknowledged records: none missing, none doubled"):
    content = journal.Content(path, size)
    check_records(content)
with checks.check("acknowledged topics"):
    # Read again: what was being deleted meanwhile is known only now.
    check_topics(journal.Content(path, size))
with checks.check("acknowledged offsets"):
    check_commits(journal.Content(path, size))

consumer.close()
sys.exit(checks.finish())
