"""Groups that are full, offsets that grow old, groups and offsets that are deleted, in every state; and what of that is written
into __consumer_offsets. Its brokers are set so that it takes minutes and not days (group-limits)."""

import struct
import time

import wait
from case_consumer_groups import Consumer, describe, later
from case_group_members import Member, look, make_subscribed
from case_groups import commit, join
from table import case

MAX_SIZE = 2
RETENTION_S = 60
# A check that is due may be a while late, on a machine that has much to do.
LATE_S = 15


def partition_of(group, partitions=50):
    """Where Kafka keeps a group: by Java's hash of its name."""
    value = 0
    for unit in struct.unpack(f">{len(group.encode('utf-16-be')) // 2}H", group.encode("utf-16-be")):
        value = (31 * value + unit) & 0xFFFFFFFF
    return abs(value - (value >> 31 << 32)) % partitions


def varint(data, at):
    shift = value = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def records_in(data):
    """(offset, key, value) of each record of uncompressed batches."""
    at = 0
    while at + 61 <= len(data):
        base, size = struct.unpack_from(">qi", data, at)
        if at + 12 + size > len(data):
            return
        count, = struct.unpack_from(">i", data, at + 57)
        position = at + 61
        for _ in range(count):
            length, position = varint(data, position)
            end = position + length
            _, place = varint(data, position + 1)
            delta, place = varint(data, place)
            parts = []
            for _ in range(2):
                size_of_part, place = varint(data, place)
                parts.append(None if size_of_part < 0 else data[place:place + size_of_part])
                place += max(size_of_part, 0)
            yield base + delta, *parts
            position = end
        at += 12 + size


def written(target, group):
    """What the log holds of the group: (type of the key, its words, whether it is a tombstone), in order."""
    found, offset = [], 0
    index = partition_of(group)
    while True:
        answer = target.quietly("Fetch", 11, {"ReplicaId": -1, "MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 1 << 24, "SessionEpoch": -1, "Topics": [
            {"Topic": "__consumer_offsets", "Partitions": [{"Partition": index, "FetchOffset": offset, "PartitionMaxBytes": 1 << 24}]}]})
        partition = answer["Responses"][0]["Partitions"][0]
        assert partition["ErrorCode"] == 0, partition
        before = offset
        for offset_of_record, key, value in records_in(partition["Records"] or b""):
            offset = offset_of_record + 1
            words, rest = [struct.unpack(">h", key[:2])[0]], key[2:]
            length, = struct.unpack(">h", rest[:2])
            name, rest = rest[2:2 + length].decode(), rest[2 + length:]
            if name == group:
                # Member ids are each broker's own.
                words.append(rest.hex() if words[0] in (0, 1) else len(rest) > 0)
                found.append((*words, value is None))
        if offset == before:
            return found


def say_written(target, group, label, since=0):
    records = written(target, group)
    target.say(f"{label}: written", sorted(records[since:], key=str))
    return len(records)


@case("limits: a classic group that is full")
def _(target):
    make_subscribed(target)
    one, two = Member(target, "full", "one"), Member(target, "full", "two")
    one.join()
    one.sync([(one.id, b"all")])
    two.get_id()
    two.start_join()
    while one.heartbeat("heartbeat while two joins")["ErrorCode"] == 0:
        target.transcript.pop()
    one.join("rejoins")
    two.take_join()
    two.start_sync()
    one.sync([(one.id, b"first"), (two.id, b"second")])
    two.take_sync()
    for version in (0, 3, 4, 5, 9):
        target.ask("JoinGroup", version, join("full"), label=f"a third v{version}")
    target.ask("JoinGroup", 5, join("full", GroupInstanceId="i"), label="a third, static")
    target.ask("JoinGroup", 5, join("full", member="stranger"), label="a third, with an id of its own")
    one.heartbeat("heartbeat after that")
    two.join("joins as it is")
    target.ask("DescribeGroups", 5, {"Groups": ["full"]}, label="describe")
    two.leave()
    three = Member(target, "full", "three")
    three.get_id("asks for an id, now that there is room")


@case("limits: ids given out to more than there is room for")
def _(target):
    members = [Member(target, "full-of-ids", f"member {index}") for index in range(MAX_SIZE + 1)]
    members[0].join()
    members[0].sync([(members[0].id, b"all")])
    for member in members[1:]:
        member.get_id()
    # The group waits for all ids that were given out; who comes last is refused, and the others go on.
    for index, member in enumerate(members[:-1]):
        member.start_join()
        wait.until(lambda: waiting_members(target, "full-of-ids") == index + 1, f"{index + 1} wait for the others")
    members[-1].join("the last one joins")
    for member in members[:-1]:
        member.take_join("joins again")
    target.ask("DescribeGroups", 5, {"Groups": ["full-of-ids"]}, label="describe")


