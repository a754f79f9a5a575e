"""The clients of a cluster that is moved, one role a process, from the first broker's stop to the last one's start:

load.py ROLE ADDRESS JOURNAL
  topics        makes the topics; ends
  numbers       an idempotent producer; number n goes into partition n % 6
  classic-group, consumer-group
                a member of a group, by either protocol, reads the numbers, commits them, and asks what is committed
  transactions  each puts its number into every partition and its offset into a group; a fifth is aborted
  latest        an idempotent producer of keys to a compacted topic

A role works until SIGTERM, finishes what it has begun, and ends with 0. It writes what it was answered into its journal, and
whatever a client could not have gone on from as a line `fatal TEXT`.
"""

import contextlib
import os
import random
import signal
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 6
KEYS = 50
NUMBERS, WHOLE, LATEST = "numbers", "whole", "latest"
GROUPS, WHOLE_GROUP = ("classic-group", "consumer-group"), "whole-readers"
PADDING = "x" * 400
ROUND_S = 0.1
NUMBERS_A_ROUND = 20
FINISH_S = 120

stopping = threading.Event()


class Journal:
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def line(self, *words):
        os.write(self.file, (" ".join(map(str, words)) + "\n").encode())

    def fatal(self, *words):
        self.line("fatal", *words)
        os._exit(1)


def common(address):
    # A broker that is stopped or cut off does not answer; librdkafka waits a minute for it by default.
    return {"bootstrap.servers": address, "reconnect.backoff.max.ms": 500, "socket.timeout.ms": 10_000}


def topics(address, _):
    small = {"min.insync.replicas": "2", "segment.bytes": str(1 << 20)}
    compacted = {**small, "cleanup.policy": "compact", "segment.ms": "5000", "min.cleanable.dirty.ratio": "0.01"}
    admin = AdminClient(common(address))
    made = admin.create_topics([NewTopic(NUMBERS, PARTITIONS, 3, config=small), NewTopic(WHOLE, PARTITIONS, 3, config=small),
                                NewTopic(LATEST, PARTITIONS, 3, config=compacted)])
    for one in made.values():
        one.result()


def acknowledged(journal, kind, what):
    """A delivery report: the broker's answer goes into the journal."""
    def report(error, message):
        if error is not None:
            journal.fatal(kind, what, "was not delivered:", error)
        journal.line("ack", what, message.partition(), message.offset())
    return report


def numbers(address, journal):
    producer = Producer({**common(address), "enable.idempotence": True, "acks": "all", "linger.ms": 5})
    number = 0
    while not stopping.is_set():
        for _ in range(NUMBERS_A_ROUND):
            try:
                producer.produce(NUMBERS, f"{number} {PADDING}", partition=number % PARTITIONS,
                                 on_delivery=acknowledged(journal, "number", number))
                number += 1
            except BufferError:
                break  # for as long as there is no leader
        producer.poll(0)
        stopping.wait(ROUND_S)
    if producer.flush(FINISH_S) > 0:
        journal.fatal("not all numbers were delivered")
    journal.line("count", number)


def latest(address, journal):
    producer = Producer({**common(address), "enable.idempotence": True, "acks": "all", "linger.ms": 5})
    rng = random.Random(1)
    number = 0
    while not stopping.is_set():
        for key in rng.sample(range(KEYS), 10):
            producer.produce(LATEST, f"{number} {PADDING}", key=str(key), partition=key % PARTITIONS,
                             on_delivery=acknowledged(journal, "key", f"{key} {number}"))
            number += 1
        producer.poll(0)
        stopping.wait(ROUND_S)
    if producer.flush(FINISH_S) > 0:
        journal.fatal("not all keys were delivered")


