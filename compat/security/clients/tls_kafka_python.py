"""kafka-python: ADDRESS TRUSTED CERTIFICATE KEY TOPIC; files of PEM, "-" for no certificate."""

import sys

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

address, trusted, certificate, key, topic = sys.argv[1:]
config = {"bootstrap_servers": address, "security_protocol": "SSL", "ssl_cafile": trusted}
if certificate != "-":
    config.update(ssl_certfile=certificate, ssl_keyfile=key)
try:
    producer = KafkaProducer(**config, max_block_ms=8000)
    producer.send(topic, b"hello").get(15)
    consumer = KafkaConsumer(topic, **config, auto_offset_reset="earliest", consumer_timeout_ms=15000)
    print("in" if next(iter(consumer)).value == b"hello" else "another record")
except KafkaError as error:
    # Of a handshake that failed it says only that no broker is there.
    kind = type(error).__name__
    refused = "NoBrokersAvailable" in kind or "Timeout" in kind or "SSL" in str(error)
    print(("refused: " if refused else "") + f"{kind}: {error}".replace("\n", " "))
