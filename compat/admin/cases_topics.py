"""Topics and partitions: creating, deleting, growing, describing, electing, reassigning."""

import uuid

from rows import LONG, NODE, ODD_NAMES, label_of, rows

UNKNOWN_ID = uuid.UUID(int=77)


def create(name, partitions=1, factor=1, **more):
    return {"Name": name, "NumPartitions": partitions, "ReplicationFactor": factor, **more}


def create_rows(target):
    there = target.topic(name="there")
    for name in (*ODD_NAMES[1:], there):
        yield label_of(name), {"Topics": [create(name)], "timeoutMs": 5000, "validateOnly": True}
    for timeout_ms in (0, -1, -(2**31)):
        yield f"timeout {timeout_ms}", {"Topics": [create(f"late{timeout_ms}")], "timeoutMs": timeout_ms, "validateOnly": True}
    yield "no topics", {"Topics": [], "timeoutMs": 5000}
    yield "null topics", {"Topics": None, "timeoutMs": 5000}
    yield "null name", {"Topics": [create(None)], "timeoutMs": 5000}
    yield "null config value", {"Topics": [create("x", Configs=[{"Name": "retention.ms", "Value": None}])], "timeoutMs": 5000,
                                "validateOnly": True}
    yield "config twice", {"Topics": [create("x", Configs=[{"Name": "retention.ms", "Value": "1"}, {"Name": "retention.ms", "Value": "2"}])],
                           "timeoutMs": 5000, "validateOnly": True}
    yield "unknown broker", {"Topics": [create("x", -1, -1, Assignments=[{"PartitionIndex": 0, "BrokerIds": [9]}])],
                             "timeoutMs": 5000, "validateOnly": True}
    yield "one good, one bad", {"Topics": [create("good"), create("bad/name"), create("good2", -7)], "timeoutMs": 5000,
                                "validateOnly": True}
    yield "twice", {"Topics": [create("twice"), create("twice", 2)], "timeoutMs": 5000}
    for partitions, factor in ((0, 1), (-2, 1), (1, 0), (1, -2), (1, 2), (1, 32767), (2**31 - 1, 1), (0, 0)):
        yield f"{partitions} x {factor}", {"Topics": [create("x", partitions, factor)], "timeoutMs": 5000, "validateOnly": True}
    for key, value in (("no.such", "1"), ("retention.ms", "x"), ("retention.ms", "-2"), ("segment.bytes", "1"), ("cleanup.policy", "x"),
                       ("", "x"), ("compression.type", "zip"), ("min.insync.replicas", "0")):
        yield f"{key}={value}", {"Topics": [create("x", Configs=[{"Name": key, "Value": value}])], "timeoutMs": 5000,
                                 "validateOnly": True}


rows("create topics", "CreateTopics", create_rows)


def delete_rows(target):
    target.topic(name="to-stay")
    for name in ODD_NAMES:
        yield label_of(name), {"TopicNames": [name], "Topics": [{"Name": name}], "TimeoutMs": 5000}
    yield "twice", {"TopicNames": ["to-stay"] * 2, "Topics": [{"Name": "to-stay"}] * 2, "TimeoutMs": 5000}
    yield "none", {"TopicNames": [], "Topics": [], "TimeoutMs": 5000}
    yield "null", {"TopicNames": None, "Topics": None, "TimeoutMs": 5000}
    yield "unknown id", {"TopicNames": [LONG], "Topics": [{"Name": None, "TopicId": UNKNOWN_ID}], "TimeoutMs": 5000}
    yield "null name, no id", {"TopicNames": [LONG], "Topics": [{"Name": None}], "TimeoutMs": 5000}
    for timeout_ms in (0, -1):
        yield f"timeout {timeout_ms}", {"TopicNames": ["nowhere"], "Topics": [{"Name": "nowhere"}], "TimeoutMs": timeout_ms}


rows("delete topics", "DeleteTopics", delete_rows)


def partition_rows(target):
    topic = target.topic(partitions=3)

    def grow(name, count, assignments=None):
        return {"Name": name, "Count": count, "Assignments": assignments and [{"BrokerIds": one} for one in assignments]}

    def body(*topics, timeout_ms=5000):
        return {"Topics": list(topics), "TimeoutMs": timeout_ms, "ValidateOnly": True}

    for name in ODD_NAMES:
        yield label_of(name), body(grow(name, 5))
    for count in (0, -1, -(2**31), 1, 2, 3, 10_004, 2**31 - 1):
        yield f"{count}", body(grow(topic, count))
    yield "twice", body(grow(topic, 5), grow(topic, 6))
    yield "none", body()
    yield "null topics", {"Topics": None, "TimeoutMs": 5000, "ValidateOnly": True}
    yield "one good, one bad", body(grow(topic, 5), grow("nowhere", 5))
    for label, count, assignments in (("too few", 5, [[NODE]]), ("too many", 4, [[NODE], [NODE]]), ("unknown broker", 4, [[99]]),
                                      ("broker twice", 4, [[NODE, NODE]]), ("empty", 4, [[]]), ("broker -1", 4, [[-1]]),
                                      ("another factor", 4, [[NODE, 2]])):
        yield label, body(grow(topic, count, assignments))
    for timeout_ms in (0, -1):
        yield f"timeout {timeout_ms}", body(grow("nowhere", 5), timeout_ms=timeout_ms)


