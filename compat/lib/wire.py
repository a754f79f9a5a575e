"""A few requests by hand, for what a suite's own client cannot ask: plain sockets, old non-flexible versions."""

import socket
import struct

import client_security
import wait

API_VERSIONS = 18
CREATE_TOPICS = 19
INIT_PRODUCER_ID = 22
COORDINATOR_LOAD_IN_PROGRESS = 14


class Connection:
    """One blocking connection; a request is answered before the next is sent."""

    def __init__(self, address, timeout_s=30):
        host, _, port = address.rpartition(":")
        self.host = host.strip("[]")
        self.socket = socket.create_connection((self.host, int(port)), timeout=timeout_s)
        self.correlation_id = 0
        try:
            client_security.log_in(self)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def request(self, api_key, version, body):
        """Sends one request with header v1 and returns the answer's body."""
        self.correlation_id += 1
        payload = struct.pack(">hhi", api_key, version, self.correlation_id) + string("milena-compat") + body
        self.socket.sendall(struct.pack(">i", len(payload)) + payload)
        size, = struct.unpack(">i", self._read(4))
        answer = self._read(size)
        correlation_id, = struct.unpack_from(">i", answer)
        assert correlation_id == self.correlation_id, "an answer to another request"
        return answer[4:]

    def _read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the broker closed the connection")
            data += piece
        return data


def string(text):
    if text is None:
        return struct.pack(">h", -1)
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def advertised(address):
    """API key -> (oldest, newest) of what the broker offers."""
    with Connection(address) as connection:
        answer = connection.request(API_VERSIONS, 0, b"")
    error, count = struct.unpack_from(">hi", answer)
    assert error == 0, f"ApiVersions answered error {error}"
    return {key: (oldest, newest) for key, oldest, newest in struct.iter_unpack(">hhh", answer[6:6 + 6 * count])}


def create_topic(address, name, partitions, configs=None):
    """CreateTopics v4; returns the error code, 0 once every partition can be used."""
    body = struct.pack(">i", 1) + string(name) + struct.pack(">ihi", partitions, 1, 0)
    body += struct.pack(">i", len(configs or {}))
    for key, value in (configs or {}).items():
        body += string(key) + string(value)
    body += struct.pack(">ib", 30_000, 0)
    with Connection(address) as connection:
        answer = connection.request(CREATE_TOPICS, 4, body)
    _throttle_ms, count, length = struct.unpack_from(">iih", answer)
    assert count == 1 and answer[10:10 + length].decode() == name, "CreateTopics answered another topic"
    return struct.unpack_from(">h", answer, 10 + length)[0]


def init_producer_id(address):
    """InitProducerId v1 without a transactional id; returns (producer id, epoch)."""
    with Connection(address) as connection:
        def answered():
            answer = connection.request(INIT_PRODUCER_ID, 1, string(None) + struct.pack(">i", 60_000))
            _throttle_ms, error, producer_id, epoch = struct.unpack(">ihqh", answer)
            # Kafka says so while it fetches its first block of ids; clients ask again.
            if error == COORDINATOR_LOAD_IN_PROGRESS:
                return None
            assert error == 0, f"InitProducerId answered error {error}"
            return producer_id, epoch

        return wait.until(answered, "InitProducerId is answered with an id")
