"""One connection to a broker that creates topics, asks for metadata and makes transactional ids: for figures that a tool's
own start would hide, or that no tool can make in such numbers."""

import socket
import struct
import time

# Of a transaction coordinator that is not there yet: NOT_AVAILABLE, LOAD_IN_PROGRESS, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS.
PASSING = (14, 15, 16, 51)


def _crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def _batch_of_one_record():
    record = b"\0\0\0\1\2x\0"  # attributes, timestamp and offset deltas, no key, the value x, no headers
    now_ms = int(1000 * time.time())
    checked = struct.pack(">hiqqqhii", 0, 0, now_ms, now_ms, -1, -1, -1, 1) + bytes([2 * len(record)]) + record
    rest = struct.pack(">ibI", -1, 2, _crc32c(checked)) + checked
    return struct.pack(">qi", 0, len(rest)) + rest


class AdminClient:
    def __init__(self, address, wrap=lambda raw: raw):
        """`wrap` makes the socket that is used of the one that is connected: TLS."""
        host, port = address.rsplit(":", 1)
        raw = socket.create_connection((host, int(port)), timeout=120)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = wrap(raw)
        self.correlation = 0

    def close(self):
        self.socket.close()

    def _request(self, key, version, body):
        self.correlation += 1
        frame = struct.pack(">hhih", key, version, self.correlation, 5) + b"bench" + body
        return struct.pack(">i", len(frame)) + frame

    def _answer(self, expected):
        size, = struct.unpack(">i", self._read(4))
        answer = self._read(size)
        correlation, = struct.unpack(">i", answer[:4])
        if correlation != expected:
            raise RuntimeError(f"answer {correlation} to request {expected}")
        return answer[4:]

    def _ask(self, key, version, body):
        self.socket.sendall(self._request(key, version, body))
        return self._answer(self.correlation)

    def _read(self, size):
        got = bytearray(size)
        view, at = memoryview(got), 0
        while at < size:
            read = self.socket.recv_into(view[at:])
            if read == 0:
                raise RuntimeError("the broker closed the connection")
            at += read
        return bytes(got)

    def api_versions(self):
        return self._ask(18, 0, b"")

    def create_topics(self, names, partitions, replicas=1, assignment=()):
        """CreateTopics version 4, all in one request. `assignment` has the brokers of each partition, in place of the numbers."""
        texts = [name.encode() for name in names]
        placed = struct.pack(">ihi", -1, -1, len(assignment)) if assignment else struct.pack(">ihi", partitions, replicas, 0)
        for index, ids in enumerate(assignment):
            placed += struct.pack(f">ii{len(ids)}i", index, len(ids), *ids)
        body = struct.pack(">i", len(texts))
        for text in texts:
            body += struct.pack(">h", len(text)) + text + placed + struct.pack(">i", 0)
        answer = self._ask(19, 4, body + struct.pack(">ib", 60_000, 0))
        at = 8  # throttle time, count
        for _ in texts:
            length, = struct.unpack_from(">h", answer, at)
            name = answer[at + 2:at + 2 + length].decode()
            at += 2 + length
            error, message_length = struct.unpack_from(">hh", answer, at)
            at += 4 + max(message_length, 0)
            if error != 0:
                raise RuntimeError(f"CreateTopics {name}: error {error}")

    def _find_transaction_coordinator(self, name):
        """FindCoordinator version 1, which has the coordinator's topic made."""
        text = name.encode()
        answer = self._ask(10, 1, struct.pack(">h", len(text)) + text + b"\1")
        return struct.unpack(">ih", answer[:6])[1]

    def init_producer_ids(self, names, deadline_s=120, in_flight=200):
        """InitProducerId version 1 for each transactional id, many at once; those that the broker puts off are asked again."""
        end = time.monotonic() + deadline_s
        while self._find_transaction_coordinator(names[0]) in PASSING:
            self._pause(end)
        open_names = list(names)
        while open_names:
            put_off = []
            for first in range(0, len(open_names), in_flight):
                part, before = open_names[first:first + in_flight], self.correlation
                self.socket.sendall(b"".join(
                    self._request(22, 1, struct.pack(">h", len(name)) + name.encode() + struct.pack(">i", 60_000)) for name in part))
                for place, name in enumerate(part):
                    _, error = struct.unpack(">ih", self._answer(before + 1 + place)[:6])
                    if error in PASSING:
                        put_off.append(name)
                    elif error != 0:
                        raise RuntimeError(f"InitProducerId {name}: error {error}")
            open_names = put_off
            if open_names:
                self._pause(end)

    @staticmethod
    def _pause(end, seconds=0.002):
        """Between two looks at something that nobody announces."""
        if time.monotonic() > end:
            raise RuntimeError("the transaction coordinator does not answer")
        time.sleep(seconds)

    def produce_one_to_each(self, topic, partitions):
        """Produce version 3: one record for each partition of the topic, all in one request."""
        text, batch = topic.encode(), _batch_of_one_record()
        body = struct.pack(">hhiih", -1, -1, 60_000, 1, len(text)) + text + struct.pack(">i", partitions)
        body += b"".join(struct.pack(">ii", index, len(batch)) + batch for index in range(partitions))
        answer = self._ask(0, 3, body)
        at = 4 + 2 + len(text) + 4
        for _ in range(partitions):
            index, error = struct.unpack_from(">ih", answer, at)
            at += 22  # with the base offset and the append time
            if error != 0:
                raise RuntimeError(f"Produce {topic}-{index}: error {error}")

    def metadata_size(self):
        """Metadata version 5 of all topics; the answer's size."""
        return len(self._ask(3, 5, struct.pack(">ib", -1, 0)))
