"""Transactional producers of librdkafka (confluent-kafka). Usage: librdkafka.py ADDRESS PART [ARGS...]"""

import collections
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402

import client_security  # noqa: E402
from checks import Checks, equal  # noqa: E402

DEADLINE_S = 30
address = sys.argv[1]
checks = Checks()
BASE = {"bootstrap.servers": address, **client_security.librdkafka()}


def make_topic(name, partitions):
    admin = AdminClient(BASE)  # kept until the outcome is there
    for outcome in admin.create_topics([NewTopic(name, partitions, 1)]).values():
        outcome.result()


def transactional(transactional_id, **settings):
    producer = Producer({**BASE, "transactional.id": transactional_id, "linger.ms": 5, **settings})
    producer.init_transactions(DEADLINE_S)
    return producer


def consumer(group, isolation="read_committed", **settings):
    return Consumer({**BASE, "group.id": group, "isolation.level": isolation,
                     "enable.auto.commit": False, "auto.offset.reset": "earliest", **settings})


def read_all(topic, partitions, isolation="read_committed"):
    """The values of each partition up to its end, in order."""
    reader = consumer(f"reader-{time.time()}", isolation, **{"enable.partition.eof": True})
    reader.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    values, ended, deadline = collections.defaultdict(list), set(), time.monotonic() + DEADLINE_S
    while len(ended) < partitions:
        if time.monotonic() > deadline:
            raise AssertionError(f"{topic}: only partitions {sorted(ended)} came to their end")
        message = reader.poll(1)
        if message is None:
            continue
        if message.error():
            ended.add(message.partition())
        else:
            values[message.partition()].append(int(message.value()))
    reader.close()
    return values


def read_sorted(topic, partitions, isolation="read_committed"):
    return sorted(value for values in read_all(topic, partitions, isolation).values() for value in values)


def send(producer, topic, partitions, values):
    for value in values:
        producer.produce(topic, str(value), partition=value % partitions)


def commit_abort():
    make_topic("ca", 3)
    producer = transactional("ca")
    with checks.check("committed, aborted, committed: readers see what they should"):
        producer.begin_transaction()
        send(producer, "ca", 3, range(10))
        producer.commit_transaction(DEADLINE_S)
        producer.begin_transaction()
        send(producer, "ca", 3, range(10, 20))
        producer.flush(DEADLINE_S)
        producer.abort_transaction(DEADLINE_S)
        producer.begin_transaction()
        send(producer, "ca", 3, range(20, 30))
        producer.commit_transaction(DEADLINE_S)
        equal(read_sorted("ca", 3), [*range(10), *range(20, 30)], "read_committed")
        equal(read_sorted("ca", 3, "read_uncommitted"), list(range(30)), "read_uncommitted")
    with checks.check("a transaction without records"):
        producer.begin_transaction()
        producer.commit_transaction(DEADLINE_S)
        producer.begin_transaction()
        producer.abort_transaction(DEADLINE_S)
    with checks.check("200 small transactions one behind the other"):
        for number in range(200):
            producer.begin_transaction()
            send(producer, "ca", 3, [100 + number])
            producer.commit_transaction(DEADLINE_S)
        equal(read_sorted("ca", 3), [*range(10), *range(20, 30), *range(100, 300)], "read_committed")


def offsets():
    make_topic("of", 1)
    with checks.check("offsets of a transaction count when it commits"):
        plain = Producer(BASE)
        send(plain, "of", 1, range(10))
        plain.flush(DEADLINE_S)
        reader = consumer("of-group")
        reader.subscribe(["of"])
        while reader.poll(1) is None:
            pass
        producer = transactional("of")
        place = TopicPartition("of", 0, 5)
        for commit, expected in ((False, -1001), (True, 5)):
            producer.begin_transaction()
            producer.send_offsets_to_transaction([place], reader.consumer_group_metadata(), DEADLINE_S)
            (producer.commit_transaction if commit else producer.abort_transaction)(DEADLINE_S)
            equal(reader.committed([place], DEADLINE_S)[0].offset, expected, f"offset after commit={commit}")
        reader.close()


def fencing():
    make_topic("fe", 1)
    with checks.check("a second producer of the id fences the first"):
        first = transactional("fe")
        first.begin_transaction()
        send(first, "fe", 1, [1])
        first.flush(DEADLINE_S)
        second = transactional("fe")
        second.begin_transaction()
        send(second, "fe", 1, [2])
        second.commit_transaction(DEADLINE_S)
        try:
            send(first, "fe", 1, [3])
            first.commit_transaction(DEADLINE_S)
            raise AssertionError("the first could commit")
        except KafkaException as refused:
            equal(refused.args[0].fatal(), True, f"fatal, for {refused}")
        equal(read_sorted("fe", 1), [2], "read_committed")


