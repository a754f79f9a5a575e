"""One request, or some at once, and what they cost: the rows of the table."""

import dataclasses
import os
import select
import socket
import struct
import time

# A request that waits for something else is left alone after so long.
PARKED_S = 3
TICK = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Row:
    name: str
    sent: int
    end: str          # "answered", "closed", "parked", "no answer"
    took_s: float
    answer_bytes: int
    cpu_s: float
    grown_mb: float
    worst_ms: float
    alive: bool

    def summary(self):
        return (f"{self.end} after {self.took_s * 1000:.0f} ms, {self.answer_bytes} bytes, CPU {self.cpu_s:.2f} s, "
                f"{self.grown_mb:+.0f} MB, innocent {self.worst_ms:.0f} ms")


def cpu_s(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    except OSError:
        return 0.0


def memory_mb(pid, which):
    """VmRSS or VmHWM."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(which))
    except (OSError, StopIteration):
        return 0.0


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as control:
        control.write("5")


class Target:
    def __init__(self, broker, producer, people, patience_s=60):
        self.broker = broker
        self.producer = producer
        self.population = people
        self.patience_s = patience_s

    def ask(self, name, frames, parks, address):
        pid = self.broker.pid
        self.producer.worst_ms()
        forget_peak(pid)
        before_mb, before_s = memory_mb(pid, "VmRSS"), cpu_s(pid)
        begin = time.monotonic()
        end, answer_bytes = self._exchange(address, b"".join(frames), len(frames),
                                           PARKED_S if parks else self.patience_s)
        took = time.monotonic() - begin
        worst = self.producer.worst_ms()
        alive = self.broker.process.poll() is None
        return Row(name, sum(map(len, frames)), "parked" if parks and end == "no answer" else end, took, answer_bytes,
                   cpu_s(pid) - before_s, memory_mb(pid, "VmHWM") - before_mb, worst, alive)

    def _exchange(self, address, data, expected, deadline_s):
        """Sends while it reads, as a client that pipelines does."""
        host, _, port = address.rpartition(":")
        deadline = time.monotonic() + deadline_s
        seen = 0
        answers = _Frames()
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.setblocking(False)
            rest = memoryview(data)
            while answers.whole < expected:
                left = deadline - time.monotonic()
                if left <= 0:
                    return "no answer", seen
                readable, writable, _ = select.select([connection], [connection] if rest else [], [], left)
                try:
                    if writable:
                        rest = rest[connection.send(rest[:1 << 20]):]
                    if readable:
                        piece = connection.recv(1 << 20)
                        if not piece:
                            return "closed", seen
                        seen += len(piece)
                        answers.add(piece)
                except BlockingIOError:
                    continue
                except (ConnectionResetError, BrokenPipeError):
                    return "closed", seen
        return "answered", seen


class _Frames:
    """Counts the frames in a stream without keeping it."""

    def __init__(self):
        self.whole = 0
        self.head = b""
        self.missing = 0

    def add(self, piece):
        place = 0
        while place < len(piece):
            if self.missing:
                step = min(self.missing, len(piece) - place)
                self.missing -= step
                place += step
                self.whole += self.missing == 0
                continue
            step = min(4 - len(self.head), len(piece) - place)
            self.head += piece[place:place + step]
            place += step
            if len(self.head) == 4:
                self.missing, = struct.unpack(">i", self.head)
                self.head = b""


def table(rows):
    lines = ["| request | end | time | answer | CPU | memory | worst delay of the innocent |", "|---|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda each: -each.worst_ms):
        lines.append(f"| {row.name} | {row.end} | {row.took_s * 1000:.0f} ms | {row.answer_bytes} B | {row.cpu_s:.2f} s | "
                     f"{row.grown_mb:+.1f} MB | {row.worst_ms:.1f} ms |")
    return "\n".join(lines) + "\n"
