"""kafka-python: ADDRESS MECHANISM USER SECRET TOPIC."""

import sys

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

address, mechanism, user, secret, topic = sys.argv[1:]


def credentials():
    if mechanism != "OAUTHBEARER":
        return {"sasl_plain_username": user, "sasl_plain_password": secret}
    try:
        from kafka.sasl.oauth import AbstractTokenProvider
    except ImportError:
        from kafka.net.sasl.oauth import AbstractTokenProvider

    class Provider(AbstractTokenProvider):
        def token(self):
            return secret

    return {"sasl_oauth_token_provider": Provider()}


config = {"bootstrap_servers": address, "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": mechanism, **credentials()}
try:
    producer = KafkaProducer(**config, max_block_ms=8000)
    producer.send(topic, b"hello").get(15)
    consumer = KafkaConsumer(topic, **config, auto_offset_reset="earliest", consumer_timeout_ms=15000)
    print("in" if next(iter(consumer)).value == b"hello" else "another record")
except KafkaError as error:
    # Of a refusal while it bootstraps it says only that it cannot; what the broker said is in its log.
    kind = type(error).__name__
    print(("refused: " if "Auth" in kind or "Sasl" in kind or "Unable to bootstrap" in str(error) else "") + f"{kind}: {error}".replace("\n", " "))
