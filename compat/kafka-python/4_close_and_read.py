"""close() alone delivers what was sent; a consumer that comes later reads from the beginning."""

from common import address, checks, compare, finish, forget, now_ms, read_all
from kafka import KafkaProducer

forget(["example_topic"])

with checks.check("what was sent before close() is read from the beginning"):
    producer = KafkaProducer(bootstrap_servers=address)
    begin_ms = now_ms()
    for number in range(25):
        producer.send("example_topic", b"example %d" % number)
    producer.send("example_topic", key=b"no value", value=None)
    producer.send("example_topic", key=b"", value=b"")
    producer.close()
    end_ms = now_ms()
    values = [{"value": b"example %d" % number} for number in range(25)]
    values += [{"value": None, "key": b"no value"}, {"value": b"", "key": b""}]
    compare(read_all("example_topic", 27), [{**one, "from_ms": begin_ms, "to_ms": end_ms} for one in values])

finish()
