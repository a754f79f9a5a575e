"""Rounds of kill -9 in the midst of the writer's work; used by both commands of this folder."""

import pathlib
import random
import subprocess

import packages
import segments
import wait
import wire
from broker import MilenaBroker
from checks import equal
from journal import Tail

HERE = pathlib.Path(__file__).resolve().parent
SEGMENT_BYTES = 1 << 20
RECORDS_PER_GRANT = 1500
SETTINGS = {"log.segment.bytes": str(SEGMENT_BYTES)}
DEADLINE_S = 180


def python():
    """The virtualenv's Python, with librdkafka in it."""
    return packages.python_environment("durability", "confluent-kafka")


class Workload:
    """One writer and its broker. The broker may die and come back; the writer lives from first grant to `finish`."""

    def __init__(self, run, broker, seed):
        self.run = run
        self.broker = broker
        self.python = python()
        self.random = random.Random(seed)
        self.journal = run.work_dir / "journal"
        self.tail = Tail(self.journal)
        self.producer_ids = []
        for topic, partitions in (("durable-a", 3), ("durable-b", 1)):
            equal(wire.create_topic(broker.address, topic, partitions, {"segment.bytes": str(SEGMENT_BYTES)}), 0, "error of CreateTopics")
        self.log = open(run.work_dir / "writer.log", "w")
        self.writer = subprocess.Popen([self.python, str(HERE / "writer.py"), broker.address, str(self.journal)],
                                       stdin=subprocess.PIPE, stderr=self.log, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.writer.poll() is None:
            self.writer.kill()
        self.writer.wait()
        self.log.close()

    def _follow(self):
        self.tail.update()
        if self.tail.fatal:
            raise AssertionError(f"the writer gave up: {self.tail.fatal}")
        if self.writer.poll() not in (None, 0):
            raise AssertionError(f"the writer ended with {self.writer.returncode}; see {self.log.name}")
        return self.tail

    def grant(self, number):
        self.writer.stdin.write(f"grant {number} {RECORDS_PER_GRANT}\n")
        self.writer.stdin.flush()

    def kill_round(self, number):
        """Kills the broker at a random point of a grant, starts it again, checks, lets the grant end."""
        acked = self._follow().counts["ack"]
        self.grant(number)
        # The writer sends to three partitions of one topic and one of another, and a short stream of 100.
        whole = 4 * RECORDS_PER_GRANT + 100
        target = acked + self.random.randint(whole // 50, whole * 3 // 4)
        wait.until(lambda: self._follow().counts["ack"] >= target, f"{target} acknowledgements", DEADLINE_S, pause_s=0.001)
        size = self._follow().size
        self.broker.kill()
        if number % 3 == 0 and isinstance(self.broker, MilenaBroker):
            for _ in range(3):
                self.broker.start_and_kill(self.random.uniform(0, 0.03))
        self.broker.start()
        self.take_producer_ids()
        self.check(f"round {number}", size)
        wait.until(lambda: number in self._follow().grants_done, f"the rest of grant {number} is acknowledged", DEADLINE_S)

    def take_producer_ids(self):
        self.producer_ids += [wire.init_producer_id(self.broker.address)[0] for _ in range(3)]

    def check(self, name, size=None):
        command = [self.python, str(HERE / "reader.py"), self.broker.address, str(self.journal)]
        self.run.run_program(name, command + ([str(size)] if size is not None else []), DEADLINE_S * 2)

    def finish(self):
        """Ends the writer, which says how much it sent."""
        self.writer.stdin.write("quit\n")
        self.writer.stdin.close()
        wait.until(lambda: self.writer.poll() is not None, "the writer ends", DEADLINE_S)
        self._follow()
        equal(self.writer.returncode, 0, "exit code of the writer")

    def check_producer_ids(self, grants):
        """No id was given out twice: not by hand, and not to a stream while it was also given out by hand."""
        equal(len(set(self.producer_ids)), len(self.producer_ids), "number of different ids given out by hand")
        used = set()
        for directory in self.broker.data_dir.glob("durable-*"):
            used |= {batch.producer_id for batch in segments.batches(directory)}
        assert -1 not in used, "a stream was stored without a producer id"
        assert not used & set(self.producer_ids), f"ids given out twice: {used & set(self.producer_ids)}"
        streams = 2 + grants
        assert len(used) >= streams, f"{len(used)} producer ids for {streams} producers"

    def check_rolled(self):
        """The logs really consist of several segments of at most 1 MiB (durable-b is compressed too well for that)."""
        for name in ("durable-a-0", "durable-a-1", "durable-a-2"):
            sizes = [path.stat().st_size for path in (self.broker.data_dir / name).glob("*.log")]
            assert len(sizes) >= 2, f"{name} has {len(sizes)} segments"
            assert max(sizes) <= SEGMENT_BYTES, f"{name} has a segment of {max(sizes)} bytes"

