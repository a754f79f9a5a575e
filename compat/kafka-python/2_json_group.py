"""JSON values and a group: a second run of the consumer goes on where the first one committed."""

import json

from common import KafkaConsumer, address, checks, compare, equal, finish, forget, now_ms, take
from kafka import KafkaProducer, TopicPartition

forget(["test_topic"], ["test_group"])


def send(numbers):
    producer = KafkaProducer(bootstrap_servers=address)
    sent = []
    for number in numbers:
        begin_ms = now_ms()
        document = {"number": number, "text": "Grüße"}
        metadata = producer.send("test_topic", json.dumps(document).encode("utf-8")).get(timeout=30)
        sent.append({"value": document, "partition": metadata.partition, "offset": metadata.offset, "from_ms": begin_ms, "to_ms": now_ms()})
    producer.close()
    return sent


def run_consumer(count):
    consumer = KafkaConsumer("test_topic", bootstrap_servers=address, group_id="test_group", auto_offset_reset="earliest",
                             value_deserializer=lambda data: json.loads(data.decode("utf-8")))
    records = take(consumer, count)
    committed_before = consumer.committed(TopicPartition("test_topic", 0))
    consumer.close()  # commits, as the client does by default
    return records, committed_before


with checks.check("the first run reads everything"):
    sent = send(range(10))
    records, _ = run_consumer(10)
    compare(records, sent)

with checks.check("the second run goes on where the first committed"):
    sent = send(range(10, 15))
    records, committed = run_consumer(5)
    equal(committed, 10, "offset committed by the first run")
    compare(records, sent, first_offset=10)

finish()
