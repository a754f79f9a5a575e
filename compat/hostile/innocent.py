"""The innocent producer: one record every few milliseconds, acknowledged by the leader, in a process of its own.

`worst_ms()` is its longest wait since the last call. A record that is still waiting counts with its age.
"""

import pathlib
import select
import socket
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PAUSE_S = 0.002


class Producer:
    def __init__(self, broker, topic, patience_s=60):
        self.command = [sys.executable, __file__, broker.address, topic, str(patience_s)]
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.worst_ms()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def worst_ms(self):
        """Also waits until the record under way was acknowledged, as long as its patience lasts. Infinite once the broker is gone."""
        try:
            self.process.stdin.write("?\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return float("inf")
        line = self.process.stdout.readline()
        return float(line) if line else float("inf")


def produce(connection, frame):
    """One request and its answer; how long it took, in ms."""
    begin = time.monotonic()
    connection.sendall(frame)
    expected = 4
    data = b""
    while len(data) < expected:
        piece = connection.recv(expected - len(data))
        if not piece:
            raise ConnectionError("the broker closed the connection of the innocent producer")
        data += piece
        if len(data) == 4 and expected == 4:
            expected = 4 + struct.unpack(">i", data)[0]
    return (time.monotonic() - begin) * 1000


def main(address, topic, patience_s):
    sys.path.insert(0, str(HERE.parent / "lib"))
    import batches
    import messages

    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=float(patience_s))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = messages.request("Produce", 9, {
        "Acks": 1, "TimeoutMs": 30_000,
        "TopicData": [{"Name": topic, "PartitionData": [{"Index": 0, "Records": batches.batch()}]}]})
    frame = struct.pack(">i", len(request)) + request
    worst = 0.0
    while True:
        worst = max(worst, produce(connection, frame))
        if select.select([sys.stdin], [], [], PAUSE_S)[0]:
            if not sys.stdin.readline():
                return
            print(worst, flush=True)
            worst = 0.0


if __name__ == "__main__":
    main(*sys.argv[1:])
