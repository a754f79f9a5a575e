"""The numbered records: writes them, waits until their copies are there, and compares.

numbers.py fill ADDRESS TOPIC COPY COUNT FROM TO    writes the numbers from FROM to before TO, number n into partition n % 4;
                                            with 0 it makes both topics first
numbers.py wait ADDRESS TOPIC COUNT         prints `N` lines, how many of the numbers a read_committed reader has seen, until all
numbers.py check ADDRESS TOPIC COUNT        reads everything again: each number once, in the order of its partition
"""

import sys
import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 4


def make_topics(address, *names):
    admin = AdminClient({"bootstrap.servers": address})
    for made in admin.create_topics([NewTopic(name, PARTITIONS, -1) for name in names]).values():
        made.result()


def fill(address, topic, begin, end):
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 20})
    for number in range(begin, end):
        while True:
            try:
                producer.produce(topic, str(number), key=str(number), partition=number % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(60) > 0:
        sys.exit("the numbers could not be written")


def reader(address, topic, end_of_partition):
    consumer = Consumer({"bootstrap.servers": address, "group.id": "numbers", "isolation.level": "read_committed",
                         "enable.auto.commit": False, "enable.partition.eof": end_of_partition,
                         "reconnect.backoff.max.ms": 200})
    consumer.assign([TopicPartition(topic, index, 0) for index in range(PARTITIONS)])
    return consumer


def wait(address, topic, count):
    consumer = reader(address, topic, False)
    seen, told = set(), 0.0
    while len(seen) < count:
        for message in consumer.consume(1000, 0.2):
            if not message.error():
                seen.add(int(message.value()))
        if time.monotonic() - told > 0.1:
            told = time.monotonic()
            print(len(seen), flush=True)
    print(len(seen), flush=True)


def check(address, topic, count):
    consumer = reader(address, topic, True)
    numbers, ended = [[] for _ in range(PARTITIONS)], set()
    deadline = time.monotonic() + 60
    while len(ended) < PARTITIONS:
        if time.monotonic() > deadline:
            sys.exit(f"the end of partitions {set(range(PARTITIONS)) - ended} does not come")
        for message in consumer.consume(1000, 0.5):
            if message.error() is None:
                numbers[message.partition()].append(int(message.value()))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
    for index in range(PARTITIONS):
        expected = list(range(index, count, PARTITIONS))
        got = numbers[index]
        if got == expected:
            continue
        doubled = len(got) - len(set(got))
        missing = sorted(set(expected) - set(got))
        wrong = next(at for at, (a, b) in enumerate(zip(got + [None], expected + [None])) if a != b)
        sys.exit(f"partition {index}: {doubled} numbers doubled, {len(missing)} missing {missing[:5]}, first wrong at {wrong}: "
                 f"{got[wrong:wrong + 5]}")


if __name__ == "__main__":
    command, address, topic, *rest = sys.argv[1:]
    if command == "fill":
        begin, end = int(rest[2]), int(rest[3])
        if begin == 0:
            make_topics(address, topic, rest[0])
        fill(address, topic, begin, end)
    elif command == "wait":
        wait(address, topic, int(rest[0]))
    else:
        check(address, topic, int(rest[0]))
