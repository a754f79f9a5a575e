"""The measurements of a listener with TLS, beside the listener without, in the same start of the same broker."""

import re
import shutil
import ssl
import subprocess

import measure
from admin_client import AdminClient
from brokers import Broken, Kafka, free_port
from intervals import Interval
from loads import GB, KILOBYTE, consume, measured, produce

# What OpenSSL's clients and servers agree on with TLS 1.3, and the Java ones, too.
CIPHER = "aes-256-gcm"


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
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def settings(self):
        """librdkafka's."""
        return f"security.protocol=ssl,ssl.ca.location={self.certificate}"

    def context(self):
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = False
        return context

    def connect(self, context, session=None):
        """A client that has asked something: TLS 1.3 sends its tickets behind the handshake."""
        client = AdminClient(self.address, lambda raw: context.wrap_socket(raw, session=session, server_hostname="127.0.0.1"))
        client.api_versions()
        return client


def records(broker, load, sizes, samples):
    listener = _Listener(broker, load, sizes)
    cipher_s = _cipher_s_per_gb()
    samples.add("cipher, CPU", broker, cipher_s)
    clients = {"plain": (broker.address, ""), "tls": (listener.address, listener.settings)}
    count, warm = sizes.tls_records, sizes.tls_records // 2
    for name, (address, settings) in clients.items():
        load.run("first-produce", "--broker", address, "--topic", name, *(["--set", settings] if settings else []))
        produce(load, address, f"warm-{name}", warm, KILOBYTE, settings)
        consume(load, address, f"warm-{name}", warm, settings)

    def compare(what, run):
        figures = f"beside TLS {what}", f"TLS {what}"
        for figure, (name, (address, settings)) in zip(figures, clients.items()):
            measured(figure, broker, sizes, samples, load, lambda: run(address, name, settings))
        plain_s, tls_s = (samples.of(f"{figure}, CPU", broker.name)[-1] for figure in figures)
        samples.add(f"TLS {what}, in ciphers", broker, (tls_s - plain_s) / cipher_s)

    compare("produce", lambda address, topic, settings: produce(load, address, topic, count, KILOBYTE, settings))
    # With the record that made the topic.
    compare("consume", lambda address, topic, settings: consume(load, address, topic, count + 1, settings))


def handshakes(broker, load, sizes, samples):
    listener = _Listener(broker, load, sizes)
    context = listener.context()

    def some(count, session):
        resumed = 0
        for _ in range(count):
            client = listener.connect(context, session)
            resumed += client.socket.session_reused
            if session is not None:
                session = client.socket.session
            client.close()
        return resumed

    for name, session in (("full", None), ("resumed", listener.connect(context).socket.session)):
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
    for client in open_ones:
        client.close()


GROUPS = {"tls-records": records, "tls-handshakes": handshakes}
