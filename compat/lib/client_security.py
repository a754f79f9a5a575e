"""How the clients of a suite log in: one place for each language reads the file that `--secured` names in the environment.

The file has lines KEY=VALUE: those of Kafka's Java clients, and sasl.username, sasl.password and ssl.ca.location of librdkafka
beside them. Java reads it in java/common/Security.java, Go in go/security, kafkajs in groups/member_kafkajs.js. Nothing here does anything
when the variable is not set.
"""

import base64
import hashlib
import hmac
import os
import pathlib
import ssl
import struct

VARIABLE = "MILENA_CLIENT_SECURITY"
LIBRDKAFKA_KEYS = ("security.protocol", "sasl.mechanism", "sasl.username", "sasl.password", "ssl.ca.location")
SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36


def path():
    return os.environ.get(VARIABLE)


def settings():
    """What the file holds; empty when clients need no login."""
    lines = pathlib.Path(path()).read_text().splitlines() if path() else []
    return dict(line.split("=", 1) for line in lines)


def librdkafka():
    found = settings()
    return {key: found[key] for key in LIBRDKAFKA_KEYS if found}


def kafka_python(*classes):
    """Every object that is made of these classes from now on logs in."""
    found = settings()
    for one in classes if found else ():
        one.DEFAULT_CONFIG = {**one.DEFAULT_CONFIG, "security_protocol": found["security.protocol"],
                              "ssl_cafile": found["ssl.ca.location"], "sasl_mechanism": found["sasl.mechanism"],
                              "sasl_plain_username": found["sasl.username"], "sasl_plain_password": found["sasl.password"]}


def tool(name, version):
    """Arguments for a command line tool of Kafka."""
    if not path():
        return []
    flag = "--command-config"
    if version.startswith("3."):
        producers = {"ConsoleProducer", "ProducerPerformance", "VerifiableProducer"}
        consumers = {"ConsoleConsumer", "ConsumerPerformance", "VerifiableConsumer"}
        kind = name.rsplit(".", 1)[-1]
        flag = "--producer.config" if kind in producers else "--consumer.config" if kind in consumers else flag
    return [flag, path()]


def log_in(connection):
    """TLS and SCRAM-SHA-512 on a wire.Connection that has just been opened."""
    found = settings()
    if not found:
        return
    context = ssl.create_default_context(cafile=found["ssl.ca.location"])
    connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.host)
    mechanism = found["sasl.mechanism"].encode()
    answer = connection.request(SASL_HANDSHAKE, 1, struct.pack(">h", len(mechanism)) + mechanism)
    error, = struct.unpack_from(">h", answer)
    assert error == 0, f"SaslHandshake answered error {error}"
    nonce = base64.b64encode(os.urandom(18)).decode()
    bare = f"n={found['sasl.username']},r={nonce}"
    first = _authenticate(connection, "n,," + bare)
    parts = dict(part.split("=", 1) for part in first.split(","))
    assert parts["r"].startswith(nonce), "the broker's nonce is not an answer to ours"
    salted = hashlib.pbkdf2_hmac("sha512", found["sasl.password"].encode(), base64.b64decode(parts["s"]), int(parts["i"]))
    last = f"c=biws,r={parts['r']}"
    signed = f"{bare},{first},{last}".encode()
    key = hmac.digest(salted, b"Client Key", "sha512")
    signature = hmac.digest(hashlib.sha512(key).digest(), signed, "sha512")
    proof = bytes(a ^ b for a, b in zip(key, signature))
    final = _authenticate(connection, f"{last},p={base64.b64encode(proof).decode()}")
    expected = hmac.digest(hmac.digest(salted, b"Server Key", "sha512"), signed, "sha512")
    assert final == f"v={base64.b64encode(expected).decode()}", f"the broker does not know the password: {final}"


def _authenticate(connection, text):
    """SaslAuthenticate v0."""
    answer = connection.request(SASL_AUTHENTICATE, 0, struct.pack(">i", len(text)) + text.encode())
    error, length = struct.unpack_from(">hh", answer)
    place = 4 + max(length, 0)
    assert error == 0, f"SaslAuthenticate answered error {error}: {answer[4:place].decode()}"
    size, = struct.unpack_from(">i", answer, place)
    return answer[place + 4:place + 4 + size].decode()
