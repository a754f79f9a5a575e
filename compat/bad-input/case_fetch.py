"""Fetch and its sessions, ListOffsets, OffsetForLeaderEpoch, DeleteRecords: offsets, epochs and ids that are not there."""

import uuid

import batches
import messages
from table import case

LOWEST, HIGHEST = -(2**63), 2**63 - 1


def fetch(topic, offset=0, partition=0, max_bytes=1000, wait_ms=0, min_bytes=0, total_bytes=100_000, topic_id=None,
          session=0, epoch=-1, isolation=0, more=None, forgotten=(), **fields):
    name = {"Topic": topic} if topic_id is None else {"TopicId": topic_id}
    partition = {"Partition": partition, "FetchOffset": offset, "PartitionMaxBytes": max_bytes, **fields}
    return {"MaxWaitMs": wait_ms, "MinBytes": min_bytes, "MaxBytes": total_bytes, "IsolationLevel": isolation,
            "SessionId": session, "SessionEpoch": epoch, "Topics": [] if topic is None and topic_id is None else [
                {**name, "Partitions": [partition]}], "ForgottenTopicsData": list(forgotten), **(more or {})}


@case("fetch: offsets out of range")
def _(target):
    topic = target.topic(records=3)
    for offset in (-1, -2, LOWEST, 0, 3, 4, 100, HIGHEST):
        for version in (4, 12):
            target.ask("Fetch", version, fetch(topic, offset), label=f"{offset} v{version}")


@case("fetch: what is unknown")
def _(target):
    topic = target.topic(records=1)
    for version in (4, 7, 11, 12):
        target.ask("Fetch", version, fetch("nowhere"), label=f"topic v{version}")
        target.ask("Fetch", version, fetch(topic, partition=1), label=f"partition v{version}")
        target.ask("Fetch", version, fetch(topic, partition=-1), label=f"partition -1 v{version}")
    for version in (13, 16, 17, 18):
        if version > target.advertised[1][1]:
            continue
        target.ask("Fetch", version, fetch(None, topic_id=uuid.UUID(int=9)), label=f"id v{version}")
        target.ask("Fetch", version, fetch(None, topic_id=uuid.UUID(int=0)), label=f"id zero v{version}")
        target.ask("Fetch", version, fetch(None, topic_id=target.ids[topic], partition=5), label=f"partition v{version}")
        target.ask("Fetch", version, fetch(None, topic_id=target.ids[topic]), label=f"good v{version}")
    for name in ("", "..", "a/b", "ü", "a" * 300):
        target.ask("Fetch", 12, fetch(name), label=f"name {name[:10]!r}")
    target.ask("Fetch", 12, fetch("__cluster_metadata"), label="__cluster_metadata")
    target.ask("Fetch", 12, fetch("__consumer_offsets", partition=50), label="__consumer_offsets-50")


@case("fetch: sizes and waits")
def _(target):
    topic = target.topic(records=3)
    for label, body in (("partition max bytes -1", fetch(topic, max_bytes=-1)), ("partition max bytes 0", fetch(topic, max_bytes=0)),
                        ("partition max bytes 1", fetch(topic, max_bytes=1)), ("max bytes -1", fetch(topic, total_bytes=-1)),
                        ("max bytes 0", fetch(topic, total_bytes=0)), ("max bytes 1", fetch(topic, total_bytes=1)),
                        ("min bytes -1", fetch(topic, min_bytes=-1)), ("wait -1", fetch(topic, 3, wait_ms=-1, min_bytes=1)),
                        ("wait -2^31", fetch(topic, 3, wait_ms=-(2**31), min_bytes=1)),
                        ("wait 50 in vain", fetch(topic, 3, wait_ms=50, min_bytes=1)),
                        ("all at their greatest", fetch(topic, max_bytes=2**31 - 1, total_bytes=2**31 - 1)),
                        ("isolation 1", fetch(topic, isolation=1)), ("isolation 2", fetch(topic, isolation=2)),
                        ("isolation -1", fetch(topic, isolation=-1)),
                        ("min bytes above max bytes", fetch(topic, wait_ms=50, min_bytes=1000, total_bytes=10))):
        target.ask("Fetch", 11, body, label=label)


