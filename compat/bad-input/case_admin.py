"""Topics and configurations: names of the forbidden kinds, counts, duplicates, what is unknown."""

import uuid

from case_bodies import create
from table import case

NAMES = ["", ".", "..", "...", " ", "a b", "a/b", "a\\b", "a%b", "a:b", "a,b", "a\0b", "a\nb", "ü", "主题", "𝄞", "a" * 249,
         "a" * 250, "a" * 300, "a" * 32767, "-", "_", "a+b", "a*", "\"", "#", "__consumer_offsets", "__transaction_state",
         "__cluster_metadata", "__share_group_state"]


def label_of(name):
    return repr(name) if len(name) < 30 else f"{name[0]} * {len(name)}"


@case("create topics: names")
def _(target):
    for name in NAMES:
        for version in (2, 7):
            target.ask("CreateTopics", version, {**create(name), "validateOnly": True}, label=f"{label_of(name)} v{version}")


@case("create topics: names that collide")
def _(target):
    target.topic(name="col.li_de")
    for name in ("col.li.de", "col_li_de", "col_li.de", "col.li_de", "col.li-de"):
        for version in (2, 7):
            target.ask("CreateTopics", version, {**create(name), "validateOnly": True}, label=f"{name} v{version}")
    target.ask("CreateTopics", 7, {**create("new.a"), "Topics": create("new.a")["Topics"] + create("new_a")["Topics"],
                                   "validateOnly": True}, label="in one request")


@case("metadata: names with auto-creation")
def _(target):
    for name in NAMES[:-4]:
        if name and len(name) <= 249 and all(c.isascii() and (c.isalnum() or c in "._-") for c in name) and name not in (".", ".."):
            continue    # would be created
        for version in (0, 1, 4, 9, 12):
            target.ask("Metadata", version, {"Topics": [{"Name": name}], "AllowAutoTopicCreation": True},
                       label=f"{label_of(name)} v{version}")


@case("metadata: names without auto-creation")
def _(target):
    for name in NAMES[:-4] + ["col.li_de"]:
        target.ask("Metadata", 9, {"Topics": [{"Name": name}], "AllowAutoTopicCreation": False}, label=label_of(name))


@case("metadata: a colliding name with auto-creation")
def _(target):
    target.topic(name="meta.data")
    target.ask("Metadata", 9, {"Topics": [{"Name": "meta_data"}], "AllowAutoTopicCreation": True})


@case("metadata: ids, nulls, duplicates")
def _(target):
    topic = target.topic()
    known, unknown, zero = target.ids[topic], uuid.UUID(int=77), uuid.UUID(int=0)
    for version in (10, 12, 13):
        for label, topics in (("unknown id", [{"TopicId": unknown, "Name": None}]), ("known id", [{"TopicId": known, "Name": None}]),
                              ("id and name", [{"TopicId": known, "Name": topic}]),
                              ("unknown id and name", [{"TopicId": unknown, "Name": topic}]),
                              ("neither", [{"TopicId": zero, "Name": None}]),
                              ("an id and a name", [{"TopicId": known, "Name": None}, {"Name": topic}]),
                              ("known and unknown ids", [{"TopicId": known, "Name": None}, {"TopicId": unknown, "Name": None}]),
                              ("id twice", [{"TopicId": known, "Name": None}] * 2),
                              ("name twice", [{"Name": topic}] * 2), ("unknown name twice", [{"Name": "no/where"}] * 2),
                              ("none", [])):
            target.ask("Metadata", version, {"Topics": topics, "AllowAutoTopicCreation": False}, label=f"{label} v{version}")


