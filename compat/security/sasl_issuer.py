"""Keys of an issuer behind a real server, over HTTP and HTTPS: they are fetched, exchanged, and outlive the server.

The client here is a few frames of the protocol: what a client library does with a token is the affair of sasl_clients.
"""

import http.server
import socket
import ssl
import struct
import threading
import time

import broker as brokers
import tokens
import wait
from certificates import Authority

JAAS = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"


class Issuer:
    """Serves one text to whoever asks for /keys."""

    def __init__(self, context=None):
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                issuer.asked += 1
                found = self.path == "/keys"
                body = issuer.text.encode() if found else b""
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.text, self.asked = "", 0
        self.server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def frame(connection, key, version, body):
    connection.sendall(struct.pack(">ihhih", len(body) + 10, key, version, 1, -1) + body)
    size = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))[0]
    return connection.recv(size, socket.MSG_WAITALL)[4:]


def lets_in(port, token):
    message = f"n,,\x01auth=Bearer {token}\x01\x01".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        frame(connection, 17, 1, struct.pack(">h", 11) + b"OAUTHBEARER")
        answer = frame(connection, 36, 1, struct.pack(">i", len(message)) + message)
        # No error, and no message; a refusal of the mechanism's own is a challenge.
        return answer[:2] == bytes(2) and answer[4:8] == bytes(4)


def check_issuer(run, name, issuer, trusted, keys):
    port, sasl_port = brokers.free_port(), brokers.free_port()
    listeners = f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port}"
    own = "listener.name.sasl_plaintext.oauthbearer"
    scheme = "https" if trusted else "http"
    settings = {
        "listeners": listeners, "advertised.listeners": listeners, "sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{own}.sasl.oauthbearer.jwks.endpoint.url": f"{scheme}://localhost:{issuer.port}/keys",
        f"{own}.sasl.oauthbearer.expected.audience": "kafka",
        f"{own}.sasl.jaas.config": f'{JAAS} ssl.truststore.location="{trusted}";' if trusted else f"{JAAS};",
    }
    first, second = keys
    issuer.text = tokens.jwks(first)
    with brokers.MilenaBroker(run.work_dir / f"issuer-{name}", settings, port).start():
        with run.checks.check(f"issuer {name}: a token of a key that it serves lets in"):
            wait.until(lambda: lets_in(sasl_port, first.sign("alice")), "the keys are there", 20)
        with run.checks.check(f"issuer {name}: a token of another key does not"):
            assert not lets_in(sasl_port, second.sign("alice"))
        with run.checks.check(f"issuer {name}: a new key is fetched when a token names it, and not for each of them"):
            issuer.text = tokens.jwks(second)
            before, begin = issuer.asked, time.monotonic()
            wait.until(lambda: lets_in(sasl_port, second.sign("alice")), "the new key is there", 30)
            assert issuer.asked - before <= 2 + (time.monotonic() - begin) / 10, "it was asked too often"
        with run.checks.check(f"issuer {name}: keys stay when it is gone"):
            issuer.stop()
            assert lets_in(sasl_port, second.sign("alice"))
            assert not lets_in(sasl_port, second.sign("alice", -3600))


def body(run):
    if run.choice.kind != "milena" or not run.wanted("issuer"):
        return
    folder = run.work_dir / "issuer"
    folder.mkdir()
    keys = [tokens.Key(folder / f"{name}.pem", name) for name in ("k1", "k2")]
    check_issuer(run, "http", Issuer(), None, keys)
    authority = Authority(folder, "ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("issuer", "/CN=issuer", "localhost"))
    check_issuer(run, "https", Issuer(context), authority.pem("ca"), keys)
