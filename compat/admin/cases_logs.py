"""Records deleted, epochs asked for, log directories described and changed."""

import batches
from rows import ODD_NAMES, label_of, rows


def delete_rows(target):
    topic = target.topic(partitions=2, records=10)
    compacted = target.topic(configs={"cleanup.policy": "compact"})
    target.append(compacted, batches.batch([batches.record(0, key=b"key")]))

    def body(*topics, timeout_ms=5000):
        return {"Topics": [{"Name": name, "Partitions": [{"PartitionIndex": index, "Offset": offset} for index, offset in partitions]}
                           for name, partitions in topics], "TimeoutMs": timeout_ms}

    for name in ODD_NAMES:
        yield label_of(name), body((name, [(0, 1)]))
    for offset in (-2, -(2**63), 11, 2**63 - 1):
        yield f"offset {offset}", body((topic, [(0, offset)]))
    yield "odd partitions", body((topic, [(-1, 0), (9, 0)]))
    yield "good and bad", body((topic, [(0, 0), (9, 0)]), ("nowhere", [(0, 0)]))
    yield "partition twice", body((topic, [(0, 1), (0, 2)]))
    yield "topic twice", body((topic, [(0, 2)]), (topic, [(0, 3)]))
    yield "no partitions", body((topic, []))
    yield "none", body()
    yield "null", {"Topics": None, "TimeoutMs": 5000}
    yield "compacted", body((compacted, [(0, 1)]))
    yield "the metadata", body(("__cluster_metadata", [(0, 1)]))
    for timeout_ms in (0, -1):
        yield f"timeout {timeout_ms}", body((topic, [(0, 5)]), timeout_ms=timeout_ms)


rows("delete records", "DeleteRecords", delete_rows)


def epoch_rows(target):
    topic = target.topic(records=5)

    def body(*topics, replica=-2):
        return {"ReplicaId": replica, "Topics": [{"Topic": name, "Partitions": [
            {"Partition": index, "CurrentLeaderEpoch": current, "LeaderEpoch": epoch} for index, current, epoch in partitions]}
            for name, partitions in topics]}

    for name in ODD_NAMES:
        yield label_of(name), body((name, [(0, -1, 0)]))
    for current, epoch in ((-1, -1), (-1, 0), (-1, 5), (0, 0), (1, 0), (-2, 0), (0, -2), (0, 2**31 - 1)):
        yield f"epochs {current} {epoch}", body((topic, [(0, current, epoch)]))
    yield "odd partitions", body((topic, [(-1, -1, 0), (9, -1, 0)]))
    yield "partition twice", body((topic, [(0, -1, 0), (0, 5, 0)]))
    for replica in (-1, 1, 9):
        yield f"replica {replica}", body((topic, [(0, -1, 0)]), replica=replica)


rows("offset for leader epoch", "OffsetForLeaderEpoch", epoch_rows)


def describe_rows(target):
    topic = target.topic(partitions=2)

    def body(*topics):
        return {"Topics": [{"Topic": name, "Partitions": indexes} for name, indexes in topics]}

    for name in ODD_NAMES:
        yield label_of(name), body((name, [0]))
    yield "known", body((topic, [0, 1]))
    yield "odd partitions", body((topic, [-1, 9]))
    yield "partition twice", body((topic, [0, 0]))
    yield "topic twice", body((topic, [0]), (topic, [0]))
    yield "no partitions", body((topic, []))
    yield "none", body()


rows("describe log dirs", "DescribeLogDirs", describe_rows)


def move_rows(target):
    topic = target.topic(partitions=2)
    here = target.quietly("DescribeLogDirs", 1, {"Topics": []})["Results"][0]["LogDir"]

    def body(*dirs):
        return {"Dirs": [{"Path": path, "Topics": [{"Name": name, "Partitions": indexes} for name, indexes in topics]}
                         for path, topics in dirs]}

    for path in ("/no/such/place", "", "relative", "/" + "x" * 250):
        yield f"to {label_of(path)}", body((path, [(topic, [0])]))
    for name in ODD_NAMES:
        yield label_of(name), body((here, [(name, [0])]))
    yield "where it is", body((here, [(topic, [0, 1])]))
    yield "odd partitions", body((here, [(topic, [-1, 9])]))
    yield "partition twice", body((here, [(topic, [0, 0])]))
    yield "to two places", body((here, [(topic, [0])]), ("/no/such/place", [(topic, [0])]))
    yield "no partitions", body((here, [(topic, [])]))
    yield "no topics", body((here, []))
    yield "none", body()
    yield "null", {"Dirs": None}


rows("alter replica log dirs", "AlterReplicaLogDirs", move_rows)
