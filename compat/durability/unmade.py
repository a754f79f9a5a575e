"""unmade.py ADDRESS TOPIC PARTITIONS: one record to each partition of a topic that was never written to, and back."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: E402

import wait  # noqa: E402
from checks import Checks, equal  # noqa: E402

DEADLINE_S = 60
address, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = {"bootstrap.servers": address, "log_level": 0}


def body():
    failures = []
    producer = Producer(client)
    for partition in range(partitions):
        producer.produce(topic, b"%d" % partition, partition=partition, on_delivery=lambda error, _: error and failures.append(error))
    equal(producer.flush(DEADLINE_S), 0, "records left over")
    equal(failures, [], "failed deliveries")
    consumer = Consumer({**client, "group.id": "unmade", "enable.auto.commit": False, "auto.offset.reset": "error"})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    taken = []

    def all_there():
        taken.extend((one.partition(), one.offset(), one.value()) for one in consumer.consume(partitions, timeout=1.0) if not one.error())
        return len(taken) >= partitions

    wait.until(all_there, "a record of each partition", DEADLINE_S, pause_s=0)
    equal(sorted(taken), [(partition, 0, b"%d" % partition) for partition in range(partitions)], "records")
    consumer.close()


checks = Checks()
with checks.check("a topic whose directories were not made yet is written and read"):
    body()
sys.exit(checks.finish())
