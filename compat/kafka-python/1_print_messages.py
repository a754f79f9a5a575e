"""A consumer without a group waits at the end of `test_topic`; a producer without serializers sends a hundred messages."""

import threading

from common import KafkaConsumer, address, checks, compare, finish, forget, now_ms, take, wait_until_reading
from kafka import KafkaProducer

forget(["test_topic"])

with checks.check("the waiting consumer prints message 0 to message 99"):
    reading = threading.Event()
    received = []
    failure = []

    def consume():
        consumer = KafkaConsumer("test_topic", bootstrap_servers=address)
        try:
            received.extend(wait_until_reading(consumer))
            reading.set()
            received.extend(take(consumer, 100 - len(received)))
        except Exception as error:
            failure.append(error)
            reading.set()
        finally:
            consumer.close()

    thread = threading.Thread(target=consume)
    thread.start()
    reading.wait()
    producer = KafkaProducer(bootstrap_servers=address)
    begin_ms = now_ms()
    for number in range(100):
        producer.send("test_topic", f"message {number}".encode())
    producer.flush()
    end_ms = now_ms()
    thread.join()
    producer.close()
    if failure:
        raise failure[0]
    compare(received, [{"value": f"message {number}".encode(), "from_ms": begin_ms, "to_ms": end_ms} for number in range(100)])

finish()
