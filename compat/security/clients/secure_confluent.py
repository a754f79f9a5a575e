"""librdkafka (confluent-kafka): ADDRESS MECHANISM USER SECRET TOPIC."""

import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

address, mechanism, user, secret, topic = sys.argv[1:]
refusals = []


def on_error(error):
    if error.code() == KafkaError._AUTHENTICATION:
        refusals.append(error.str())


config = {"bootstrap.servers": address, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism, "error_cb": on_error}
if mechanism == "OAUTHBEARER":
    config["oauth_cb"] = lambda _: (secret, time.time() + 3600, user, {})
else:
    config.update({"sasl.username": user, "sasl.password": secret})
producer = Producer(config)
producer.produce(topic, b"hello")
deadline = time.time() + 20
while time.time() < deadline and not refusals and producer.flush(0.2):
    pass
if refusals:
    print("refused: " + refusals[0])
    sys.exit()
consumer = Consumer({**config, "group.id": topic, "auto.offset.reset": "earliest"})
consumer.subscribe([topic])
while time.time() < deadline:
    record = consumer.poll(0.5)
    if record is not None and not record.error():
        print("in" if record.value() == b"hello" else "another record")
        break
else:
    print("no record")
