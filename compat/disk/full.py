"""Scenarios of full disks."""

import contextlib
import errno
import time

import disks
import wait
from clients import NONE, RETRIABLE, Client, History, go_on

DISK_MB = 64
ROOM_MB = 16  # for a producer that writes more than there is room for
SETTINGS = {"log.retention.check.interval.ms": 300, "log.segment.delete.delay.ms": 100,
            "milena.shards": 1, "milena.http.listeners": "", "offsets.topic.num.partitions": 2, "log.segment.bytes": 1 << 20}


class FileSystem:
    """A file system that somebody else fills."""

    def __init__(self, stack, directory):
        self.path = stack.enter_context(disks.small(directory / "disk", DISK_MB))
        self.filler = disks.Filler(self.path)
        self.environment = {}

    def fill(self):
        self.filler.fill()

    def give_back(self):
        self.filler.give_back()


class Shim:
    """No room as the preloaded shim has it: whatever is deleted, there is none."""

    def __init__(self, _stack, directory):
        directory.mkdir(parents=True)
        self.path = directory
        self.faults = disks.Faults(directory)
        self.environment = self.faults.environment()

    def fill(self):
        self.faults.set(("room", errno.ENOSPC, f"{self.path}/data"))

    def give_back(self):
        self.faults.set()


@contextlib.contextmanager
def broker_on(run, directory, kind, **settings):
    """A broker whose only directory is on that disk."""
    with contextlib.ExitStack() as stack:
        disk = kind(stack, directory)
        broker = stack.enter_context(run.start_broker(f"{directory.name}-broker",
                                                      {**SETTINGS, "log.dirs": disk.path / "data", **settings},
                                                      environment=disk.environment))
        yield disk, broker, Client(broker.address)


def check_alive(broker):
    assert broker.process.poll() is None, f"the broker ended with {broker.process.poll()}"


def prepare(client):
    for topic in ("kept", "victim"):
        assert client.create(topic) == NONE
    assert client.create("aged", retention_ms=-1, segment_bytes=1 << 20) == NONE
    kept, victim, aged = (History(client, topic) for topic in ("kept", "victim", "aged"))
    for _ in range(20):
        assert kept.write(20_000)
    for _ in range(13):  # more than the broker keeps in reserve
        assert victim.write(1_000_000) and aged.write(1_000_000)
    client.find_coordinator("g")
    client.commit_until_done("g", "kept", 7)
    return kept, victim, aged


def check_recovered(client, histories, group_offset):
    go_on(histories)
    client.commit_until_done("g", "kept", group_offset)
    assert client.committed("g", "kept") == group_offset
    client.create_until_done("afterwards")
    client.produce_until_acknowledged("afterwards", histories[0].batch())


def space_comes_back(kind):
    def scenario(run, directory):
        """The disk is full, and later it is not."""
        with broker_on(run, directory, kind) as (disk, broker, client):
            kept, victim, aged = prepare(client)
            disk.fill()
            check = run.checks.check
            with check("records are refused with an error that is tried again"):
                for history in (kept, victim, aged):
                    history.write_until_refused(20_000)
                    assert history.refused <= RETRIABLE, f"refused with {history.refused}"
            with check("what was acknowledged is read"):
                for history in (kept, victim, aged):
                    history.check()
                assert client.committed("g", "kept") == 7
            with check("a commit is answered"):
                error = client.commit("g", "kept", 8)  # a small record may still find room
                assert error in RETRIABLE | {NONE}, f"OffsetCommit answered error {error}"
            with check("a creation is answered"):
                error = client.create("meanwhile")
                assert error in RETRIABLE | {NONE}, f"CreateTopics answered error {error}"
            with check("the node is there"):
                check_alive(broker)
            disk.give_back()
            with check("everything goes on when there is room again"):
                check_recovered(client, (kept, victim, aged), 9)
            with check("the same after kill -9"):
                broker.kill()
                client.close()
                broker.start()
                for history in (kept, victim, aged):
                    history.check()
                assert client.committed("g", "kept") == 9
            with check("the same after a stop in order"):
                broker.stop()
                client.close()
                broker.start()
                go_on((kept, victim, aged))
    return scenario