class Reader:
    """A member of the group: each number of a partition once and in order, but for what comes again after a rebalance."""

    def __init__(self, role, address, journal):
        self.journal = journal
        self.next_offset = {}  # by partition: of the record that comes next
        self.next_number = {}
        self.committed = {}  # by partition: what was acknowledged
        self.repeated = self.rebalances = 0
        protocol = {"group.protocol": "consumer"}
        if role == "classic-group":
            protocol = {"session.timeout.ms": 20_000, "heartbeat.interval.ms": 1_000}
        self.consumer = Consumer({**common(address), "group.id": role, "enable.auto.commit": False, "auto.offset.reset": "earliest",
                                  **protocol})
        self.consumer.subscribe([NUMBERS], on_assign=self.assigned)

    def assigned(self, _, partitions):
        self.rebalances += 1

    def take(self, message):
        partition, offset, number = message.partition(), message.offset(), int(message.value().split()[0])
        expected = self.next_offset.get(partition, 0)
        if offset < expected:
            if offset < self.committed.get(partition, 0):
                self.journal.fatal(f"{NUMBERS}-{partition}: offset {offset} came again after {self.committed[partition]} was committed")
            self.repeated += 1
            return
        if number != self.next_number.get(partition, partition):
            self.journal.fatal(f"{NUMBERS}-{partition}: {number} at {offset} in place of {self.next_number.get(partition, partition)}")
        self.next_offset[partition], self.next_number[partition] = offset + 1, number + PARTITIONS

    def commit(self):
        """Commits what was read; then what is committed must be as much, at least."""
        places = [TopicPartition(NUMBERS, partition, offset) for partition, offset in self.next_offset.items()]
        if not places:
            return
        try:
            for place in self.consumer.commit(offsets=places, asynchronous=False):
                if place.error is None:
                    self.committed[place.partition] = place.offset
                    self.journal.line("commit", place.partition, place.offset)
            answer = self.consumer.committed(places, timeout=10)
        except KafkaException as error:
            if error.args[0].fatal():
                self.journal.fatal("commit:", error)
            self.journal.line("retried", error.args[0].name())
            return
        for place in answer:
            if place.error is None and place.offset < self.committed.get(place.partition, 0):
                self.journal.fatal(f"{NUMBERS}-{place.partition}: committed was {self.committed[place.partition]} and is {place.offset}")

    def run(self):
        while not stopping.is_set():
            self.turn()
        # The producer has ended: read on to the ends.
        deadline = time.monotonic() + FINISH_S
        while not self.at_end():
            if time.monotonic() > deadline:
                self.journal.fatal(f"the ends of the partitions do not come; next are {self.next_offset}")
            self.turn()
        self.commit()
        self.journal.line("read", sum(self.next_offset.values()))
        self.journal.line("repeated", self.repeated)
        self.journal.line("rebalances", self.rebalances)
        self.consumer.close()

    def turn(self):
        for message in self.consumer.consume(500, 0.3):
            if message.error() is None:
                self.take(message)
            elif message.error().fatal():
                self.journal.fatal("consume:", message.error())
            else:
                self.journal.line("told", message.error().name())
        self.commit()

    def at_end(self):
        return all(self.next_offset.get(partition, 0) >= self.consumer.get_watermark_offsets(TopicPartition(NUMBERS, partition), 10)[1]
                   for partition in range(PARTITIONS))


class Desynchronized(Exception):
    """Its sequence does not follow, says a broker: librdkafka's producer is of no use any more."""


def again(journal, action):
    """Calls until it is done; False when the transaction must be aborted instead."""
    while True:
        try:
            action()
            return True
        except KafkaException as failure:
            error = failure.args[0]
            journal.line("retried", error.name())
            if error.fatal() and error.code() == KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER:
                raise Desynchronized from failure
            if error.txn_requires_abort():
                return False
            if not error.retriable():
                journal.fatal("transaction:", error)


class Mover:
    """Transactions, one after the other."""

    def __init__(self, address, journal):
        self.address, self.journal = address, journal
        self.member = Consumer({**common(address), "group.id": WHOLE_GROUP, "enable.auto.commit": False})
        self.number = 0

    def run(self):
        while not stopping.is_set():
            self.run_producer()
        self.member.close()

    def run_producer(self):
        """Until the end, or until a request that was cut off came late and ended the producer: the broker that gets it takes
        it for the next transaction's, refuses that one's records for its sequence, and librdkafka believes that records are
        lost. So does Kafka (compat/bad-input, "a request of an ended transaction that comes late"). An application makes a
        new producer, whose beginning aborts what is open; the records were not all there, so it was not committed."""
        producer = Producer({**common(self.address), "transactional.id": "mover", "transaction.timeout.ms": 60_000})
        again(self.journal, lambda: producer.init_transactions(30))
        while not stopping.is_set():
            try:
                self.one(producer)
            except Desynchronized:
                self.journal.line("anew", self.number)
                producer.purge()
                return
            finally:
                self.number += 1
            stopping.wait(ROUND_S)

    def one(self, producer):
        producer.begin_transaction()
        with contextlib.suppress(KafkaException):  # of a producer that ended meanwhile; the next call says why
            for partition in range(PARTITIONS):
                producer.produce(WHOLE, str(self.number), partition=partition)
        places, group = [TopicPartition(NUMBERS, 0, self.number + 1)], self.member.consumer_group_metadata()
        done = again(self.journal, lambda: producer.send_offsets_to_transaction(places, group, 30))
        if done and self.number % 5 != 4:
            self.journal.line("try", self.number)
            done = again(self.journal, lambda: producer.commit_transaction(30))
            if done:
                self.journal.line("committed", self.number)
        else:
            done = False
        if not done:
            # What an abort purges from its queue has used up sequence numbers; librdkafka then aborts the next transaction, too.
            again(self.journal, lambda: producer.flush(30))
            again(self.journal, lambda: producer.abort_transaction(30))
            self.journal.line("aborted", self.number)


def transactions(address, journal):
    Mover(address, journal).run()


def main():
    role, address, path = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    journal = Journal(path)
    if role in GROUPS:
        Reader(role, address, journal).run()
    else:
        {"topics": topics, "numbers": numbers, "latest": latest, "transactions": transactions}[role](address, journal)
    journal.line("end")


if __name__ == "__main__":
    main()
