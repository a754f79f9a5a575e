"""Bodies of requests: cut short, too long, with lengths and tags that lie, with strings that are not UTF-8."""

import struct

import batches
import messages
from table import add, case
from target import produce_body

NOT_UTF8 = b"a\xff\xfe\x80z"
HUGE = b"\xff\xff\xff\xff\x0f"          # 2^32-1 as a varint
LARGE = b"\x80\x80\x80\x80\x08"         # 2^31: a compact length of 2^31-1

GROUP = {"GroupId": "cut", "GenerationId": 1, "MemberId": "m"}
FETCH = {"MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 1000, "Topics": [
    {"Topic": "nowhere", "Partitions": [{"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 100}]}]}
BODIES = [
    ("ApiVersions", 3, {"ClientSoftwareName": "abc", "ClientSoftwareVersion": "1.0"}),
    # No legal name: no change of a byte creates a topic.
    ("Metadata", 1, {"Topics": [{"Name": "no/where"}]}),
    ("Metadata", 9, {"Topics": [{"Name": "no/where"}], "AllowAutoTopicCreation": False}),
    ("Metadata", 12, {"Topics": [{"Name": "no/where"}], "AllowAutoTopicCreation": False}),
    ("Produce", 8, produce_body("nowhere", batches.batch())),
    ("Produce", 9, produce_body("nowhere", batches.batch())),
    ("Fetch", 11, FETCH),
    ("Fetch", 12, FETCH),
    ("ListOffsets", 7, {"ReplicaId": -1, "Topics": [
        {"Name": "nowhere", "Partitions": [{"PartitionIndex": 0, "Timestamp": -1}]}]}),
    ("OffsetCommit", 8, {"GroupId": "cut", "Topics": [{"Name": "nowhere", "Partitions": [
        {"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": "m"}]}]}),
    ("OffsetFetch", 8, {"Groups": [{"GroupId": "cut", "Topics": [{"Name": "nowhere", "PartitionIndexes": [0, 1]}]}]}),
    ("FindCoordinator", 4, {"KeyType": 0, "CoordinatorKeys": ["a", "b"]}),
    ("JoinGroup", 4, {"GroupId": "cut", "SessionTimeoutMs": 1, "MemberId": "m", "ProtocolType": "consumer",
                      "Protocols": [{"Name": "range", "Metadata": b"abc"}]}),
    ("JoinGroup", 9, {"GroupId": "cut", "SessionTimeoutMs": 1, "MemberId": "m", "ProtocolType": "consumer",
                      "Protocols": [{"Name": "range", "Metadata": b"abc"}]}),
    ("SyncGroup", 5, {**GROUP, "Assignments": [{"MemberId": "m", "Assignment": b"abc"}]}),
    ("Heartbeat", 4, GROUP),
    ("LeaveGroup", 5, {"GroupId": "cut", "Members": [{"MemberId": "m"}]}),
    ("DescribeGroups", 5, {"Groups": ["cut"]}),
    ("CreateTopics", 7, {"Topics": [{"Name": "bad/name", "NumPartitions": 1, "ReplicationFactor": 1,
                                     "Configs": [{"Name": "a", "Value": "b"}]}], "timeoutMs": 100}),
    ("DeleteTopics", 6, {"Topics": [{"Name": "nowhere"}], "TimeoutMs": 100}),
    ("DescribeConfigs", 4, {"Resources": [{"ResourceType": 2, "ResourceName": "nowhere", "ConfigurationKeys": None}]}),
    ("OffsetForLeaderEpoch", 4, {"ReplicaId": -1, "Topics": [
        {"Topic": "nowhere", "Partitions": [{"Partition": 0, "LeaderEpoch": 0}]}]}),
    ("InitProducerId", 4, {"TransactionalId": "", "TransactionTimeoutMs": 1}),
]


def cut(api, version, body):
    def run(target):
        whole = messages.request(api, version, body)
        start = len(whole) - len(messages.encode(api, version, body))
        for size in range(start, len(whole)):
            # A connection each: Kafka closes it, and so the next byte is another's.
            target.frame(whole[:size], label=str(size - start), api=api, version=version)
    return run


def longer(api, version, body):
    def run(target):
        whole = messages.request(api, version, body)
        for label, tail in (("one zero", b"\0"), ("eight zeros", bytes(8)), ("0xff", b"\xff" * 16), ("1 MB", bytes(1 << 20))):
            connection = target.connect()
            connection.send_frame(whole + tail)
            answer = connection.receive(api, version)
            target.say(label, answer if isinstance(answer, str) else "answered")
    return run


def dented(api, version, body):
    """Each byte of the body in turn is 0xff, and 0x80: lengths and counts that lie, wherever they are."""
    def run(target):
        whole = messages.request(api, version, body)
        start = len(whole) - len(messages.encode(api, version, body))
        for at in range(start, len(whole)):
            for byte in (b"\xff", b"\x80", b"\x7f"):
                target.frame(whole[:at] + byte + whole[at + 1:], label=f"{at - start} is {byte.hex()}", api=api,
                             version=version)
    return run


for one in BODIES:
    add(f"{one[0]} v{one[1]}, its body cut at each byte", cut(*one))
    add(f"{one[0]} v{one[1]}, bytes behind its body", longer(*one))
for one in BODIES:
    if one[0] not in ("ApiVersions", "JoinGroup", "CreateTopics", "OffsetCommit", "InitProducerId"):
        add(f"{one[0]} v{one[1]}, each byte of its body dented", dented(*one))


def body_of(target, api, version, data, label, **more):
    target.frame(messages.header(messages.key_of(api), version, is_flexible=messages.flexible(api, version)) + data,
                 label=label, api=api, version=version, **more)


@case("array lengths that lie")
def _(target):
    for count in (2**31 - 1, 2**30, 100_000, -2, -1, -(2**31), 0):
        size = struct.pack(">i", count)
        body_of(target, "Metadata", 0, size, f"Metadata v0 {count}")
        body_of(target, "Metadata", 1, size, f"Metadata v1 {count}")
        body_of(target, "Metadata", 4, size + b"\0", f"Metadata v4 {count}")
        body_of(target, "CreateTopics", 4, size + bytes(20), f"CreateTopics v4 {count}")
        body_of(target, "DescribeGroups", 0, size + bytes(8), f"DescribeGroups v0 {count}")
        body_of(target, "OffsetFetch", 1, messages.nullable_string("g") + size + bytes(8), f"OffsetFetch v1 {count}")
        body_of(target, "Produce", 3, b"\xff\xff\xff\xff" + bytes(4) + size + bytes(30), f"Produce v3 {count}")
        body_of(target, "Fetch", 4, b"\xff\xff\xff\xff" + bytes(13) + size + bytes(30), f"Fetch v4 {count}")


@case("compact array lengths that lie")
def _(target):
    for name, size in (("2^32-1", HUGE), ("2^31", LARGE), ("100 000", messages.unsigned_varint(100_001)), ("null", b"\0"),
                       ("five bytes and more", b"\xff\xff\xff\xff\x7f"), ("without end", b"\xff" * 10),
                       ("six bytes", b"\x80\x80\x80\x80\x80\0")):
        body_of(target, "Metadata", 9, size + bytes(4), f"Metadata v9 {name}")
        body_of(target, "CreateTopics", 5, size + bytes(20), f"CreateTopics v5 {name}")
        body_of(target, "DescribeGroups", 5, size + bytes(8), f"DescribeGroups v5 {name}")
        body_of(target, "FindCoordinator", 4, b"\0" + size + bytes(8), f"FindCoordinator v4 {name}")
        body_of(target, "Produce", 9, b"\0\xff\xff" + bytes(4) + size + bytes(30), f"Produce v9 {name}")
        body_of(target, "Fetch", 12, bytes(21) + size + bytes(30), f"Fetch v12 {name}")
        body_of(target, "DeleteTopics", 6, size + bytes(20), f"DeleteTopics v6 {name}")


@case("arrays of very many structures")
def _(target):
    body_of(target, "DescribeGroups", 0, struct.pack(">i", 500_001) + bytes(1_000_000), "500 001 groups, the last one cut")
    body_of(target, "FindCoordinator", 4, b"\0" + messages.unsigned_varint(50_002) + bytes(50_000), "50 001 keys, cut")


@case("string lengths that lie")
def _(target):
    for size in (-1, -2, -32768, 100, 32767):
        text = struct.pack(">h", size) + b"abc"
        body_of(target, "FindCoordinator", 0, text, f"FindCoordinator v0 {size}")
        body_of(target, "FindCoordinator", 1, text + b"\0", f"FindCoordinator v1 {size}")
        body_of(target, "Metadata", 1, struct.pack(">i", 1) + text, f"Metadata v1 {size}")
        body_of(target, "Heartbeat", 0, text + bytes(6), f"Heartbeat v0 {size}")
    for name, size in (("null", b"\0"), ("too long", b"\x40"), ("2^32-1", HUGE), ("2^31", LARGE),
                       ("40 000", messages.unsigned_varint(40_001) + bytes(40_000))):
        body_of(target, "FindCoordinator", 3, size + b"abc\0\0", f"FindCoordinator v3 {name}")
        body_of(target, "Heartbeat", 4, size + bytes(8), f"Heartbeat v4 {name}")


@case("record lengths that lie")
def _(target):
    name = target.topic()
    for size in (-1, -2, -(2**31), 0, 1, 1000, 2**31 - 1):
        data = (b"\xff\xff\xff\xff" + struct.pack(">ii", 1000, 1) + messages.nullable_string(name)
                + struct.pack(">iii", 1, 0, size))
        body_of(target, "Produce", 3, data + bytes(8), f"v3 {size}")
    for label, size in (("null", b"\0"), ("empty", b"\1"), ("2^32-1", HUGE), ("2^31", LARGE)):
        data = (b"\0\xff\xff" + struct.pack(">i", 1000) + b"\2" + messages.compact_string(name) + b"\2"
                + struct.pack(">i", 0) + size)
        body_of(target, "Produce", 9, data + bytes(3), f"v9 {label}")


@case("tags of a body")
def _(target):
    start = messages.compact_string("g") + b"\0"
    for name, tags in (("one unknown", b"\1\x63\3abc"), ("two unknown", b"\2\x63\3abc\x64\0"),
                       ("a duplicate", b"\2\x63\1a\x63\1b"), ("not in order", b"\2\x64\1a\x63\1b"),
                       ("size beyond the frame", b"\1\x63\x7fabc"), ("size a byte short", b"\1\x63\2abc"),
                       ("huge size", b"\1\x63" + HUGE + b"abc"), ("size of 2^31", b"\1\x63" + LARGE + b"abc"),
                       ("huge count", HUGE), ("count a byte more", b"\2\x63\3abc"), ("missing", b"")):
        body_of(target, "FindCoordinator", 3, start + tags, name)


@case("a known tag that lies about its size")
def _(target):
    fixed = struct.pack(">iiib", 0, 0, 1000, 0) + struct.pack(">ii", 0, -1) + b"\1\1\1"
    for name, tags in (("cluster id", b"\1\0\2\2a"), ("cluster id null", b"\1\0\1\0"), ("size too small", b"\1\0\2\4abc"),
                       ("size too big", b"\1\0\5\2a\0\0\0"), ("size zero", b"\1\0\0"), ("twice", b"\2\0\2\2a\0\2\2b"),
                       ("order", b"\2\x09\0\0\2\2a"), ("size beyond", b"\1\0\x7f\2a")):
        body_of(target, "Fetch", 12, fixed + tags, name)


@case("names that are not UTF-8")
def _(target):
    for version in (1, 4, 9, 12):
        target.ask("Metadata", version, {"Topics": [{"Name": NOT_UTF8}]})
    target.ask("CreateTopics", 4, create(NOT_UTF8))
    target.ask("CreateTopics", 7, create(NOT_UTF8))
    target.ask("DeleteTopics", 5, {"TopicNames": [NOT_UTF8], "TimeoutMs": 1000})
    target.ask("DescribeConfigs", 4, {"Resources": [
        {"ResourceType": 2, "ResourceName": NOT_UTF8, "ConfigurationKeys": None}]})
    for version in (0, 3):
        target.ask("FindCoordinator", version, {"Key": NOT_UTF8})
    target.ask("FindCoordinator", 4, {"CoordinatorKeys": [NOT_UTF8]})
    target.produce(NOT_UTF8, batches.batch())
    target.ask("Fetch", 12, {**FETCH, "Topics": [{"Topic": NOT_UTF8, "Partitions": [
        {"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 100}]}]})
    target.ask("ListOffsets", 7, {"ReplicaId": -1, "Topics": [
        {"Name": NOT_UTF8, "Partitions": [{"PartitionIndex": 0, "Timestamp": -1}]}]})
    target.ask("DescribeGroups", 5, {"Groups": [NOT_UTF8]})
    target.ask("DeleteGroups", 2, {"GroupsNames": [NOT_UTF8]})
    target.ask("Heartbeat", 4, {"GroupId": NOT_UTF8, "GenerationId": 1, "MemberId": NOT_UTF8})


@case("a group id that is not UTF-8 keeps offsets")
def _(target):
    name = target.topic()
    target.ask("OffsetCommit", 8, {"GroupId": NOT_UTF8, "Topics": [{"Name": name, "Partitions": [
        {"PartitionIndex": 0, "CommittedOffset": 1, "CommittedMetadata": NOT_UTF8}]}]})
    for group in (NOT_UTF8, "a\ufffd\ufffd\ufffdz"):
        target.ask("OffsetFetch", 7, {"GroupId": group, "Topics": [{"Name": name, "PartitionIndexes": [0]}]},
                   label=repr(group))
    target.ask("DescribeGroups", 5, {"Groups": [NOT_UTF8]})
    target.ask("DeleteGroups", 2, {"GroupsNames": [NOT_UTF8]})


@case("booleans beyond 0 and 1")
def _(target):
    for byte in (b"\2", b"\x80", b"\xff"):
        body_of(target, "Metadata", 4, struct.pack(">i", 1) + messages.nullable_string("boolean") + byte,
                f"auto-create {byte.hex()}")


def create(name, partitions=1, factor=1, **more):
    return {"Topics": [{"Name": name, "NumPartitions": partitions, "ReplicationFactor": factor, **more}],
            "timeoutMs": 10_000}