@case("fetch: a wait without end is woken by records")
def _(target):
    topic = target.topic()
    connection = target.connect()
    connection.send_frame(messages.request("Fetch", 11, fetch(topic, wait_ms=2**31 - 1, min_bytes=1)))
    target.say("parked", connection.receive_frame(0.2))
    target.append(topic, batches.batch())
    target.say("woken", connection.receive("Fetch", 11))


@case("fetch: a parked client goes away")
def _(target):
    topic = target.topic()
    for _ in range(50):
        connection = target.connect()
        connection.send_frame(messages.request("Fetch", 11, fetch(topic, wait_ms=2**31 - 1, min_bytes=1)))
        connection.socket.close()
    target.ask("Fetch", 11, fetch(topic))


@case("fetch: leader epochs")
def _(target):
    topic = target.topic(records=3)
    for epoch in (-2, -1, 0, 1, 77, 2**31 - 1):
        for version in (9, 11, 12):
            target.ask("Fetch", version, fetch(topic, CurrentLeaderEpoch=epoch), label=f"current {epoch} v{version}")
    for epoch in (-2, -1, 0, 1, 77):
        for offset in (0, 3, 99):
            target.ask("Fetch", 12, fetch(topic, offset, LastFetchedEpoch=epoch), label=f"last fetched {epoch} at {offset}")


@case("fetch: replicas that are none")
def _(target):
    topic = target.topic(records=3)
    for replica in (-3, -2, 0, 1, 5, 2**31 - 1):
        target.ask("Fetch", 11, fetch(topic, more={"ReplicaId": replica}), label=f"v11 {replica}")
        target.ask("Fetch", 16, fetch(None, topic_id=target.ids[topic], more={"ReplicaState": {"ReplicaId": replica}}),
                   label=f"v16 {replica}")
    target.ask("Fetch", 12, fetch(topic, more={"ClusterId": "another"}), label="another cluster's id")