rows("create partitions", "CreatePartitions", partition_rows)


def describe_partitions_rows(target):
    topic = target.topic(partitions=2)

    def body(*names, limit=100, cursor=None):
        return {"Topics": [{"Name": name} for name in names], "ResponsePartitionLimit": limit, "Cursor": cursor}

    for name in ODD_NAMES:
        yield label_of(name), body(name)
    yield "twice", body(topic, topic)
    yield "known and unknown", body(topic, "nowhere")
    yield "null topics", {"Topics": None, "ResponsePartitionLimit": 10}
    for limit in (0, -1, 1, 2**31 - 1):
        yield f"limit {limit}", body(topic, limit=limit)
    for name, index in ((topic, -1), (topic, 1), (topic, 9), ("nowhere", 0), ("", 0), ("zzzz", 0)):
        yield f"from {name} {index}", body(topic, "nowhere", cursor={"TopicName": name, "PartitionIndex": index})


rows("describe topic partitions", "DescribeTopicPartitions", describe_partitions_rows)


def elect_rows(target):
    topic = target.topic(partitions=2)

    def body(kind, *topics, timeout_ms=5000):
        return {"ElectionType": kind, "TopicPartitions": [{"Topic": name, "Partitions": list(indexes)} for name, indexes in topics],
                "TimeoutMs": timeout_ms}

    for kind in (0, 1):
        for name in ODD_NAMES:
            yield f"{label_of(name)} kind {kind}", body(kind, (name, [0]))
        yield f"known kind {kind}", body(kind, (topic, [0, 1]))
        yield f"odd partitions kind {kind}", body(kind, (topic, [-1, 9, 2**31 - 1]))
        yield f"partition twice kind {kind}", body(kind, (topic, [0, 0]))
        yield f"topic twice kind {kind}", body(kind, (topic, [0]), (topic, [0]), (topic, [1]))
        yield f"no partitions kind {kind}", body(kind, (topic, []))
        yield f"no topics kind {kind}", body(kind)
        yield f"known and unknown kind {kind}", body(kind, (topic, [0]), ("nowhere", [0]))
        yield f"timeout -1 kind {kind}", body(kind, (topic, [0]), timeout_ms=-1)
        yield f"timeout 0 kind {kind}", body(kind, (topic, [0]), timeout_ms=0)
    for kind in (2, -1, 127):
        yield f"kind {kind}", body(kind, (topic, [0]))


rows("elect leaders", "ElectLeaders", elect_rows)


def reassign_rows(target):
    topic = target.topic(partitions=2)

    def body(*topics, timeout_ms=5000, change=True):
        return {"TimeoutMs": timeout_ms, "AllowReplicationFactorChange": change, "Topics": [
            {"Name": name, "Partitions": [{"PartitionIndex": index, "Replicas": replicas} for index, replicas in partitions]}
            for name, partitions in topics]}

    for name in ODD_NAMES:
        yield label_of(name), body((name, [(0, [NODE])]))
        yield f"{label_of(name)} cancelled", body((name, [(0, None)]))
    for label, replicas in (("as it is", [NODE]), ("cancelled", None), ("nobody", []), ("unknown", [9]), ("two", [NODE, 9]), ("-1", [-1]),
                            ("twice", [NODE, NODE])):
        for change in (True, False):
            yield f"{label}, change {change}", body((topic, [(0, replicas)]), change=change)
    yield "odd partitions", body((topic, [(-1, [NODE]), (7, [NODE]), (0, [NODE])]))
    yield "partition twice", body((topic, [(0, [NODE]), (0, None)]))
    yield "topic twice", body((topic, [(0, [NODE])]), (topic, [(0, [NODE])]))
    yield "no partitions", body((topic, []))
    yield "none", body()
    yield "null topics", {"TimeoutMs": 5000, "Topics": None}
    for timeout_ms in (0, -1):
        yield f"timeout {timeout_ms}", body((topic, [(0, [NODE])]), timeout_ms=timeout_ms)


rows("alter partition reassignments", "AlterPartitionReassignments", reassign_rows)


def list_reassignments_rows(target):
    topic = target.topic()
    for name in (*ODD_NAMES, topic):
        yield label_of(name), {"TimeoutMs": 5000, "Topics": [{"Name": name, "PartitionIndexes": [0, -1, 9]}]}
    yield "all", {"TimeoutMs": 5000, "Topics": None}
    yield "none", {"TimeoutMs": 5000, "Topics": []}
    yield "twice", {"TimeoutMs": 5000, "Topics": [{"Name": topic, "PartitionIndexes": [0, 0]}] * 2}
    for timeout_ms in (0, -1):
        yield f"timeout {timeout_ms}", {"TimeoutMs": timeout_ms, "Topics": None}


rows("list partition reassignments", "ListPartitionReassignments", list_reassignments_rows)