@case("create topics: counts")
def _(target):
    for partitions in (0, -1, -2, -(2**31)):
        for version in (2, 4, 7):
            target.ask("CreateTopics", version, {**create(f"p{partitions}", partitions), "validateOnly": True},
                       label=f"{partitions} partitions v{version}")
    for factor in (0, -1, -2, 2, 3, 32767, -32768):
        for version in (2, 7):
            target.ask("CreateTopics", version, {**create(f"f{factor}", 1, factor), "validateOnly": True},
                       label=f"factor {factor} v{version}")
    for partitions in (10_001, 32_768, 2**31 - 1):
        target.ask("CreateTopics", 7, {**create(f"many{partitions}", partitions), "validateOnly": True},
                   label=f"{partitions} partitions")
    target.ask("CreateTopics", 7, {**create("both", 0, 0), "validateOnly": True}, label="no partitions, no replicas")


@case("create topics: too many partitions in all")
def _(target):
    target.ask("CreateTopics", 7, {"Topics": [create(f"sum{number}", 6000)["Topics"][0] for number in range(2)],
                                   "timeoutMs": 1000, "validateOnly": True})


@case("create topics: twice and already there")
def _(target):
    topic = target.topic()
    for version in (2, 4, 7):
        target.ask("CreateTopics", version, create(topic), label=f"there v{version}")
        twice = {"Topics": create("twice")["Topics"] * 2 + create("thrice/")["Topics"] * 3, "timeoutMs": 1000}
        target.ask("CreateTopics", version, twice, label=f"twice v{version}")
    target.ask("CreateTopics", 7, {"Topics": [], "timeoutMs": 1000}, label="none")


CONFIGS = [("no.such.config", "1"), ("retention.ms", "abc"), ("retention.ms", ""), ("retention.ms", None), ("retention.ms", "-2"),
           ("retention.ms", "99999999999999999999"), ("retention.ms", " 5 "), ("retention.ms", "5.0"), ("retention.ms", "0x10"),
           ("segment.bytes", "0"), ("segment.bytes", "13"), ("segment.bytes", "2147483648"), ("cleanup.policy", "nonsense"),
           ("cleanup.policy", ""), ("cleanup.policy", "compact,delete"), ("cleanup.policy", "compact,compact"),
           ("cleanup.policy", "compact, delete"), ("cleanup.policy", "Compact"), ("compression.type", "zip"),
           ("compression.type", "GZIP"), ("compression.gzip.level", "0"), ("compression.gzip.level", "10"),
           ("compression.lz4.level", "18"), ("compression.zstd.level", "99"), ("min.insync.replicas", "0"),
           ("min.cleanable.dirty.ratio", "1.5"), ("min.cleanable.dirty.ratio", "NaN"), ("min.cleanable.dirty.ratio", "x"),
           ("unclean.leader.election.enable", "yes"), ("unclean.leader.election.enable", "TRUE"), ("preallocate", "1"),
           ("message.timestamp.type", "Never"), ("message.timestamp.before.max.ms", "-1"), ("max.message.bytes", "-1"),
           ("message.format.version", "0.10.0"), ("message.format.version", "x"), ("message.downconversion.enable", "true"),
           ("message.timestamp.difference.max.ms", "1"), ("flush.messages", "0"), ("index.interval.bytes", "-1"),
           ("segment.index.bytes", "3"), ("segment.ms", "0"), ("segment.jitter.ms", "-1"), ("delete.retention.ms", "-1"),
           ("file.delete.delay.ms", "-1"), ("max.compaction.lag.ms", "0"), ("min.compaction.lag.ms", "-1"),
           ("remote.storage.enable", "true"), ("local.retention.ms", "-3"), ("local.retention.ms", "5"), ("retention.bytes", "x"),
           ("leader.replication.throttled.replicas", "x"), ("leader.replication.throttled.replicas", "*"),
           ("leader.replication.throttled.replicas", "0:1,1:2"), ("", "x"), ("", None), (" ", "x")]


