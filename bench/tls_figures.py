"""The measurements of a listener with TLS, beside the listener without, in the same start of the same broker."""

import os
import re
import shutil
import socket
import ssl
import struct
import subprocess

import measure
from brokers import Broken, Kafka, free_port
from intervals import Interval

KILOBYTE = 1024
GB = 1e9
# What OpenSSL's clients and servers agree on with TLS 1.3, and the Java ones, too.
CIPHER = "aes-256-gcm"
API_VERSIONS = struct.pack(">ihhih", 4 + 8, 18, 0, 1, 2) + b"me"


def _openssl(*words):
    if not shutil.which("openssl"):
        raise Broken("openssl is missing (Debian: apt-get install openssl)")
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Broken(f"openssl {words[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout + done.stderr


def _cipher_s_per_gb():
    """What encryption alone costs on one processor, in records as large as those of TLS."""
    printed = _openssl("speed", "-mr", "-elapsed", "-seconds", 2, "-bytes", 16384, "-evp", CIPHER)
    found = re.search(r"^\+F:\d+:[^:]+:([\d.]+)", printed, re.MULTILINE)
    if not found:
        raise Broken(f"openssl speed does not print a speed: {printed[-300:]}")
    return GB / float(found[1])


class _Listener:
    """A broker with a second listener, for TLS."""

    def __init__(self, broker, load, sizes):
        self.broker = broker
        self.port = free_port()
        broker.settings = {}
        broker.empty()
        certificate, key = broker.dir.parent / "tls.crt", broker.dir.parent / "tls.key"
        if not certificate.exists():
            _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", "/CN=localhost",
                     "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate)
        store = broker.dir.parent / "tls.pem"
        store.write_text(key.read_text() + certificate.read_text())
        self.certificate = certificate
        addresses = f"PLAINTEXT://{broker.address},SSL://127.0.0.1:{self.port}"
        settings = {"listeners": addresses, "ssl.keystore.type": "PEM", "ssl.keystore.location": store}
        if isinstance(broker, Kafka):
            settings |= {"listeners": f"{addresses},CONTROLLER://127.0.0.1:{broker.controller_port}", "advertised.listeners": addresses,
                         "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL"}
        broker.settings = settings
        broker.empty()
        load.touch_file(sizes.file_gb, broker.dir)
        broker.start()
        broker.wait_until_idle()

    @property
    def words(self):
        return ["--broker", f"127.0.0.1:{self.port}"], f"security.protocol=ssl,ssl.ca.location={self.certificate}"

    def context(self):
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = False
        return context

    def connect(self, context, session=None):
        """A connection that was asked something: TLS 1.3 sends its tickets behind the handshake."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = context.wrap_socket(raw, session=session, server_hostname="127.0.0.1")
        connection.sendall(API_VERSIONS)
        size, = struct.unpack(">i", self._read(connection, 4))
        self._read(connection, size)
        return connection

    @staticmethod
    def _read(connection, size):
        got = b""
        while len(got) < size:
            piece = connection.recv(size - len(got))
            if not piece:
                raise Broken("the broker closed a connection with TLS")
            got += piece
        return got


def records(broker, load, sizes, samples):
    listener = _Listener(broker, load, sizes)
    cipher_s = _cipher_s_per_gb()
    samples.add("cipher, CPU", broker, cipher_s)
    plain, secured = (["--broker", broker.address], ""), listener.words
    count, warm = sizes.tls_records, sizes.tls_records // 2

    def produce(to, topic, records):
        words, settings = to
        return load.run("produce", *words, "--topic", topic, "--records", records, "--size", KILOBYTE,
                        "--set", ",".join(filter(None, ("acks=1,linger.ms=5", settings))))

    def consume(to, topic, records):
        words, settings = to
        return load.run("consume", *words, "--topic", topic, "--records", records, *(["--set", settings] if settings else []))

    def measured(run, *words):
        os.sync()
        load.touch_file(sizes.file_gb, broker.dir)
        with Interval(broker, samples) as used:
            answer = run(*words)
            used.client_cpu_s = answer["cpu_s"]
        return used.cpu_s / (answer["bytes"] / GB), answer["bytes"] / 1e6 / answer["seconds"]

    for name, to in (("plain", plain), ("tls", secured)):
        load.run("first-produce", *to[0], "--topic", name, *(["--set", to[1]] if to[1] else []))
        produce(to, f"warm-{name}", warm)
        consume(to, f"warm-{name}", warm)
    for what, run, records_there in (("produce", produce, count), ("consume", consume, count + 1)):
        without_s, _ = measured(run, plain, "plain", records_there)
        with_s, speed = measured(run, secured, "tls", records_there)
        samples.add(f"beside TLS {what}, CPU", broker, without_s)
        samples.add(f"TLS {what}, CPU", broker, with_s)
        samples.add(f"TLS {what}, in ciphers", broker, (with_s - without_s) / cipher_s)
        samples.add(f"TLS {what}, throughput", broker, speed)


def handshakes(broker, load, sizes, samples):
    listener = _Listener(broker, load, sizes)
    context = listener.context()

    def some(count, session):
        resumed = 0
        for _ in range(count):
            connection = listener.connect(context, session)
            resumed += connection.session_reused
            if session is not None:
                session = connection.session
            connection.close()
        return resumed

    for name, session in (("full", None), ("resumed", listener.connect(context).session)):
        some(sizes.handshakes, session)  # not counted: the JVM compiles
        with Interval(broker, samples) as used:
            resumed = some(sizes.handshakes, session)
        if resumed == 0 and session is not None and isinstance(broker, Kafka):
            continue  # it takes no ticket back
        if resumed != (0 if session is None else sizes.handshakes):
            raise Broken(f"{resumed} of {sizes.handshakes} handshakes were resumed, which were to be {name}")
        samples.add(f"handshakes, {name}", broker, sizes.handshakes / used.cpu_s)

    broker.wait_until_idle()
    before, _ = measure.memory_mb(broker.pid)
    open_ones = [listener.connect(context) for _ in range(sizes.tls_connections)]
    broker.wait_until_idle()
    after, _ = measure.memory_mb(broker.pid)
    samples.add("memory of a TLS connection", broker, (after - before) * 1e6 / 1024 / len(open_ones))
    for connection in open_ones:
        connection.close()


GROUPS = {"tls-records": records, "tls-handshakes": handshakes}
