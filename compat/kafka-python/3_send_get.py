"""send().get() names topic, partition and offset of the record."""

from common import address, checks, compare, equal, finish, forget, now_ms, read_all
from kafka import KafkaProducer

forget(["my-topic"])
sent = []

with checks.check("get() returns topic, partition and offset"):
    producer = KafkaProducer(bootstrap_servers=address)
    for number in range(3):
        begin_ms = now_ms()
        metadata = producer.send("my-topic", b"My message bytes").get(timeout=30)
        sent.append({"value": b"My message bytes", "from_ms": begin_ms, "to_ms": now_ms()})
        equal((metadata.topic, metadata.partition, metadata.offset), ("my-topic", 0, number), "record metadata")
    producer.close()

with checks.check("a consumer reads them"):
    compare(read_all("my-topic", 3), sent)

finish()
