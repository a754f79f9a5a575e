"""A member of a group: confluent-kafka, which is librdkafka. See member.py for what it prints."""

import os
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from confluent_kafka import Consumer, KafkaException  # noqa: E402

import client_security  # noqa: E402

address, group, topic, kind = sys.argv[1:]
# It commits nothing and has long intervals: between its heartbeats the coordinator hears nothing of it.
quiet = bool(os.environ.get("MEMBER_QUIET"))
stopping = threading.Event()


def wait_for_stop():
    sys.stdin.readline()
    stopping.set()


def say(lines):
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()


def commit():
    if quiet:
        return
    try:
        done = consumer.commit(asynchronous=False)
    except KafkaException as error:
        print(f"commit: {error}", file=sys.stderr, flush=True)
        return
    say(f"c {one.partition} {one.offset}" for one in done if one.error is None and one.offset >= 0)


def lost(_, partitions):
    say(f"lost {one.partition}" for one in partitions)


def revoked(_, partitions):
    commit()
    lost(_, partitions)


settings = {"bootstrap.servers": address, **client_security.librdkafka(), "group.id": group,
            "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "topic.metadata.refresh.interval.ms": 1_000, "reconnect.backoff.max.ms": 500}
if kind.startswith("consumer"):
    settings["group.protocol"] = "consumer"
    if kind == "consumer-range":
        settings["group.remote.assignor"] = "range"
else:
    settings |= {"session.timeout.ms": 45_000 if quiet else 10_000, "heartbeat.interval.ms": 10_000 if quiet else 500,
                 "partition.assignment.strategy": "cooperative-sticky" if kind == "cooperative" else "range"}
consumer = Consumer(settings)
consumer.subscribe([topic], on_revoke=revoked, on_lost=lost)
threading.Thread(target=wait_for_stop, daemon=True).start()
while not stopping.is_set():
    got = [one for one in consumer.consume(50, timeout=0.1) if one.error() is None]
    if not got:
        continue
    say(f"r {one.partition()} {one.offset()}" for one in got)
    commit()
consumer.close()
say(["stopped"])