def copy(stop_after, name):
    """Consume, produce, commit both in one transaction; a third of them is aborted."""
    producer, reader, copied, idle_since = transactional(name), consumer(name), 0, time.monotonic()
    reader.subscribe([f"{name}-in"])
    while copied < stop_after and time.monotonic() - idle_since < 8:
        messages = [message for message in reader.consume(50, 0.5) if not message.error()]
        if not messages:
            continue
        idle_since = time.monotonic()
        producer.begin_transaction()
        first, last = {}, {}
        for message in messages:
            producer.produce(f"{name}-out", message.value(), partition=message.partition())
            first.setdefault(message.partition(), message.offset())
            last[message.partition()] = message.offset() + 1
        places = [TopicPartition(f"{name}-in", partition, offset) for partition, offset in last.items()]
        producer.send_offsets_to_transaction(places, reader.consumer_group_metadata(), DEADLINE_S)
        if random.random() < 0.33:
            producer.abort_transaction(DEADLINE_S)
            for partition, offset in first.items():
                reader.seek(TopicPartition(f"{name}-in", partition, offset))
        else:
            producer.commit_transaction(DEADLINE_S)
            copied += len(messages)
    reader.close()
    return copied


def consume_transform_produce():
    make_topic("ctp-in", 2)
    make_topic("ctp-out", 2)
    plain = Producer(BASE)
    send(plain, "ctp-in", 2, range(2000))
    plain.flush(DEADLINE_S)
    with checks.check("consume, transform, produce with random aborts: each number once, in order"):
        copied = copy(600, "ctp")
        copied += copy(10_000, "ctp")
        equal(copied, 2000, "records copied")
        values = read_all("ctp-out", 2)
        equal({partition: list(range(partition, 2000, 2)) for partition in range(2)}, dict(values), "what came")


def leave_open():
    make_topic("left-open", 1)
    producer = transactional(sys.argv[3], **{"transaction.timeout.ms": 600_000})
    producer.begin_transaction()
    send(producer, "left-open", 1, [1])
    producer.flush(DEADLINE_S)
    leave()


def leave():
    """Ends without the client's own abort."""
    sys.stdout.flush()
    os._exit(0)


def fill():
    topic, partitions, each = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    make_topic(topic, partitions)
    make_topic(topic.replace("-in", "-out"), partitions)
    plain = Producer({**BASE, "linger.ms": 20})
    for value in range(partitions * each):
        plain.produce(topic, str(value), partition=value % partitions)
        plain.poll(0)
    plain.flush(DEADLINE_S)


def committed_so_far(topic, partitions, count):
    """How often each value was seen when so many were, or when too much time was over."""
    reader, seen, deadline = consumer(f"reader-{time.time()}"), collections.Counter(), time.monotonic() + 240
    reader.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    while sum(seen.values()) < count and time.monotonic() < deadline:
        for message in reader.consume(500, 1):
            if not message.error():
                seen[int(message.value())] += 1
    reader.close()
    return seen


def expect_some():
    """Waits until as many are there."""
    topic, partitions, count = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    seen = sum(committed_so_far(topic, partitions, count).values())
    equal(seen >= count, True, f"{count} copies are there, for {seen}")


def expect_all():
    """Waits until as many are there, and looks that none is there twice."""
    topic, partitions, count = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    seen = committed_so_far(topic, partitions, count)
    doubled = [value for value, times in seen.items() if times > 1]
    equal((len(seen), doubled[:5]), (count, []), "distinct values, and those that came twice")


def before_move():
    make_topic("mv", 2)
    producer = transactional("mv")
    for values, commit in ((range(10), True), (range(10, 20), False), (range(20, 30), True)):
        producer.begin_transaction()
        send(producer, "mv", 2, values)
        producer.flush(DEADLINE_S)
        (producer.commit_transaction if commit else producer.abort_transaction)(DEADLINE_S)
    still_open = transactional("mv-open", **{"transaction.timeout.ms": 600_000})
    still_open.begin_transaction()
    send(still_open, "mv", 2, range(30, 40))
    still_open.flush(DEADLINE_S)
    plain = Producer(BASE)
    send(plain, "mv", 2, range(40, 44))
    plain.flush(DEADLINE_S)
    leave()


def after_move():
    with checks.check("what is behind the open transaction is not seen"):
        equal(read_sorted("mv", 2), [*range(10), *range(20, 30)], "read_committed")
        equal(len(read_sorted("mv", 2, "read_uncommitted")), 44, "read_uncommitted")
    with checks.check("the next producer of the id aborts it, and all goes on"):
        producer = transactional("mv-open")
        producer.begin_transaction()
        send(producer, "mv", 2, range(50, 60))
        producer.commit_transaction(DEADLINE_S)
        equal(read_sorted("mv", 2), [*range(10), *range(20, 30), *range(40, 44), *range(50, 60)], "read_committed")


if __name__ == "__main__":
    globals()[sys.argv[2].replace("-", "_")]()
    sys.exit(checks.finish() if checks.passed + checks.failed else 0)