@case("create topics: configurations")
def _(target):
    for version in (2, 7):
        for key, value in CONFIGS:
            target.ask("CreateTopics", version, {**create("configured", Configs=[{"Name": key, "Value": value}]),
                                                 "validateOnly": True}, label=f"{key}={value} v{version}")
    for label, configs in (("twice", [("retention.ms", "1"), ("retention.ms", "2")]), ("two wrong", [("a", "b"), ("retention.ms", "x")]),
                           ("lags crossed", [("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")])):
        body = create("configured", Configs=[{"Name": key, "Value": value} for key, value in configs])
        target.ask("CreateTopics", 7, {**body, "validateOnly": True}, label=label)


@case("create topics: assignments")
def _(target):
    node = 1
    for label, partitions, factor, assignments in (
            ("with a count", 1, -1, [(0, [node])]), ("with a factor", -1, 1, [(0, [node])]), ("with both", 1, 1, [(0, [node])]),
            ("good", -1, -1, [(0, [node])]), ("empty", -1, -1, [(0, [])]), ("unknown broker", -1, -1, [(0, [99])]),
            ("broker -1", -1, -1, [(0, [-1])]), ("broker twice", -1, -1, [(0, [node, node])]), ("from 1", -1, -1, [(1, [node])]),
            ("a gap", -1, -1, [(0, [node]), (2, [node])]), ("twice", -1, -1, [(0, [node]), (0, [node])]),
            ("partition -1", -1, -1, [(-1, [node])]), ("factors differ", -1, -1, [(0, [node]), (1, [node, 2])])):
        body = create("assigned", partitions, factor, Assignments=[
            {"PartitionIndex": index, "BrokerIds": brokers} for index, brokers in assignments])
        target.ask("CreateTopics", 7, {**body, "validateOnly": True}, label=label)


@case("create topics: timeouts")
def _(target):
    for timeout_ms in (0, -1, -(2**31)):
        target.ask("CreateTopics", 7, {**create(f"a/b{timeout_ms}"), "timeoutMs": timeout_ms}, label=str(timeout_ms))


@case("delete topics: what is not there")
def _(target):
    topic = target.topic()
    for version in (1, 3, 5):
        for label, names in (("unknown", ["nowhere"]), ("unknown twice", ["nowhere", "nowhere"]), ("no names", []),
                             ("odd names", ["", "..", "a/b", "a" * 300]), ("metadata", ["__cluster_metadata"])):
            target.ask("DeleteTopics", version, {"TopicNames": names, "TimeoutMs": 5000}, label=f"{label} v{version}")
    known, unknown, zero = target.ids[topic], uuid.UUID(int=77), uuid.UUID(int=0)
    for label, topics in (("unknown id", [{"TopicId": unknown}]), ("name and id", [{"Name": topic, "TopicId": known}]),
                          ("name and unknown id", [{"Name": topic, "TopicId": unknown}]), ("neither", [{"TopicId": zero}]),
                          ("unknown ids twice", [{"TopicId": unknown}] * 2), ("known name twice", [{"Name": topic, "TopicId": zero}] * 2),
                          ("known id twice", [{"TopicId": known}] * 2),
                          ("name here, id there", [{"Name": topic, "TopicId": zero}, {"TopicId": known}]), ("none", [])):
        target.ask("DeleteTopics", 6, {"Topics": topics, "TimeoutMs": 5000}, label=label)
    target.ask("DeleteTopics", 6, {"Topics": [{"Name": topic}], "TimeoutMs": 5000}, label="good")
    target.ask("DeleteTopics", 6, {"Topics": [{"Name": topic}], "TimeoutMs": 5000}, label="again")


