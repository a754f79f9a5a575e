"""The client under kill -9: idempotent streams, topic creation and deletion, offset commits; logs what is acknowledged.

    writer.py ADDRESS JOURNAL     and on standard input lines `grant NUMBER RECORDS`, at the end `quit`

It goes on through every crash of the broker, as clients do: what was not acknowledged is sent again by librdkafka.
"""

import os
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import journal

ADDRESS, JOURNAL = sys.argv[1], sys.argv[2]
LIVELY = {"bootstrap.servers": ADDRESS, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "log_level": 0}
# Streams of one whole run: each has one producer, and so one producer id while the broker keeps its promises.
STREAMS = {"plain": ("durable-a", 3, "none"), "packed": ("durable-b", 1, "lz4")}
TOPICS_PER_GRANT = 6
COMMITS_PER_GRANT = 150
GROUPS = ["durable-group-1", "durable-group-2", "durable-group-3"]

log = journal.Writer(JOURNAL)
# Not far from now: Kafka forgets a producer, at a restart, whose last record's timestamp is a day old.
base_ms = int(time.time() * 1000)
log.line("base", base_ms)


def die(text):
    log.line("fatal", text)
    os._exit(3)


class Stream:
    """One idempotent producer; sequence numbers run per partition."""

    def __init__(self, name, topic, partitions, codec):
        self.name, self.topic, self.partitions = name, topic, partitions
        self.next = 0
        self.producer = Producer({**LIVELY, "enable.idempotence": True, "compression.type": codec, "linger.ms": 2,
                                  "batch.num.messages": 100, "message.timeout.ms": 0, "retry.backoff.ms": 20,
                                  "error_cb": self.on_error})

    def on_error(self, error):
        if error.fatal():
            die(f"{self.name}: {error}")

    def on_delivery(self, sequence):
        def delivered(error, message):
            if error is not None:
                die(f"{self.name}: record {sequence} was not delivered: {error}")
            log.line("ack", self.name, message.topic(), message.partition(), sequence, message.offset())
        return delivered

    def send(self, count):
        """Sends `count` records to each partition and returns when all are acknowledged."""
        for sequence in range(self.next, self.next + count):
            for partition in range(self.partitions):
                while True:
                    try:
                        self.producer.produce(self.topic, record_value(self.name, sequence), key=str(sequence), partition=partition,
                                              timestamp=base_ms + sequence, headers=[("stream", self.name.encode())],
                                              on_delivery=self.on_delivery(sequence))
                        break
                    except BufferError:
                        self.producer.poll(0.1)
                self.producer.poll(0)
        self.next += count
        while len(self.producer):
            self.producer.poll(0.1)

    def end(self):
        for partition in range(self.partitions):
            log.line("end", self.name, self.topic, partition, self.next)


record_value = journal.record_value
streams = [Stream(name, *rest) for name, rest in STREAMS.items()]
admin = AdminClient(LIVELY)
committers = {group: Consumer({**LIVELY, "group.id": group, "enable.auto.commit": False}) for group in GROUPS}
committed = 0
pause = threading.Event()


# librdkafka's errors for a request whose broker was killed.
BROKER_GONE = (KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._DESTROY, KafkaError._DESTROY_BROKER,
               KafkaError._ALL_BROKERS_DOWN, KafkaError.REQUEST_TIMED_OUT)


def again(action, accepted):
    """Repeats an admin request until it is answered; `accepted` is the error that a repetition may get."""
    first = True
    while True:
        try:
            for future in action().values():
                future.result()
            return
        except KafkaException as failure:
            error = failure.args[0]
            if error.code() == accepted:
                if first:
                    die(f"first try of an admin request got {error}")
                return
            if not (error.retriable() or error.code() in BROKER_GONE):
                die(f"admin request: {error}")
            first = False
            pause.wait(0.02)


def make_topics(grant):
    """Creates topics and deletes every third one; each request is repeated until the broker answers."""
    for number in range(TOPICS_PER_GRANT):
        name, partitions = f"made-{grant}-{number}", 1 + number % 3
        again(lambda: admin.create_topics([NewTopic(name, partitions, 1)], request_timeout=5), KafkaError.TOPIC_ALREADY_EXISTS)
        log.line("topic", name, partitions)
        if number % 3 == 2:
            log.line("deleting", name)
            again(lambda: admin.delete_topics([name], request_timeout=5), KafkaError.UNKNOWN_TOPIC_OR_PART)
            log.line("deleted", name)


def commit_offsets():
    """Commits ever growing offsets for several groups; a failed one is followed by a greater one."""
    global committed
    succeeded = 0
    while succeeded < COMMITS_PER_GRANT:
        committed += 1
        group, partition = GROUPS[committed % len(GROUPS)], committed % 3
        place = (group, "durable-a", partition, committed)
        log.line("try", *place)
        try:
            result, = committers[group].commit(offsets=[TopicPartition("durable-a", partition, committed)], asynchronous=False)
            if result.error is not None:
                raise KafkaException(result.error)
        except KafkaException:
            pause.wait(0.02)
            continue
        log.line("commit", *place)
        succeeded += 1


def short_stream(grant):
    """A producer that lives for one grant: it needs a producer id of its own."""
    stream = Stream(f"short-{grant}", "durable-b", 1, "zstd")
    stream.send(100)
    stream.end()


def guarded(function, *arguments):
    def run():
        try:
            function(*arguments)
        except Exception as error:
            die(f"{function.__name__}: {error!r}")
    return run


for line in sys.stdin:
    words = line.split()
    if words[0] == "quit":
        break
    grant, records = int(words[1]), int(words[2])
    work = [guarded(stream.send, records) for stream in streams]
    work += [guarded(make_topics, grant), guarded(commit_offsets), guarded(short_stream, grant)]
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.line("done", grant)

for stream in streams:
    stream.end()
