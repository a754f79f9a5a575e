"""The lines that Kafka Streams counts the words of, and the counts that must come out.

words.py fill ADDRESS FROM TO COUNT BEGIN END    writes the lines from BEGIN to before END of COUNT; with 0 it makes both topics first
words.py wait ADDRESS TO COUNT            prints `N` lines, how many lines' worth of words is counted, until every word's last count is right
words.py check ADDRESS TO COUNT           reads all counts: those of each word go 1, 2, 3, ... to the right one
"""

import collections
import random
import sys
import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 2
WORDS = [f"word{number}" for number in range(50)]


def lines(count):
    rng = random.Random(3)
    return [" ".join(rng.choices(WORDS, k=4)) for _ in range(count)]


def right(count):
    return collections.Counter(word for line in lines(count) for word in line.split())


def make_topics(address, *names):
    admin = AdminClient({"bootstrap.servers": address})
    for made in admin.create_topics([NewTopic(name, PARTITIONS, -1) for name in names]).values():
        made.result()


def fill(address, source, count, begin, end):
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 20})
    for number, line in enumerate(lines(count)[begin:end], begin):
        producer.produce(source, line, partition=number % PARTITIONS)
        producer.poll(0)
    if producer.flush(60) > 0:
        sys.exit("the lines could not be written")


def reader(address, topic):
    consumer = Consumer({"bootstrap.servers": address, "group.id": "words", "isolation.level": "read_committed",
                         "enable.auto.commit": False, "enable.partition.eof": True, "reconnect.backoff.max.ms": 200})
    consumer.assign([TopicPartition(topic, index, 0) for index in range(PARTITIONS)])
    return consumer


def wait(address, topic, count):
    consumer, last, expected, told = reader(address, topic), {}, right(count), 0.0
    while last != expected:
        for message in consumer.consume(1000, 0.2):
            if not message.error():
                last[message.key().decode()] = int(message.value())
        if time.monotonic() - told > 0.1:
            told = time.monotonic()
            print(count * sum(last.values()) // sum(expected.values()), flush=True)


def check(address, topic, count):
    consumer, counts, ended = reader(address, topic), collections.defaultdict(list), set()
    deadline = time.monotonic() + 60
    while len(ended) < PARTITIONS:
        if time.monotonic() > deadline:
            sys.exit("the ends of the partitions do not come")
        for message in consumer.consume(1000, 0.5):
            if message.error() is None:
                counts[message.key().decode()].append(int(message.value()))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
    for word, times in right(count).items():
        if counts[word] != list(range(1, times + 1)):
            sys.exit(f"{word}: {len(counts[word])} counts up to {max(counts[word], default=0)}, not 1 to {times}")


if __name__ == "__main__":
    command, address, topic, *rest = sys.argv[1:]
    if command == "fill":
        begin, end = int(rest[2]), int(rest[3])
        if begin == 0:
            make_topics(address, topic, rest[0])
        fill(address, topic, int(rest[1]), begin, end)
    else:
        {"wait": wait, "check": check}[command](address, topic, int(rest[0]))
