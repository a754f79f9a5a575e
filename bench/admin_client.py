"""One connection to a broker that creates topics and asks for metadata: for figures that a tool's own start would hide."""

import socket
import struct


class AdminClient:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.correlation = 0

    def close(self):
        self.socket.close()

    def _ask(self, key, version, body):
        self.correlation += 1
        frame = struct.pack(">hhih", key, version, self.correlation, 5) + b"bench" + body
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)
        size, = struct.unpack(">i", self._read(4))
        answer = self._read(size)
        correlation, = struct.unpack(">i", answer[:4])
        if correlation != self.correlation:
            raise RuntimeError(f"answer {correlation} to request {self.correlation}")
        return answer[4:]

    def _read(self, size):
        got = bytearray(size)
        view, at = memoryview(got), 0
        while at < size:
            read = self.socket.recv_into(view[at:])
            if read == 0:
                raise RuntimeError("the broker closed the connection")
            at += read
        return bytes(got)

    def create_topic(self, name, partitions):
        """CreateTopics version 4, one topic."""
        text = name.encode()
        body = struct.pack(">ih", 1, len(text)) + text + struct.pack(">ihii", partitions, 1, 0, 0) + struct.pack(">ib", 60_000, 0)
        answer = self._ask(19, 4, body)
        at = 8 + 2 + len(text)  # throttle time, count, name
        error, = struct.unpack(">h", answer[at:at + 2])
        if error != 0:
            raise RuntimeError(f"CreateTopics {name}: error {error}")

    def metadata_size(self):
        """Metadata version 5 of all topics; the answer's size."""
        return len(self._ask(3, 5, struct.pack(">ib", -1, 0)))
