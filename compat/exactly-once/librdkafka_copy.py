"""Copies numbers by transactions with librdkafka: ADDRESS FROM TO GROUP TRANSACTIONAL-ID SEED. Ends at anything odd."""

import faulthandler
import random
import signal
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

faulthandler.register(signal.SIGQUIT)
address, source, to, group, transactional_id, seed = sys.argv[1:]
rng = random.Random(int(seed))
# Without re-bootstrap: librdkafka 2.16 decommissions the broker then and still waits, for ever, for the one that it knows as the
# group's coordinator (send_offsets_to_transaction does not come back, and no request is on its way), with Apache Kafka 4.3.1 too:
# https://github.com/confluentinc/librdkafka/issues/5511.
common = {"bootstrap.servers": address, "reconnect.backoff.max.ms": 200, "metadata.recovery.strategy": "none"}
producer = Producer({**common, "transactional.id": transactional_id, "transaction.timeout.ms": 20_000})
consumer = Consumer({**common, "group.id": group, "enable.auto.commit": False, "isolation.level": "read_committed",
                     "auto.offset.reset": "earliest", "session.timeout.ms": 6_000, "heartbeat.interval.ms": 1_000})
producer.init_transactions(30)
print("ready", flush=True)
consumer.subscribe([source])
while True:
    messages = [message for message in consumer.consume(300, 0.2) if not message.error()]
    if not messages:
        continue
    first, after = {}, {}
    producer.begin_transaction()
    for message in messages:
        producer.produce(to, message.value(), key=message.key(), partition=message.partition())
        producer.poll(0)
        first.setdefault(message.partition(), message.offset())
        after[message.partition()] = message.offset() + 1
    producer.send_offsets_to_transaction([TopicPartition(source, index, offset) for index, offset in after.items()],
                                         consumer.consumer_group_metadata(), 30)
    if rng.random() < 0.2:
        producer.abort_transaction(30)
        for index, offset in first.items():
            consumer.seek(TopicPartition(source, index, offset))
    else:
        producer.commit_transaction(30)