@case("fetch: partitions and topics twice")
def _(target):
    topic = target.topic(records=2)
    one = {"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1000}
    for label, topics in (("partition twice", [{"Topic": topic, "Partitions": [one, {**one, "FetchOffset": 1}]}]),
                          ("topic twice", [{"Topic": topic, "Partitions": [one]}, {"Topic": topic, "Partitions": [one]}]),
                          ("no partitions", [{"Topic": topic, "Partitions": []}]), ("no topics", [])):
        target.ask("Fetch", 11, {**fetch(topic), "Topics": topics}, label=label)


def raw_session(target, connection, topic, version=11):
    name = {"topic": topic} if version < 13 else {"topic": None, "topic_id": target.ids[topic]}
    connection.send_frame(messages.request("Fetch", version, fetch(**name, epoch=0)))
    frame = connection.receive_frame()
    answer = messages.decode("Fetch", version, frame[4:] if version < 12 else frame[5:])
    assert answer["SessionId"] > 0, answer
    return answer["SessionId"]


@case("fetch: sessions that are not there")
def _(target):
    topic = target.topic(records=1)
    for session in (-1, 1, 12345, 2**31 - 1, -(2**31)):
        for epoch in (-2, -1, 0, 1, 2**31 - 1, -(2**31)):
            target.ask("Fetch", 11, fetch(topic, session=session, epoch=epoch), label=f"session {session} epoch {epoch}")
    for epoch in (-2, -1, 1, 5):
        target.ask("Fetch", 11, fetch(topic, session=0, epoch=epoch), label=f"session 0 epoch {epoch}")


@case("fetch: session epochs")
def _(target):
    topic = target.topic(records=1)
    connection = target.connect()
    session = raw_session(target, connection, topic)
    for epoch in (2, 0, 1, 1, 2, -2, 3, 2**31 - 1, 3):
        answer = target.ask("Fetch", 11, fetch(None, session=session, epoch=epoch), label=f"epoch {epoch}",
                            connection=connection)
        if epoch == 0 and answer["SessionId"]:
            session = raw_session(target, connection, topic)
    target.ask("Fetch", 11, fetch(None, session=session, epoch=-1), label="closed", connection=connection)
    target.ask("Fetch", 11, fetch(None, session=session, epoch=1), label="after it", connection=connection)


@case("fetch: a session of another connection")
def _(target):
    topic = target.topic(records=1)
    connection = target.connect()
    session = raw_session(target, connection, topic)
    target.ask("Fetch", 11, fetch(None, session=session, epoch=1), label="epoch 1")
    target.ask("Fetch", 11, fetch(None, session=session, epoch=2), label="epoch 2", connection=connection)


@case("fetch: a session from names to ids and back")
def _(target):
    topic = target.topic(records=1)
    connection = target.connect()
    session = raw_session(target, connection, topic, 12)
    target.ask("Fetch", 13, fetch(None, session=session, epoch=1), label="names, then ids", connection=connection)
    target.ask("Fetch", 12, fetch(None, session=session, epoch=1), label="names again", connection=connection)
    session = raw_session(target, connection, topic, 13)
    target.ask("Fetch", 12, fetch(None, session=session, epoch=1), label="ids, then names", connection=connection)
    target.ask("Fetch", 13, fetch(None, session=session, epoch=1), label="ids again", connection=connection)


@case("fetch: what a session is told to forget")
def _(target):
    topic = target.topic(partitions=2, records=1)
    connection = target.connect()
    session = raw_session(target, connection, topic)
    for number, forgotten in enumerate(([{"Topic": "nowhere", "Partitions": [0]}], [{"Topic": topic, "Partitions": [99, -1]}],
                                        [{"Topic": topic, "Partitions": [0, 0]}]), 1):
        target.ask("Fetch", 11, fetch(None, session=session, epoch=number, forgotten=forgotten), label=f"forget {number}",
                   connection=connection)
    target.ask("Fetch", 11, fetch("nowhere", session=session, epoch=4), label="an unknown one comes in", connection=connection)
    target.ask("Fetch", 11, fetch(topic, 99, session=session, epoch=5), label="one out of range comes in", connection=connection)
    target.ask("Fetch", 11, fetch(None, session=session, epoch=6), label="errors stay", connection=connection)


def list_offsets(topic, timestamp=-1, partition=0, replica=-1, isolation=0, **more):
    return {"ReplicaId": replica, "IsolationLevel": isolation, "TimeoutMs": 1000, "Topics": [
        {"Name": topic, "Partitions": [{"PartitionIndex": partition, "Timestamp": timestamp, **more}]}]}


@case("list offsets: timestamps")
def _(target):
    topic = target.topic(records=3)
    empty = target.topic()
    for timestamp in (-1, -2, -3, -4, -5, -6, -7, -100, LOWEST, 0, batches.TIME_MS, HIGHEST):
        for version in (1, 7, 9, 10, 11):
            if version <= target.advertised[2][1]:
                target.ask("ListOffsets", version, list_offsets(topic, timestamp), label=f"{timestamp} v{version}")
        target.ask("ListOffsets", 7, list_offsets(empty, timestamp), label=f"{timestamp} of an empty one")


@case("list offsets: what is unknown, and duplicates")
def _(target):
    topic = target.topic(records=1)
    one = {"PartitionIndex": 0, "Timestamp": -1}
    for version in (1, 4, 6, 10):
        target.ask("ListOffsets", version, list_offsets("nowhere"), label=f"topic v{version}")
        target.ask("ListOffsets", version, list_offsets(topic, partition=3), label=f"partition v{version}")
        target.ask("ListOffsets", version, list_offsets(topic, partition=-1), label=f"partition -1 v{version}")
        for label, topics in (("partition twice", [{"Name": topic, "Partitions": [one, one]}]),
                              ("partition thrice", [{"Name": topic, "Partitions": [one, one, one]}]),
                              ("topic twice", [{"Name": topic, "Partitions": [one]}] * 2),
                              ("no partitions", [{"Name": topic, "Partitions": []}]), ("no topics", [])):
            target.ask("ListOffsets", version, {**list_offsets(topic), "Topics": topics}, label=f"{label} v{version}")


@case("list offsets: epochs, replicas, isolation")
def _(target):
    topic = target.topic(records=1)
    for epoch in (-2, -1, 0, 1, 99):
        target.ask("ListOffsets", 7, list_offsets(topic, CurrentLeaderEpoch=epoch), label=f"epoch {epoch}")
    for replica in (-2, -3, 0, 1, 7):
        target.ask("ListOffsets", 7, list_offsets(topic, replica=replica), label=f"replica {replica}")
    for isolation in (1, 2, -1, 127):
        target.ask("ListOffsets", 7, list_offsets(topic, isolation=isolation), label=f"isolation {isolation}")


@case("offset for leader epoch")
def _(target):
    topic = target.topic(records=3)

    def ask(label, name=topic, partition=0, epoch=0, current=-1, version=4, replica=-1):
        target.ask("OffsetForLeaderEpoch", version, {"ReplicaId": replica, "Topics": [{"Topic": name, "Partitions": [
            {"Partition": partition, "CurrentLeaderEpoch": current, "LeaderEpoch": epoch}]}]}, label=label)

    for version in (2, 3, 4):
        for epoch in (-2, -1, 0, 1, 5, 2**31 - 1):
            ask(f"epoch {epoch} v{version}", epoch=epoch, version=version)
        for current in (-2, 0, 1, 99):
            ask(f"current {current} v{version}", current=current, version=version)
        ask(f"topic v{version}", "nowhere", version=version)
        ask(f"partition v{version}", partition=9, version=version)
    for replica in (-2, 0, 1, 9):
        ask(f"replica {replica}", replica=replica)
    target.ask("OffsetForLeaderEpoch", 4, {"ReplicaId": -1, "Topics": [{"Topic": topic, "Partitions": [
        {"Partition": 0, "LeaderEpoch": 0}, {"Partition": 0, "LeaderEpoch": 5}]}]}, label="twice")


@case("delete records")
def _(target):
    def ask(label, name, offset, partition=0, version=2, timeout_ms=5000):
        target.ask("DeleteRecords", version, {"TimeoutMs": timeout_ms, "Topics": [{"Name": name, "Partitions": [
            {"PartitionIndex": partition, "Offset": offset}]}]}, label=label)

    topic = target.topic(records=5)
    for version in (0, 1, 2):
        for offset in (6, 100, HIGHEST, -2, -3, LOWEST):
            ask(f"{offset} v{version}", topic, offset, version=version)
    ask("unknown topic", "nowhere", 0)
    ask("unknown partition", topic, 0, 7)
    ask("partition -1", topic, 0, -1)
    ask("internal topic", "__consumer_offsets", 0)
    ask("to 2", topic, 2)
    ask("to 1 after 2", topic, 1)
    ask("to the high watermark", topic, -1)
    ask("timeout -1", topic, 5, timeout_ms=-1)
    ask("compacted", target.topic(configs={"cleanup.policy": "compact"}), 0)
    ask("name not allowed", "a/b", 0)
    target.ask("DeleteRecords", 2, {"TimeoutMs": 100, "Topics": [{"Name": topic, "Partitions": [
        {"PartitionIndex": 0, "Offset": 5}, {"PartitionIndex": 0, "Offset": 5}]}]}, label="twice")
    target.ask("DeleteRecords", 2, {"TimeoutMs": 100, "Topics": []}, label="nothing")
    target.ask("Fetch", 11, fetch(topic, 0), label="what is gone")