def room_by(how):
    def scenario(run, directory):
        """The disk is full, and what the broker itself deletes makes room."""
        with broker_on(run, directory, FileSystem) as (disk, broker, client):
            kept, victim, aged = prepare(client)
            disk.fill()
            check = run.checks.check
            for history in (kept, victim, aged):
                history.write_until_refused(20_000)
            with check("it is accepted on the full disk"):
                how(client, victim, aged)
            with check("records are taken again"):
                kept.write_until_acknowledged(1_000, deadline_s=20)
                kept.check()
            with check("offsets are committed and topics made again"):
                check_recovered(client, (kept,), 9)
                check_alive(broker)
            with check("the same after kill -9"):
                disk.give_back()
                broker.kill()
                client.close()
                broker.start()
                kept.check()
    return scenario


def delete_topic(client, _victim, _aged):
    error = client.delete("victim")
    assert error == NONE, f"DeleteTopics answered error {error}"


def delete_records(client, _victim, aged):
    error = client.delete_records("aged", max(aged.records))
    assert error == NONE, f"DeleteRecords answered error {error}"


def retention(client, _victim, aged):
    error = client.alter("aged", "retention.ms", 1)
    assert error == NONE, f"IncrementalAlterConfigs answered error {error}"


def restart_while_full(run, directory):
    with broker_on(run, directory, FileSystem) as (disk, broker, client):
        kept, victim, aged = prepare(client)
        disk.fill()
        kept.write_until_refused(20_000)
        check = run.checks.check
        with check("it stops in order"):
            broker.stop()
            client.close()
        with check("it starts on the full disk, and reads"):
            broker.start()
            kept.check()
            assert client.committed("g", "kept") == 7
        with check("it starts on the full disk after kill -9"):
            wait.until((disk.path / "data" / ".milena-reserve").exists, "there is a reserve again")
            disk.fill()
            broker.kill()
            client.close()
            broker.start()
            kept.check()
        disk.give_back()
        with check("everything goes on when there is room again"):
            check_recovered(client, (kept, victim, aged), 9)


def producer_and_retention(run, directory):
    """A producer that writes more than the disk holds, and retention that makes room behind it."""
    with broker_on(run, directory, FileSystem) as (disk, broker, client):
        disk.filler.take(DISK_MB - ROOM_MB << 20)
        assert client.create("stream", retention_bytes=4 << 20, segment_bytes=1 << 20, retention_ms=-1) == NONE
        history = History(client, "stream")
        deadline = time.monotonic() + 120
        written = 0
        while written < 2 * ROOM_MB << 20:
            assert time.monotonic() < deadline, f"{written} bytes in two minutes"
            history.write_until_acknowledged(500_000)
            written += 500_000
        check_alive(broker)
        history.check()


def one_of_three(run, directory):
    """Of three directories one is full."""
    with contextlib.ExitStack() as stack:
        disk = FileSystem(stack, directory)
        others = [directory / "second", directory / "third"]
        for each in others:
            each.mkdir()
        settings = {**SETTINGS, "log.dirs": f"{others[0]},{disk.path}/data,{others[1]}"}
        broker = stack.enter_context(run.start_broker(f"{directory.name}-broker", settings))
        client = Client(broker.address)
        assert client.create("wide", partitions=9) == NONE
        histories = [History(client, "wide", partition) for partition in range(9)]
        for history in histories:
            assert history.write(1_000)
        disk.fill()
        check = run.checks.check
        with check("partitions elsewhere are written"):
            taken = [sum(history.write(5_000) for _ in range(8)) for history in histories]
            assert taken.count(8) == 6, f"of nine partitions these many of 8 records were taken: {taken}"
            assert set().union(*(history.refused for history in histories)) <= RETRIABLE
        with check("all are read"):
            for history in histories:
                history.check()
        with check("topics are made"):
            assert client.create("more", partitions=3) == NONE
        disk.give_back()
        with check("all are written when there is room again"):
            go_on(histories)
            for partition in range(3):
                client.produce_until_acknowledged("more", histories[0].batch(), partition)
            check_alive(broker)


SCENARIOS = {
    "full": space_comes_back(FileSystem),
    "no room at all": space_comes_back(Shim),
    "full, a topic is deleted": room_by(delete_topic),
    "full, records are deleted": room_by(delete_records),
    "full, retention": room_by(retention),
    "full, restarted": restart_while_full,
    "full again and again": producer_and_retention,
    "one of three directories full": one_of_three,
}