def waiting_members(target, group):
    described, = target.quietly("DescribeGroups", 5, {"Groups": [group]})["Groups"]
    return len(described["Members"]) if described["GroupState"] == "PreparingRebalance" else 0


@case("limits: a consumer group that is full")
def _(target):
    topic = target.topic(partitions=2)
    one, two = Consumer(target, "full-consumers", "one"), Consumer(target, "full-consumers", "two", instance="i")
    one.join(topics=[topic])
    two.join(topics=[topic])
    for version in (0, 1):
        Consumer(target, "full-consumers", f"three v{version}", version=version).join(topics=[topic])
    Consumer(target, "full-consumers", "three, static", instance="j").join(topics=[topic])
    target.ask("JoinGroup", 9, join("full-consumers"), label="a classic one")
    target.ask("JoinGroup", 3, join("full-consumers"), label="an old classic one")
    one.join("joins again", topics=[topic])
    two.leave("leaves for a while", epoch=-2)
    Consumer(target, "full-consumers", "double", instance="i").join("takes the place of who is away", topics=[topic])
    describe(target, "full-consumers", "full")


@case("limits: deletions in every state, and what they write")
def _(target):
    make_subscribed(target)
    topic = target.topic(partitions=2)
    target.ask("OffsetCommit", 8, commit("simple", topic, partition=0), label="commit")
    target.ask("OffsetCommit", 8, commit("simple", topic, partition=1), label="commit")
    target.ask("OffsetCommit", 8, commit("simple", "subscribed"), label="commit")
    size = say_written(target, "simple", "simple")
    target.ask("OffsetDelete", 0, {"GroupId": "simple", "Topics": [{"Name": topic, "Partitions": [
        {"PartitionIndex": 1}, {"PartitionIndex": 1}, {"PartitionIndex": 5}]}]}, label="an offset of a simple group")
    size = say_written(target, "simple", "an offset deleted", size)
    target.ask("DeleteGroups", 2, {"GroupsNames": ["simple"]}, label="the simple group")
    say_written(target, "simple", "the simple group deleted", size)
    target.ask("DeleteGroups", 2, {"GroupsNames": ["simple"]}, label="the simple group again")

    one = Member(target, "classic-deleted", "one")
    one.join()
    one.sync([(one.id, b"all")])
    one.commit(topic)
    one.commit("subscribed")
    target.ask("DeleteGroups", 2, {"GroupsNames": ["classic-deleted"]}, label="a stable group")
    for name in (topic, "subscribed"):
        target.ask("OffsetDelete", 0, {"GroupId": "classic-deleted", "Topics": [{"Name": name, "Partitions": [{"PartitionIndex": 0}]}]},
                   label=f"an offset of {'a topic it subscribes to' if name == 'subscribed' else 'another topic'}")
    one.leave()
    size = say_written(target, "classic-deleted", "a stable group")
    target.ask("DeleteGroups", 2, {"GroupsNames": ["classic-deleted"]}, label="an empty group")
    say_written(target, "classic-deleted", "an empty group deleted", size)
    look(target, "classic-deleted", topic, "deleted")

    consumer = Consumer(target, "consumers-deleted", "one")
    consumer.join(topics=["subscribed"])
    consumer.says_what_it_has()
    consumer.commit(topic, partition=0)
    consumer.commit("subscribed")
    target.ask("DeleteGroups", 2, {"GroupsNames": ["consumers-deleted"]}, label="a group with a consumer")
    for name in (topic, "subscribed"):
        target.ask("OffsetDelete", 0, {"GroupId": "consumers-deleted", "Topics": [{"Name": name, "Partitions": [{"PartitionIndex": 0}]}]},
                   label=f"an offset of {'a topic the consumer subscribes to' if name == 'subscribed' else 'a topic it does not'}")
    size = say_written(target, "consumers-deleted", "a group with a consumer")
    consumer.leave()
    size += len(written(target, "consumers-deleted")[size:])
    target.ask("DeleteGroups", 2, {"GroupsNames": ["consumers-deleted"]}, label="an empty group of consumers")
    say_written(target, "consumers-deleted", "an empty group of consumers deleted", size)

    gone = target.topic()
    target.ask("OffsetCommit", 8, commit("of-a-topic", gone), label="commit")
    target.ask("OffsetCommit", 8, commit("of-a-topic", topic), label="commit")
    size = say_written(target, "of-a-topic", "two topics")
    target.ask("DeleteTopics", 5, {"TopicNames": [gone], "TimeoutMs": 10_000}, label="one of its topics")
    wait.until(lambda: len(written(target, "of-a-topic")) > size, f"{target.name} forgets the offsets of a topic that is gone", 20)
    say_written(target, "of-a-topic", "one of its topics deleted", size)
    target.ask("OffsetFetch", 7, {"GroupId": "of-a-topic", "Topics": None}, label="what is left")


