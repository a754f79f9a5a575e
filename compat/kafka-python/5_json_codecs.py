"""Serializers for key and value, then every codec with every kind of acknowledgement."""

import json

from common import KafkaConsumer, address, checks, compare, equal, finish, forget, now_ms, take
from kafka import KafkaProducer

forget(["test-topic"])


def key_bytes(key):
    return key.encode("utf-8")


def value_bytes(value):
    return json.dumps(value).encode("utf-8")


def send_ten(label, **settings):
    """Sends ten records, waits for each, and returns what a consumer must see."""
    producer = KafkaProducer(bootstrap_servers=address, key_serializer=key_bytes, value_serializer=value_bytes, **settings)
    base_ms = now_ms() - 3_600_000
    sent = []
    futures = []
    for number in range(10):
        one = {
            "key": f"key-{number}",
            "value": {"label": label, "number": number, "padding": "x" * 500},
            "headers": [("label", label.encode()), ("number", b"%d" % number), ("empty", b"")],
            "timestamp_ms": base_ms + number,
        }
        futures.append(producer.send("test-topic", key=one["key"], value=one["value"], headers=one["headers"],
                                     timestamp_ms=one["timestamp_ms"]))
        sent.append(one)
    producer.flush()
    metadata = [future.get(timeout=30) for future in futures]
    producer.close()
    return sent, metadata


consumer = None
place = 0

with checks.check("JSON keys and values"):
    sent, metadata = send_ten("plain")
    equal([one.offset for one in metadata], list(range(10)), "offsets told to the producer")
    consumer = KafkaConsumer("test-topic", bootstrap_servers=address, auto_offset_reset="earliest",
                             key_deserializer=lambda data: data.decode("utf-8"),
                             value_deserializer=lambda data: json.loads(data.decode("utf-8")))
    compare(take(consumer, 10), sent)
    place = 10

for codec in ("gzip", "snappy", "lz4", "zstd"):
    for acks in (0, 1, "all"):
        with checks.check(f"compression_type={codec}, acks={acks}"):
            # The newest client is idempotent by default, which goes with acks=all only.
            settings = {}
            if acks != "all" and "enable_idempotence" in KafkaProducer.DEFAULT_CONFIG:
                settings["enable_idempotence"] = False
            sent, metadata = send_ten(f"{codec}/{acks}", compression_type=codec, acks=acks, linger_ms=50, **settings)
            if acks != 0:
                equal([one.offset for one in metadata], list(range(place, place + 10)), "offsets told to the producer")
            compare(take(consumer, 10), sent, first_offset=place)
            place += 10

consumer.close()
finish()