@case("create partitions")
def _(target):
    topic = target.topic(partitions=3)
    for version in (0, 2, 3):
        for count in (0, -1, 1, 2, 3, 10_004, 2**31 - 1):
            target.ask("CreatePartitions", version, {"Topics": [{"Name": topic, "Count": count, "Assignments": None}],
                                                     "TimeoutMs": 5000, "ValidateOnly": True}, label=f"{count} v{version}")
        target.ask("CreatePartitions", version, {"Topics": [{"Name": "nowhere", "Count": 5, "Assignments": None}],
                                                 "TimeoutMs": 5000}, label=f"unknown v{version}")
        for name in ("", "..", "a/b"):
            target.ask("CreatePartitions", version, {"Topics": [{"Name": name, "Count": 5, "Assignments": None}],
                                                     "TimeoutMs": 5000}, label=f"{name!r} v{version}")
    for label, count, assignments in (("too few assignments", 5, [[1]]), ("too many", 4, [[1], [1]]), ("unknown broker", 4, [[99]]),
                                      ("broker twice", 4, [[1, 1]]), ("empty", 4, [[]]), ("no assignments", 4, []),
                                      ("broker -1", 4, [[-1]])):
        target.ask("CreatePartitions", 3, {"Topics": [{"Name": topic, "Count": count, "Assignments": [
            {"BrokerIds": one} for one in assignments]}], "TimeoutMs": 5000, "ValidateOnly": True}, label=label)
    target.ask("CreatePartitions", 3, {"Topics": [{"Name": topic, "Count": 4, "Assignments": None}] * 2, "TimeoutMs": 5000},
               label="twice")
    target.ask("CreatePartitions", 3, {"Topics": [], "TimeoutMs": 5000}, label="none")


@case("describe configs: resources")
def _(target):
    topic = target.topic()
    keys = ["retention.ms", "no.such.config", ""]
    for version in (1, 4):
        for kind, name in ((0, "x"), (1, "x"), (3, "x"), (5, "x"), (9, "x"), (64, "x"), (127, "x"), (-1, "x"), (2, "nowhere"),
                           (2, ""), (2, ".."), (2, "a/b"), (2, "a" * 300), (4, "99"), (4, "abc"), (4, "-1"), (4, " 1"),
                           (4, "1.0"), (8, "99"), (8, "abc"), (8, ""), (2, topic)):
            target.ask("DescribeConfigs", version, {"Resources": [
                {"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": keys}]}, label=f"{kind} {name[:10]!r} v{version}")
        twice = {"ResourceType": 2, "ResourceName": topic, "ConfigurationKeys": keys}
        target.ask("DescribeConfigs", version, {"Resources": [twice, twice]}, label=f"twice v{version}")
        target.ask("DescribeConfigs", version, {"Resources": []}, label=f"none v{version}")
        target.ask("DescribeConfigs", version, {"Resources": [{**twice, "ConfigurationKeys": []}]}, label=f"no keys v{version}")


@case("describe cluster and topic partitions")
def _(target):
    topic = target.topic(partitions=3)
    for kind in (0, 2, 3, -1):
        answer = target.ask("DescribeCluster", 1, {"EndpointType": kind}, label=f"endpoint type {kind}")
        assert isinstance(answer, (dict, str))
    for limit in (0, -1, -(2**31), 1, 2, 2**31 - 1):
        target.ask("DescribeTopicPartitions", 0, {"Topics": [{"Name": topic}, {"Name": "nowhere"}],
                                                  "ResponsePartitionLimit": limit}, label=f"limit {limit}")
    for label, cursor in (("unknown topic", {"TopicName": "nowhere", "PartitionIndex": 0}), ("partition 99", {"TopicName": topic, "PartitionIndex": 99}),
                          ("partition -1", {"TopicName": topic, "PartitionIndex": -1}), ("partition 1", {"TopicName": topic, "PartitionIndex": 1})):
        target.ask("DescribeTopicPartitions", 0, {"Topics": [{"Name": topic}], "ResponsePartitionLimit": 100, "Cursor": cursor},
                   label=f"cursor {label}")
    target.ask("DescribeTopicPartitions", 0, {"Topics": [{"Name": name} for name in ("", "..", "a/b", "a" * 300, topic, topic)],
                                              "ResponsePartitionLimit": 100}, label="odd names")
