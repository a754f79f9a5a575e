"""Writes to a compacted topic, or reads it: run by ./compaction with the Python that has kafka-python.

compaction_load.py write HOST:PORT | read HOST:PORT
"""

import random
import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

TOPIC = "compacted"
CONFIGS = {"cleanup.policy": "compact", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0.01",
           "min.compaction.lag.ms": "30000", "delete.retention.ms": "600000"}


def write(address):
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic(TOPIC, 1, 1, topic_configs=CONFIGS)])
    choice = random.Random(7)
    # One record a batch, the same for every broker; some batches of several records, compressed.
    for codec, count, linger_ms in ((None, 300, 0), ("gzip", 100, 0), ("lz4", 100, 0)):
        producer = KafkaProducer(bootstrap_servers=address, acks=1, compression_type=codec, linger_ms=linger_ms,
                                 enable_idempotence=False)
        for _ in range(count):
            key = f"k{choice.randrange(60)}".encode()
            value = None if choice.random() < 0.1 else choice.randbytes(20_000)
            producer.send(TOPIC, key=key, value=value, partition=0, timestamp_ms=None).get(30)
        producer.close()
    admin.close()


def read(address):
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
    partition = TopicPartition(TOPIC, 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    end = consumer.end_offsets([partition])[partition]
    while consumer.position(partition) < end:
        for records in consumer.poll(1000).values():
            for record in records:
                print(record.offset, record.key.decode(), "-" if record.value is None else len(record.value))
    consumer.close()


{"write": write, "read": read}[sys.argv[1]](sys.argv[2])
