"""A member of a group in a process of its own, and the book of what all members of a group have got.

A member's program is called with ADDRESS GROUP TOPIC KIND and prints, before it goes on:
    r PARTITION OFFSET   a record has arrived; printed before it is committed
    c PARTITION NEXT     a commit of this offset was answered without an error
    lost PARTITION       the partition belongs to it no longer; what it has not committed it will not commit any more
    stopped              it has left in order, which a line on its standard input asks for
"""

import collections
import subprocess
import threading
import time

LATE_S = 2.0


class Book:
    """Deliveries of all members. Written by the reading threads of the members, under the lock."""

    def __init__(self, strict=True):
        self.strict = strict    # what was committed must not come again
        self.lock = threading.Lock()
        self.deliveries = collections.defaultdict(collections.Counter)  # partition -> offset -> how often it came
        self.committed = collections.defaultdict(dict)      # partition -> offset -> (who has committed it, when)
        self.wrong = []

    def delivered(self, member, partition, offset):
        self.deliveries[partition][offset] += 1
        before = self.committed[partition].get(offset)
        # Lines of two processes may overtake each other on their way to us, but not by this much.
        if self.strict and before and time.monotonic() - before[1] > LATE_S:
            self.wrong.append(f"{member} got {partition}:{offset}, which {before[0]} had committed")

    def commit(self, member, partition, offset):
        if self.strict and offset in self.committed[partition]:
            self.wrong.append(f"{member} committed {partition}:{offset}, as {self.committed[partition][offset][0]} had")
        self.committed[partition][offset] = (member, time.monotonic())

    def missing(self, ends):
        with self.lock:
            return {partition: end - len(self.deliveries[partition]) for partition, end in ends.items()
                    if len(self.deliveries[partition]) < end}

    def repeated(self):
        with self.lock:
            return sum(count - 1 for counts in self.deliveries.values() for count in counts.values())


class Member:
    """Lives in the scenario's thread, with a thread of its own that reads what the program says."""

    def __init__(self, name, command, book, log_path, environment):
        self.name = name
        self.book = book
        self.pending = collections.defaultdict(set)    # partition -> offsets delivered and not committed
        self.recent = {}                               # partition -> when something came of it last
        self.losses = 0                                # how often it has lost a partition
        self.stopped = False
        self.log = open(log_path, "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env=environment)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.book.lock:
                self._take(line.split())

    def _take(self, words):
        if words == ["stopped"]:
            self.stopped = True
            return
        kind, partition = words[0], int(words[1])
        if kind == "r":
            offset = int(words[2])
            self.book.delivered(self.name, partition, offset)
            self.pending[partition].add(offset)
            self.recent[partition] = time.monotonic()
        elif kind == "c":
            for offset in self.pending[partition]:
                if offset < int(words[2]):
                    self.book.commit(self.name, partition, offset)
            self.pending[partition] = {offset for offset in self.pending[partition] if offset >= int(words[2])}
        elif kind == "lost":
            self.pending[partition] = set()
            self.losses += 1
            self.recent.pop(partition, None)

    def partitions(self, since):
        """Those of which something came since then."""
        with self.book.lock:
            return {partition for partition, when in self.recent.items() if when >= since}

    def alive(self):
        return self.process.poll() is None

    def stop(self, deadline_s=60):
        self.process.stdin.write("stop\n")
        self.process.stdin.close()
        code = self.process.wait(deadline_s)
        self.reader.join(10)
        self.log.close()
        if code != 0 or not self.stopped:
            raise AssertionError(f"{self.name} ended with {code}{'' if self.stopped else ' without saying that it stopped'}")

    def kill(self):
        self.process.kill()
        self.process.wait(20)
        self.reader.join(10)
        self.log.close()
