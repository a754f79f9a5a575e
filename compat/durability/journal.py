"""The client's own record of what was acknowledged: one text line an event, written at once, read by the checks.

    base MS                                      record N of a stream has the timestamp MS + N
    ack STREAM TOPIC PARTITION SEQUENCE OFFSET   a record was acknowledged
    end STREAM TOPIC PARTITION COUNT             a stream is over, all COUNT records were acknowledged
    topic NAME PARTITIONS                        CreateTopics answered without error
    deleting NAME, deleted NAME                  DeleteTopics was sent; it answered without error
    try GROUP TOPIC PARTITION OFFSET             an offset commit was sent
    commit GROUP TOPIC PARTITION OFFSET          it was acknowledged
    done GRANT                                   everything of this grant was acknowledged
    fatal TEXT                                   the client cannot go on

Used by the writer and the reader (in their virtualenv) and by the parent; standard library only.
"""

import collections
import hashlib
import os

PADDING_REPEATS = 9


def record_value(stream, sequence):
    """Content that a reader can compute again; about 600 bytes, so that a MiB segment fills quickly."""
    digest = hashlib.sha256(f"{stream} {sequence}".encode()).hexdigest()
    return f"{stream} {sequence} {digest * PADDING_REPEATS}".encode()


class Writer:
    """Appends whole lines; safe from several threads, and nothing is buffered in the process."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def line(self, *words):
        os.write(self.file, (" ".join(map(str, words)) + "\n").encode())


class Tail:
    """Follows a journal while it is written, counting lines by their first word."""

    def __init__(self, path):
        self.path = path
        self.size = 0
        self.counts = collections.Counter()
        self.grants_done = set()
        self.fatal = None

    def update(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self.size)
                data = file.read()
        except FileNotFoundError:
            return self
        data = data[:data.rfind(b"\n") + 1]
        self.size += len(data)
        for line in data.decode().splitlines():
            word, _, rest = line.partition(" ")
            self.counts[word] += 1
            if word == "done":
                self.grants_done.add(int(rest))
            elif word == "fatal":
                self.fatal = rest
        return self


class Content:
    """What the first `size` bytes of a journal say, and, where it widens what is allowed, the rest as well."""

    def __init__(self, path, size=None):
        with open(path, "rb") as file:
            data = file.read()
        size = len(data) if size is None else size
        self.base_ms = 0
        self.acks = {}  # (topic, partition) -> {offset: (stream, sequence)}
        self.ends = {}  # (stream, topic, partition) -> count
        self.topics = {}  # name -> partitions
        self.deleting = set()
        self.deleted = set()
        self.commits = {}  # (group, topic, partition) -> least offset that must be there
        self.tries = {}  # (group, topic, partition) -> greatest offset that may be there
        for line in data[:size].decode().splitlines():
            self._read(line.split(), certain=True)
        for line in data[size:data.rfind(b"\n") + 1].decode().splitlines():
            self._read(line.split(), certain=False)

    def _read(self, words, certain):
        kind = words[0]
        if kind == "deleting":
            self.deleting.add(words[1])
        elif kind == "try":
            self.tries[words[1], words[2], int(words[3])] = int(words[4])
        elif not certain:
            return
        elif kind == "base":
            self.base_ms = int(words[1])
        elif kind == "ack":
            stream, topic, partition, sequence, offset = words[1], words[2], int(words[3]), int(words[4]), int(words[5])
            placed = self.acks.setdefault((topic, partition), {})
            if offset in placed:
                raise AssertionError(f"offset {offset} of {topic}-{partition} was acknowledged twice: for {placed[offset]} "
                                     f"and {(stream, sequence)}")
            placed[offset] = (stream, sequence)
        elif kind == "end":
            self.ends[words[1], words[2], int(words[3])] = int(words[4])
        elif kind == "topic":
            self.topics[words[1]] = int(words[2])
        elif kind == "deleted":
            self.deleted.add(words[1])
        elif kind == "commit":
            self.commits[words[1], words[2], int(words[3])] = int(words[4])
