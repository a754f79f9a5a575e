"""Writes to the topic of a scenario for as long as it runs: a record into each partition, twenty times a second.

author.py ADDRESS GROUP TOPIC; on standard input: `grow N`, `ends` (stops writing; answers what each partition holds),
`committed` (what the group has committed). Each is answered with one line.
"""

import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition  # noqa: E402
from kafka.admin import NewPartitions, NewTopic  # noqa: E402

import client_security  # noqa: E402

PAUSE_S = 0.05

client_security.kafka_python(KafkaAdminClient, KafkaConsumer, KafkaProducer)
address, group, topic = sys.argv[1:]
RECONNECT = {"reconnect_backoff_ms": 50, "reconnect_backoff_max_ms": 500}


class Writer(threading.Thread):
    """Owns the producer; `partitions` may grow while it runs."""

    def __init__(self):
        super().__init__(daemon=True)
        self.producer = KafkaProducer(bootstrap_servers=address, acks="all", metadata_max_age_ms=1_000, linger_ms=0,
                                      delivery_timeout_ms=60_000, **RECONNECT)
        self.partitions = 2
        self.ending = threading.Event()

    def run(self):
        while not self.ending.wait(PAUSE_S):
            for partition in range(self.partitions):
                try:
                    self.producer.send(topic, value=b"record", partition=partition)
                except Exception as error:  # what was not written need not arrive
                    print(f"send: {error!r}", file=sys.stderr, flush=True)
        self.producer.flush(60)


def told(offsets):
    return " ".join(f"{one.partition}:{offset}" for one, offset in sorted(offsets.items()))


admin = KafkaAdminClient(bootstrap_servers=address)
admin.create_topics([NewTopic(topic, 2, 1)])
admin.close()
writer = Writer()
writer.start()
print("writing", flush=True)
for line in sys.stdin:
    command, *words = line.split()
    if command == "grow":
        admin = KafkaAdminClient(bootstrap_servers=address)
        admin.create_partitions({topic: NewPartitions(int(words[0]))})
        admin.close()
        writer.partitions = int(words[0])
        print("grown", flush=True)
        continue
    writer.ending.set()
    writer.join()
    consumer = KafkaConsumer(bootstrap_servers=address, group_id=group, enable_auto_commit=False, **RECONNECT)
    partitions = [TopicPartition(topic, index) for index in range(writer.partitions)]
    if command == "ends":
        print("ends", told(consumer.end_offsets(partitions)), flush=True)
    else:
        print("committed", told({one: consumer.committed(one) or 0 for one in partitions}), flush=True)
    consumer.close()
