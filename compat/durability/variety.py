"""Records of every shape in every codec, and a group with members; written to one broker, found again in another.

    variety.py write ADDRESS FILE     writes, and describes in FILE (JSON) what a reader must find
    variety.py check ADDRESS FILE     compares; prints check lines
"""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from confluent_kafka import Consumer, KafkaException, Producer, TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402

import wait  # noqa: E402
from checks import Checks, equal  # noqa: E402

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
RECORDS = 200
GROUP = "joined-group"
GROUP_STOPS_AT = 30
DEADLINE_S = 120

order, address, path = sys.argv[1:]
client = {"bootstrap.servers": address, "log_level": 0}


def records(codec, base_ms):
    """(key, value, headers, timestamp) of each record: nulls, empty ones, and long ones among them."""
    for number in range(RECORDS):
        key = None if number % 7 == 0 else b"" if number % 11 == 0 else b"key %d" % number
        value = None if number % 13 == 0 else b"" if number % 17 == 0 else b"%s %d " % (codec.encode(), number) * (1 + number % 40)
        headers = [("codec", codec.encode()), ("number", b"%d" % number), ("null", None), ("empty", b"")] if number % 3 else None
        yield key, value, headers, base_ms + 10 * number


def write():
    base_ms = int(time.time() * 1000)
    admin = AdminClient(client)
    new = [NewTopic(f"codec-{codec}", 1, 1) for codec in CODECS]
    new.append(NewTopic("append-time", 1, 1, config={"message.timestamp.type": "LogAppendTime"}))
    for future in admin.create_topics(new).values():
        future.result()
    failures = []

    def delivered(error, _message):
        if error is not None:
            failures.append(error)

    for topic, codec in [(f"codec-{codec}", codec) for codec in CODECS] + [("append-time", "gzip")]:
        producer = Producer({**client, "compression.type": codec, "linger.ms": 20, "batch.num.messages": 60})
        for key, value, headers, timestamp in records(codec, base_ms):
            producer.produce(topic, value, key=key, headers=headers, timestamp=timestamp, on_delivery=delivered)
        equal(producer.flush(60), 0, "records left over")
    equal(failures, [], "failed deliveries")

    appended = [message.timestamp()[1] for message in read("append-time")]
    member = Consumer({**client, "group.id": GROUP, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    member.subscribe(["codec-none"])
    taken = []
    wait.until(lambda: take_some(member, taken, GROUP_STOPS_AT), "records for the member", DEADLINE_S, pause_s=0)
    member.commit(offsets=[TopicPartition("codec-none", 0, GROUP_STOPS_AT, metadata="a note")], asynchronous=False)
    member.close()
    pathlib.Path(path).write_text(json.dumps({"base_ms": base_ms, "appended": appended}))


def take_some(consumer, taken, count):
    for message in consumer.consume(min(count - len(taken), 500), timeout=1.0):
        if message.error():
            raise KafkaException(message.error())
        taken.append(message)
    return len(taken) >= count


def read(topic):
    consumer = Consumer({**client, "group.id": "variety-reader", "enable.auto.commit": False, "auto.offset.reset": "error"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    taken = []
    wait.until(lambda: take_some(consumer, taken, RECORDS), f"{RECORDS} records of {topic}", DEADLINE_S, pause_s=0)
    equal(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30), (0, RECORDS), f"offsets of {topic}")
    consumer.close()
    return taken


def check_topic(topic, codec, expected_kind, expected_times, base_ms):
    for offset, (message, one) in enumerate(zip(read(topic), records(codec, base_ms))):
        key, value, headers, timestamp = one
        what = f"{topic} offset {offset}: "
        equal(message.offset(), offset, what + "offset")
        equal((message.key(), message.value()), (key, value), what + "key and value")
        equal(message.headers() or None, headers, what + "headers")
        equal(message.timestamp(), (expected_kind, expected_times[offset] if expected_times else timestamp), what + "timestamp")


def check():
    checks = Checks()
    expected = json.loads(pathlib.Path(path).read_text())
    for codec in CODECS:
        with checks.check(f"records in codec {codec}"):
            check_topic(f"codec-{codec}", codec, TIMESTAMP_CREATE_TIME, None, expected["base_ms"])
    with checks.check("records with the time of appending"):
        check_topic("append-time", "gzip", TIMESTAMP_LOG_APPEND_TIME, expected["appended"], expected["base_ms"])
    with checks.check("the group goes on where it had committed"):
        member = Consumer({**client, "group.id": GROUP, "auto.offset.reset": "error", "enable.auto.commit": False})
        member.subscribe(["codec-none"])
        taken = []
        wait.until(lambda: take_some(member, taken, RECORDS - GROUP_STOPS_AT), "the rest of the records", DEADLINE_S, pause_s=0)
        equal([message.offset() for message in taken], list(range(GROUP_STOPS_AT, RECORDS)), "offsets read by the group")
        found, = member.committed([TopicPartition("codec-none", 0)], timeout=30)
        equal((found.offset, found.metadata), (GROUP_STOPS_AT, "a note"), "committed offset and its metadata")
        member.close()
    sys.exit(checks.finish())


{"write": write, "check": check}[order]()