@case("limits: groups change their kind, and what that writes")
def _(target):
    make_subscribed(target)
    one = Member(target, "kinds", "one")
    one.join()
    one.sync([(one.id, b"")])
    one.commit("subscribed")
    one.leave()
    size = say_written(target, "kinds", "classic, empty")
    consumer = Consumer(target, "kinds", "consumer")
    consumer.join(topics=["subscribed"])
    say_written(target, "kinds", "a consumer joins the empty group", size)
    consumer.says_what_it_has()
    consumer.leave()
    size = len(written(target, "kinds"))
    classic = Member(target, "kinds", "classic again")
    classic.join()
    say_written(target, "kinds", "a classic member joins the empty group of consumers", size)
    classic.sync([(classic.id, b"")])
    look(target, "kinds", "subscribed", "classic again")


GROUPS = ("simple-old", "simple-own", "stable", "connect", "left", "consumers", "consumers-left", "without-offsets")


def left_of(target, label):
    for group in GROUPS:
        answer = target.quietly("OffsetFetch", 7, {"GroupId": group, "Topics": None})
        target.say(f"{label}: offsets of {group}", sorted((topic["Name"], one["PartitionIndex"], one["CommittedOffset"])
                                                          for topic in answer["Topics"] for one in topic["Partitions"]))
    listed = target.quietly("ListGroups", 5, {})["Groups"]
    target.say(f"{label}: groups", sorted((one["GroupId"], one["GroupState"]) for one in listed if one["GroupId"] in GROUPS))


def wait_until(moment, consumer):
    """The consumer stays alive meanwhile."""
    while (rest := moment - time.monotonic()) > 0:
        consumer.target.quietly("ConsumerGroupHeartbeat", 1, later(consumer.group, consumer.id, consumer.epoch))
        time.sleep(min(rest, 10))


@case("limits: offsets grow old")
def _(target):
    make_subscribed(target)
    topic = target.topic()
    long_s = {"session_ms": 300_000}
    begin = time.monotonic()
    target.ask("OffsetCommit", 8, commit("simple-old", topic), label="commit")
    target.ask("OffsetCommit", 4, commit("simple-own", topic, RetentionTimeMs=5_000), label="commit with a time of its own")
    members = {}
    for name, kind in (("stable", "consumer"), ("left", "consumer"), ("connect", "connect"), ("without-offsets", "consumer")):
        # Without the step in which an id is given out: Kafka may remove a group meanwhile that is nothing else yet.
        members[name] = Member(target, name, name, kind=kind, version=3)
        members[name].join(**long_s)
        members[name].sync([(members[name].id, b"all")])
        if name != "without-offsets":
            members[name].commit(topic)
            members[name].commit("subscribed")
    members["without-offsets"].leave()
    consumers = {}
    for name in ("consumers", "consumers-left"):
        consumers[name] = Consumer(target, name, name)
        consumers[name].join(topics=["subscribed"])
        consumers[name].says_what_it_has()
        consumers[name].commit(topic)
        consumers[name].commit("subscribed")
    committed = time.monotonic()

    wait_until(begin + RETENTION_S / 2, consumers["consumers"])
    members["left"].leave("leaves at half time")
    consumers["consumers-left"].leave("leaves at half time")
    consumers["consumers"].beat("beats at half time")
    left = time.monotonic()
    left_of(target, "at half time")
    wait_until(committed + RETENTION_S + LATE_S, consumers["consumers"])
    assert time.monotonic() < left + RETENTION_S, "the machine is too slow for this"
    consumers["consumers"].beat("beats again")
    left_of(target, "after its time")
    wait_until(left + RETENTION_S + LATE_S, consumers["consumers"])
    left_of(target, "after another half")
    for group in ("simple-old", "simple-own"):
        say_written(target, group, group)
