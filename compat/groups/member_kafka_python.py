"""A member of a group: kafka-python. See member.py for what it prints."""

import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from kafka import ConsumerRebalanceListener, KafkaConsumer  # noqa: E402
from kafka.errors import KafkaConnectionError, KafkaError  # noqa: E402

import client_security  # noqa: E402

# If the time of a poll() is over in the midst of a rejoin, the leader loses its place in the group for good: 3.0.12, with Apache
# Kafka too, as kafka_python_poll.py shows. Records end a poll() sooner.
POLL_MS = 5_000

client_security.kafka_python(KafkaConsumer)
address, group, topic, _ = sys.argv[1:]
stopping = threading.Event()


def wait_for_stop():
    sys.stdin.readline()
    stopping.set()


def say(lines):
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()


class Listener(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        say(f"lost {one.partition}" for one in revoked)

    def on_partitions_assigned(self, assigned):
        pass


def poll(consumer):
    try:
        return consumer.poll(timeout_ms=POLL_MS)
    except KafkaConnectionError as error:  # the broker is not there for a while
        print(f"poll: {error!r}", file=sys.stderr, flush=True)
        return {}


def commit(consumer, polled):
    try:
        consumer.commit()
    except KafkaError as error:
        print(f"commit: {error!r}", file=sys.stderr, flush=True)
        return
    say(f"c {one.partition} {records[-1].offset + 1}" for one, records in polled.items())


consumer = KafkaConsumer(bootstrap_servers=address, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
                         session_timeout_ms=10_000, heartbeat_interval_ms=500, metadata_max_age_ms=1_000,
                         max_poll_records=50, reconnect_backoff_ms=50, reconnect_backoff_max_ms=500)
consumer.subscribe([topic], listener=Listener())
threading.Thread(target=wait_for_stop, daemon=True).start()
while not stopping.is_set():
    polled = poll(consumer)
    if polled:
        say(f"r {one.partition} {one.offset}" for records in polled.values() for one in records)
        commit(consumer, polled)
consumer.close()
say(["stopped"])
