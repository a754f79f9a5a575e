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

    def create_topics(self, names, partitions):
        """CreateTopics version 4, all in one request."""
        texts = [name.encode() for name in names]
        body = struct.pack(">i", len(texts))
        for text in texts:
            body += struct.pack(">h", len(text)) + text + struct.pack(">ihii", partitions, 1, 0, 0)
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

    def metadata_size(self):
        """Metadata version 5 of all topics; the answer's size."""
        return len(self._ask(3, 5, struct.pack(">ib", -1, 0)))
