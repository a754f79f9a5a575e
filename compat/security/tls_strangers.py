"""Ten thousand connections that never finish a handshake, and handshakes byte by byte: the broker's memory is bounded, and
clients that are there are answered as before.
"""

import socket
import ssl
import struct
import time

import broker as brokers
from certificates import PASSWORD, Authority

STRANGERS = 10_000
MOST = 2_000  # milena.unauthenticated.connections.max
# Most memory that the broker may use for them: its own 30 KB for a connection with a handshake under way, and some.
MOST_MORE_KB = MOST * 60
MOST_WAIT_S = 2.0
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 7, -1)
HELLO_START = bytes.fromhex("16030100c8010000c40303") + bytes(32)


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def ask(connection):
    """How long an ApiVersions takes."""
    begin = time.monotonic()
    connection.sendall(API_VERSIONS)
    size = struct.unpack(">i", receive(connection, 4))[0]
    receive(connection, size)
    return time.monotonic() - begin


def receive(connection, count):
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            raise AssertionError("the broker closed the connection of a client in good standing")
        found += part
    return found


def body(run):
    if run.choice.kind != "milena" or not run.wanted("strangers"):
        return
    folder = run.work_dir / "strangers"
    folder.mkdir()
    authority = Authority(folder, "ca")
    authority.issue("broker", "/CN=broker", "localhost")
    port, secured = brokers.free_port(), brokers.free_port()
    listeners = f"PLAINTEXT://127.0.0.1:{port},SSL://localhost:{secured}"
    settings = {"listeners": listeners, "advertised.listeners": listeners, "ssl.keystore.type": "PKCS12",
                "ssl.keystore.location": authority.store("broker"), "ssl.keystore.password": PASSWORD}
    with brokers.MilenaBroker(run.work_dir / "strangers-broker", settings, port).start() as broker:
        context = ssl.create_default_context(cafile=authority.pem("ca"))
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        good = context.wrap_socket(socket.create_connection(("localhost", secured), timeout=20),
                                   server_hostname="localhost")
        before = rss_kb(broker.pid)
        slowest = 0.0
        strangers = []
        with run.checks.check("strangers: clients in good standing are answered meanwhile"):
            for i in range(STRANGERS):
                stranger = socket.create_connection(("localhost", secured), timeout=20)
                if i % 2:
                    stranger.send(HELLO_START[:1 + i % len(HELLO_START)])
                strangers.append(stranger)
                if i % 200 == 0:
                    slowest = max(slowest, ask(plain), ask(good))
            if slowest > MOST_WAIT_S:
                raise AssertionError(f"a request took {slowest:.2f} s")
        with run.checks.check("strangers: memory is bounded"):
            more = rss_kb(broker.pid) - before
            if more > MOST_MORE_KB:
                raise AssertionError(f"{more} KB more than before")
        with run.checks.check("strangers: a new client still gets in"):
            late = context.wrap_socket(socket.create_connection(("localhost", secured), timeout=20),
                                       server_hostname="localhost")
            ask(late)
        print(f"# {STRANGERS} strangers: {more} KB more, the slowest answer after {slowest * 1000:.0f} ms")
        for stranger in strangers:
            stranger.close()
