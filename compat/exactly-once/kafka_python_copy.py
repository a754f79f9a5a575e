"""Copies numbers by transactions with kafka-python: ADDRESS FROM TO GROUP TRANSACTIONAL-ID SEED. Ends at anything odd."""

import faulthandler
import random
import signal
import sys

from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata

faulthandler.register(signal.SIGQUIT)
TRANSACTION_DEADLINE_S = 40
address, source, to, group, transactional_id, seed = sys.argv[1:]
rng = random.Random(int(seed))
producer = KafkaProducer(bootstrap_servers=address, transactional_id=transactional_id, transaction_timeout_ms=20_000)
producer.init_transactions()
consumer = KafkaConsumer(source, bootstrap_servers=address, group_id=group, enable_auto_commit=False,
                         isolation_level="read_committed", auto_offset_reset="earliest", session_timeout_ms=6_000,
                         heartbeat_interval_ms=1_000, max_poll_records=300)
print("ready", flush=True)
while True:
    batches = consumer.poll(5_000)  # why so long: ../groups/kafka_python_poll.py
    if not batches:
        continue
    # A request of a transaction whose coordinator cannot be reached just when it is due is lost in the client
    # (Sender._maybe_send_pending_request: await_ready raises with the node known, and nothing puts the request back), and its
    # caller waits for ever. Then this program ends, and is started again.
    signal.alarm(TRANSACTION_DEADLINE_S)
    producer.begin_transaction()
    sent = [producer.send(to, value=record.value, key=record.key, partition=partition.partition)
            for partition, records in batches.items() for record in records]
    offsets = {partition: OffsetAndMetadata(records[-1].offset + 1, "", -1) for partition, records in batches.items()}
    producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
    if rng.random() < 0.2:
        producer.abort_transaction()
        for partition, records in batches.items():
            consumer.seek(partition, records[0].offset)
    else:
        for future in sent:
            future.get(timeout=30)
        producer.commit_transaction()
    signal.alarm(0)
