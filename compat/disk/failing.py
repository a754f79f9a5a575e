"""Scenarios of calls that fail."""

import contextlib
import errno

import disks
import full
import wait
from clients import NONE, RETRIABLE, STORAGE, Client, Closed, History, go_on


@contextlib.contextmanager
def broker_with_faults(run, directory, log_dirs=3, **settings):
    directory.mkdir(parents=True)
    faults = disks.Faults(directory)
    paths = [directory / f"disk{number}" for number in range(log_dirs)]
    with run.start_broker(f"{directory.name}-broker",
                          {**full.SETTINGS, "log.dirs": ",".join(map(str, paths)), **settings},
                          environment=faults.environment()) as broker:
        yield faults, paths, broker, Client(broker.address)


def partitions_in(client, path, topic):
    answer = client.ask("DescribeLogDirs", {"Topics": None})
    return {p["PartitionIndex"] for one in answer["Results"] if one["LogDir"] == str(path)
            for t in one["Topics"] if t["Name"] == topic for p in t["Partitions"]}


def prepare(client):
    assert client.create("wide", partitions=9) == NONE
    histories = [History(client, "wide", partition) for partition in range(9)]
    for history in histories:
        for _ in range(5):
            assert history.write(1_000)
    return histories


def directory_fails(call):
    def scenario(run, directory):
        """One of three directories fails with EIO: its partitions are missed, until the broker starts again."""
        with broker_with_faults(run, directory, **{"log.flush.interval.messages": 1}) as (faults, paths, broker, client):
            histories = prepare(client)
            bad = partitions_in(client, paths[1], "wide")
            assert len(bad) == 3, f"in {paths[1]} are {bad}"
            faults.set((call, errno.EIO, f"{paths[1]}/wide-"))
            check = run.checks.check
            with check("its partitions answer KAFKA_STORAGE_ERROR"):
                def gone():
                    return client.produce("wide", histories[0].batch(), min(bad))[0] == STORAGE
                wait.until(gone, "the directory is offline")
                assert faults.hits() > 0
                assert client.fetch("wide", 0, min(bad))[0] in (STORAGE, 6), "a fetch from there"
            with check("the others go on"):
                go_on(history for history in histories if history.partition not in bad)
                full.check_alive(broker)
            with check("topics are made and deleted"):
                assert client.create("more", partitions=4) == NONE
                for partition in range(4):
                    client.produce_until_acknowledged("more", histories[0].batch(), partition)
                assert client.delete("more") == NONE
            faults.set()
            with check("all is there again after a restart"):
                broker.kill()
                client.close()
                broker.start()
                for history in histories:
                    if history.partition not in bad:
                        history.write_until_acknowledged()
                    history.check()
    return scenario


def reads_fail(run, directory):
    """Reads in one of three directories fail with EIO for a while. An answer that has begun can only end its connection."""
    with broker_with_faults(run, directory) as (faults, paths, broker, client):
        histories = prepare(client)
        bad = partitions_in(client, paths[1], "wide")
        reader = Client(broker.address)
        faults.set(("read", errno.EIO, f"{paths[1]}/wide-"))
        check = run.checks.check
        with check("nothing wrong is read there"):
            for partition in bad:
                with contextlib.suppress(Closed):
                    error, values = reader.fetch("wide", 0, partition)
                    assert error == STORAGE or values == histories[partition].records, f"error {error}"
            assert faults.hits() > 0
        with check("the others go on"):
            go_on(history for history in histories if history.partition not in bad)
            full.check_alive(broker)
        faults.set()
        with check("all is there after a restart"):
            broker.stop()
            client.close()
            broker.start()
            go_on(histories)


def too_many_files(run, directory):
    """No descriptor for files of logs for a while: nothing goes offline."""
    with broker_with_faults(run, directory, log_dirs=1) as (faults, paths, broker, client):
        histories = prepare(client)
        broker.stop()  # so that no file is open yet
        client.close()
        broker.start()
        faults.set(("open", errno.EMFILE, f"{paths[0]}/wide-"))
        check = run.checks.check
        with check("requests are refused with an error that is tried again"):
            errors = set()
            for history in histories:
                errors |= {client.produce("wide", history.batch(), history.partition)[0],
                           client.fetch("wide", 0, history.partition)[0]}
            faults.wait_for_hit()
            assert errors <= RETRIABLE | {NONE}, f"errors {errors}"
            full.check_alive(broker)
        faults.set()
        with check("everything goes on afterwards"):
            for history in histories:
                client.produce_until_acknowledged("wide", history.batch(), history.partition)
                history.check()


def no_descriptor_for_metadata(run, directory):
    with broker_with_faults(run, directory, log_dirs=1) as (faults, paths, broker, client):
        histories = prepare(client)
        check = run.checks.check
        for call in ("open", "room"):
            number = errno.EMFILE if call == "open" else errno.ENOSPC
            faults.set((call, number, "__cluster_metadata-0/"))
            with check(f"a creation is answered in time ({errno.errorcode[number]})"):
                error = client.create(f"meanwhile-{call}", timeout_ms=2000)
                assert error in RETRIABLE | {NONE}, f"CreateTopics answered error {error}"
                full.check_alive(broker)
            with check(f"others are served meanwhile ({errno.errorcode[number]})"):
                for history in histories:
                    assert history.write()
            faults.set()
            with check(f"topics are made afterwards ({errno.errorcode[number]})"):
                client.create_until_done(f"after-{call}")


SCENARIOS = {
    "writes fail": directory_fails("write"),
    "syncs fail": directory_fails("sync"),
    "reads fail": reads_fail,
    "no descriptors": too_many_files,
    "the metadata log cannot be written": no_descriptor_for_metadata,
}
