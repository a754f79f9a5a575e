"""Members of groups in every state: who may do what when, and what becomes of those who come too late or too often."""

import selectors
import struct

import messages
from case_groups import commit, join, joined
from table import case

CONSUMER_METADATA = struct.pack(">hih", 0, 1, 10) + b"subscribed" + struct.pack(">i", 0)    # one topic of this name


class Member:
    """One member with a connection of its own. Answers that must wait are asked for with start() and taken later."""

    def __init__(self, target, group, name, protocols=(("range", CONSUMER_METADATA),), instance=None, kind="consumer", version=5):
        self.target, self.group, self.name, self.version = target, group, name, version
        self.more = {"GroupInstanceId": instance} if instance is not None else {}
        self.protocols, self.kind = protocols, kind
        self.connection = target.connect()
        self.id, self.generation = "", -1

    def raw(self, api, version, body):
        self.connection.send_frame(messages.request(api, version, body))

    def take(self, api, version, label):
        """The real answer; what is written down is the comparable one."""
        frame = self.connection.receive_frame()
        if isinstance(frame, str):
            self.target.say(f"{self.name}: {label}", frame)
            return None
        skip = 5 if messages.flexible(api, version) else 4
        answer = messages.decode(api, version, frame[skip:])
        shown = self.target.comparable(answer)
        if "Members" in shown and api == "JoinGroup":
            shown["Members"] = sorted(str(one) for one in shown["Members"])
            shown["leads"] = answer["Leader"] == answer["MemberId"]
        self.target.say(f"{self.name}: {label}", shown)
        return answer

    def ask(self, api, version, body, label):
        self.raw(api, version, body)
        return self.take(api, version, label)

    def start_join(self, **more):
        self.raw("JoinGroup", self.version, join(self.group, member=self.id, kind=self.kind, protocols=self.protocols, **self.more, **more))

    def take_join(self, label="joined"):
        answer = self.take("JoinGroup", self.version, label)
        if answer and answer["MemberId"]:
            self.id = answer["MemberId"]
        if answer and answer["ErrorCode"] == 0:
            self.generation = answer["GenerationId"]
        return answer

    def join(self, label="joins", **more):
        self.start_join(**more)
        answer = self.take_join(label)
        if answer and answer["ErrorCode"] == 79:    # MEMBER_ID_REQUIRED
            self.start_join(**more)
            answer = self.take_join(label + " with its id")
        return answer

    def get_id(self, label="asks for an id"):
        self.start_join()
        return self.take_join(label)

    def start_sync(self, assignments=()):
        self.raw("SyncGroup", 3, {"GroupId": self.group, "GenerationId": self.generation, "MemberId": self.id, **self.more,
                                  "Assignments": [{"MemberId": who, "Assignment": data} for who, data in assignments]})

    def take_sync(self, label="synced"):
        return self.take("SyncGroup", 3, label)

    def sync(self, assignments=(), label="syncs"):
        self.start_sync(assignments)
        return self.take_sync(label)

    def heartbeat(self, label="heartbeat"):
        return self.ask("Heartbeat", 3, {"GroupId": self.group, "GenerationId": self.generation, "MemberId": self.id, **self.more}, label)

    def commit(self, topic, label="commits", version=8):
        return self.ask("OffsetCommit", version, commit(self.group, topic, generation=self.generation, member=self.id, **self.more), label)

    def leave(self, label="leaves", version=4):
        member = {"MemberId": self.id, **self.more}
        return self.ask("LeaveGroup", version, {"GroupId": self.group, "Members": [member]} if version >= 3 else
                        {"GroupId": self.group, "MemberId": self.id}, label)


def look(target, group, topic, label):
    """What administrators are told about the group as it is now, and what they may do to it."""
    for version in (0, 3, 5, 6):
        target.ask("DescribeGroups", version, {"Groups": [group]}, label=f"{label}: describe v{version}")
    for version, body in ((3, {}), (4, {}), (4, {"StatesFilter": ["stable", "Empty"]}), (5, {"TypesFilter": ["Classic"]})):
        answer = target.quietly("ListGroups", version, body)
        target.say(f"{label}: list v{version} {body}",
                   [target.comparable(one) for one in answer["Groups"] if one["GroupId"] == group])
    target.ask("OffsetFetch", 7, {"GroupId": group, "Topics": None}, label=f"{label}: offsets")
    target.ask("OffsetDelete", 0, {"GroupId": group, "Topics": [
        {"Name": topic, "Partitions": [{"PartitionIndex": 0}]}, {"Name": "subscribed", "Partitions": [{"PartitionIndex": 0}]}]},
        label=f"{label}: delete offsets")
    target.ask("OffsetCommit", 8, commit(group, topic), label=f"{label}: commit by nobody")
    target.ask("OffsetCommit", 8, commit(group, topic, member="stranger"), label=f"{label}: commit by a stranger without generation")


def look_and_delete(target, group, topic, label):
    look(target, group, topic, label)
    target.ask("DeleteGroups", 2, {"GroupsNames": [group]}, label=f"{label}: delete")


def make_subscribed(target):
    if "subscribed" not in target.ids:
        target.topic(name="subscribed")


@case("group members: two through every state")
def _(target):
    topic = target.topic()
    make_subscribed(target)
    one, two = Member(target, "states", "one"), Member(target, "states", "two")
    look(target, "states", topic, "before")
    one.join()
    look_and_delete(target, "states", topic, "one joined")
    one.commit(topic, "commits before it has its assignment")
    one.heartbeat()
    one.sync([(one.id, b"all")])
    look_and_delete(target, "states", topic, "one alone")
    one.commit(topic)
    two.get_id()
    two.heartbeat("heartbeat before joining")
    two.sync(label="syncs before joining")
    two.commit(topic, "commits before joining")
    look(target, "states", topic, "an id given out")
    two.start_join()
    # Which of the two is first is not known, but for what the first one hears.
    while one.heartbeat("heartbeat while two joins")["ErrorCode"] == 0:
        target.transcript.pop()
    look_and_delete(target, "states", topic, "preparing")
    one.commit(topic, "commits while two joins")
    one.sync(label="syncs while two joins")
    one.join("rejoins")
    two.take_join()
    look_and_delete(target, "states", topic, "completing")
    for member in (one, two):
        member.heartbeat("heartbeat before the assignment")
        member.commit(topic, "commits before the assignment")
    two.start_sync()
    one.sync([(one.id, b"first"), (two.id, b"second")])
    two.take_sync()
    look_and_delete(target, "states", topic, "stable")
    two.sync(label="syncs again")
    two.sync([(two.id, b"mine")], label="syncs with an assignment, though it does not lead")
    two.join("joins as it is")
    two.heartbeat()
    stale = one.generation
    one.generation = stale - 1
    one.heartbeat("heartbeat of the generation before")
    one.commit(topic, "commits for the generation before")
    one.sync(label="syncs for the generation before")
    one.generation = stale
    two.leave()
    two.heartbeat("heartbeat after leaving")
    two.sync(label="syncs after leaving")
    two.commit(topic, "commits after leaving")
    two.join("joins with its old id")
    two.leave("leaves again")
    one.heartbeat("heartbeat after two has left")
    one.join("rejoins alone")
    one.sync([(one.id, b"all")])
    one.leave(version=2)
    look(target, "states", topic, "empty")
    one.heartbeat("heartbeat of an empty group")
    one.commit(topic, "commits to an empty group")
    one.generation = -1
    one.commit(topic, "commits to an empty group without generation")
    target.ask("DeleteGroups", 2, {"GroupsNames": ["states"]}, label="delete")
    look(target, "states", "subscribed", "deleted")


@case("group members: a follower is gone before the leader assigns")
def _(target):
    one, two = Member(target, "gone", "one"), Member(target, "gone", "two")
    one.join()
    one.sync([(one.id, b"all")])
    two.get_id()
    two.start_join()
    while one.heartbeat("heartbeat while two joins")["ErrorCode"] == 0:
        target.transcript.pop()
    one.join("rejoins")
    two.take_join()
    two.leave("leaves before it synced")
    one.sync([(one.id, b"first"), (two.id, b"second")], label="syncs for one who left")
    one.join("rejoins")
    one.sync([(one.id, b"all"), ("stranger", b"?")])
    target.ask("DescribeGroups", 5, {"Groups": ["gone"]}, label="describe")


@case("group members: a leader that joins again, a follower with new metadata")
def _(target):
    one = Member(target, "again", "one")
    one.join()
    one.join("joins again before it assigned")
    one.sync([(one.id, b"all")])
    one.join("the leader joins again")
    one.sync([(one.id, b"all")])
    one.protocols = (("range", b"other"),)
    one.join("with other metadata")
    one.sync([(one.id, b"all")])
    one.protocols = (("roundrobin", b"x"),)
    one.join("with another protocol")
    one.sync([(one.id, b"all")])
    one.kind = "connect"
    one.join("with another type")
    target.ask("DescribeGroups", 5, {"Groups": ["again"]}, label="describe")


@case("group members: which protocol is chosen")
def _(target):
    one = Member(target, "votes", "one", protocols=(("a", b"1"), ("b", b"2"), ("c", b"3")))
    two = Member(target, "votes", "two", protocols=(("c", b"4"), ("b", b"5"), ("d", b"6")))
    one.join()
    one.sync([(one.id, b"all")])
    two.get_id()
    two.start_join()
    while one.heartbeat("heartbeat while two joins")["ErrorCode"] == 0:
        target.transcript.pop()
    one.protocols = (("b", b"2"), ("c", b"3"))
    one.join("rejoins")
    two.take_join()
    for protocols in ((("a", b""),), (("d", b""),), (("b", b""),), (("x", b""), ("c", b""))):
        other = Member(target, "votes", f"one with {protocols[0][0]}", protocols=protocols)
        if other.get_id()["ErrorCode"] == 79:
            other.leave("gives its id back")


@case("group members: static members and their doubles")
def _(target):
    topic = target.topic()
    for version in (5, 8, 9):
        group = f"static-{version}"
        one = Member(target, group, f"one v{version}", instance="i", version=version)
        one.join()
        one.sync([(one.id, b"all")])
        one.commit(topic)
        double = Member(target, group, f"double v{version}", instance="i", version=version)
        double.join()
        double.sync()
        double.heartbeat()
        double.commit(topic)
        one.heartbeat("heartbeat of the fenced one")
        one.commit(topic, "commit of the fenced one")
        one.sync(label="sync of the fenced one")
        one.start_join()
        one.take("JoinGroup", version, "join of the fenced one")
        one.leave("leave of the fenced one")
        changed = Member(target, group, f"changed v{version}", instance="i", version=version, protocols=(("range", b"changed"),))
        changed.join()
        changed.sync([(changed.id, b"changed")])
        other = Member(target, group, f"other protocol v{version}", instance="i", version=version, protocols=(("roundrobin", b"x"),))
        other.join()
        other.sync([(other.id, b"other")])
        nameless = Member(target, group, f"without instance v{version}", version=version)
        nameless.id, nameless.generation = other.id, other.generation
        nameless.heartbeat()
        nameless.commit(topic)
        target.ask("DescribeGroups", 5, {"Groups": [group]}, label=f"describe v{version}")
        target.ask("LeaveGroup", 4, {"GroupId": group, "Members": [{"MemberId": "stranger", "GroupInstanceId": "i"}]},
                   label=f"leave by a stranger v{version}")
        target.ask("LeaveGroup", 4, {"GroupId": group, "Members": [
            {"MemberId": "", "GroupInstanceId": "j"}, {"MemberId": "", "GroupInstanceId": "i"}, {"MemberId": "", "GroupInstanceId": "i"}]},
            label=f"leave by instance v{version}")
        other.heartbeat("heartbeat after it was removed")


@case("group members: ids given out and not used")
def _(target):
    topic = target.topic()
    one = Member(target, "pending", "one")
    one.get_id()
    look_and_delete(target, "pending", topic, "only an id")
    one.heartbeat()
    one.sync()
    one.commit(topic)
    with_instance = Member(target, "pending-2", "with an instance")
    with_instance.get_id()
    with_instance.more = {"GroupInstanceId": "i"}
    with_instance.join("uses a dynamic id with an instance")
    two = Member(target, "pending-2", "two")
    two.get_id()
    two.leave("gives its id back")
    two.join("joins with the id it gave back")
    three = Member(target, "pending-2", "three")
    three.get_id()
    three.leave("gives its id back in an old version", version=1)


@case("group members: of other types than consumer")
def _(target):
    topic = target.topic()
    make_subscribed(target)
    for kind in ("connect", "sr", "Consumer", "ü"):
        one = Member(target, f"type-{kind}", f"one of {kind}", kind=kind, protocols=(("v0", b"x"),))
        one.join()
        one.sync([(one.id, b"all")])
        one.commit(topic)
        look_and_delete(target, one.group, topic, f"stable {kind}")
        one.leave()
        look(target, one.group, topic, f"empty {kind}")
        two = Member(target, one.group, f"a consumer after {kind}")
        two.join()
        two.sync([(two.id, b"all")])
        look(target, one.group, "subscribed", f"consumer after {kind}")
        two.leave()


@case("group members: groups of offsets alone")
def _(target):
    topic = target.topic()
    for version in (2, 5, 7, 8, 9):
        group = f"simple-{version}"
        target.ask("OffsetCommit", version, commit(group, topic, offset=5), label=f"commit v{version}")
        target.ask("OffsetCommit", version, commit(group, topic, offset=6, generation=0), label=f"commit for generation 0 v{version}")
        target.ask("OffsetCommit", version, commit(group, topic, offset=6, generation=1, member="m"), label=f"commit by a member v{version}")
        target.ask("OffsetCommit", version, commit(group, topic, offset=7, member="m"), label=f"commit by m without generation v{version}")
        target.ask("Heartbeat", 3, {"GroupId": group, "GenerationId": 0, "MemberId": "m"}, label=f"heartbeat v{version}")
        target.ask("SyncGroup", 3, {"GroupId": group, "GenerationId": 0, "MemberId": "m"}, label=f"sync v{version}")
        target.ask("LeaveGroup", 4, {"GroupId": group, "Members": [{"MemberId": "m"}]}, label=f"leave v{version}")
        target.ask("JoinGroup", 5, join(group, member="m"), label=f"join with an id v{version}")
        look_and_delete(target, group, "nothing", f"simple v{version}")
        target.ask("OffsetFetch", 7, {"GroupId": group, "Topics": [{"Name": topic, "PartitionIndexes": [0]}]}, label=f"deleted v{version}")
    target.ask("OffsetCommit", 8, commit("simple-join", topic), label="commit")
    one = Member(target, "simple-join", "one")
    one.join()
    one.sync([(one.id, b"all")])
    look(target, "simple-join", topic, "joined by one")


@case("group members: topic ids in commits and fetches")
def _(target):
    topic = target.topic()
    unknown = type(target.ids[topic])(int=77)

    def by_id(topic_id, partition=0, **more):
        return {"GroupId": "ids", "GenerationIdOrMemberEpoch": -1, "MemberId": "", **more, "Topics": [
            {"TopicId": topic_id, "Partitions": [{"PartitionIndex": partition, "CommittedOffset": 3, "CommittedMetadata": ""}]}]}

    zero = type(unknown)(int=0)
    for name, one in (("known", target.ids[topic]), ("unknown", unknown), ("zero", zero)):
        for partition in (0, 9):
            target.ask("OffsetCommit", 10, by_id(one, partition), label=f"commit {name} {partition}")
        target.ask("OffsetFetch", 10, {"Groups": [{"GroupId": "ids", "Topics": [
            {"TopicId": one, "PartitionIndexes": [0, 9]}]}]}, label=f"fetch {name}")
    target.ask("OffsetCommit", 10, {**by_id(unknown), "GenerationIdOrMemberEpoch": 4, "MemberId": "m"}, label="commit by a stranger")
    target.ask("OffsetFetch", 10, {"Groups": [{"GroupId": "ids", "Topics": None}]}, label="fetch all")
    target.ask("OffsetFetch", 10, {"Groups": [{"GroupId": "ids", "MemberId": "m", "MemberEpoch": 0, "Topics": None}]}, label="fetch as a member")


@case("group members: huge ids, metadata and assignments")
def _(target):
    topic = target.topic()
    long = "x" * 32767
    one = Member(target, long, "long group", version=3)
    one.join()
    one.sync([(one.id, b"all")])
    one.commit(topic)
    target.ask("DescribeGroups", 5, {"Groups": [long]}, label="describe a long name")
    for name, member in (("long", long), ("one byte", "\0")):
        target.ask("Heartbeat", 3, {"GroupId": long, "GenerationId": 1, "MemberId": member}, label=f"heartbeat of {name}")
        target.ask("JoinGroup", 3, join(long, member=member), label=f"join of {name}")
        target.ask("OffsetCommit", 8, commit(long, topic, generation=1, member=member), label=f"commit of {name}")
    target.ask("JoinGroup", 5, join("long-instance", GroupInstanceId=long), label="long instance")
    for size in (100_000, 1_000_000, 1_100_000):
        # Not a consumer's: Kafka's coordinator never answers those whose subscription it cannot read.
        big = Member(target, f"metadata-{size}", f"metadata of {size}", kind="big", protocols=(("range", b"m" * size),), version=3)
        big.join()
        big.sync([(big.id, b"all")])
        big.heartbeat()
        target.ask("DescribeGroups", 0, {"Groups": [big.group]}, label=f"describe metadata of {size}")
        big = Member(target, f"assignment-{size}", f"assignment of {size}", version=3)
        big.join()
        big.sync([(big.id, b"a" * size)])
        big.heartbeat("heartbeat after it")
        target.ask("DescribeGroups", 0, {"Groups": [big.group]}, label=f"describe assignment of {size}")


@case("group members: many protocols, a protocol of every kind of name")
def _(target):
    for name, protocols in (("thousand", tuple((f"p{index}", b"") for index in range(1000))), ("long", (("p" * 32767, b"x"),)),
                            ("empty and more", (("", b"x"), ("range", b"y"))), ("not text", ((b"\xff", b"x"),))):
        one = Member(target, f"protocols-{name}", name, protocols=protocols, version=3)
        one.join()
        one.sync([(one.id, b"all")])
        target.ask("DescribeGroups", 0, {"Groups": [one.group]}, label=f"describe {name}")


@case("group members: a thousand join at once")
def _(target):
    count, group = 1000, "thousand"
    members = [Member(target, group, f"member {index}", version=3) for index in range(count)]
    waits = {}
    synced = {}
    errors = set()
    with selectors.DefaultSelector() as selector:
        for member in members:
            selector.register(member.connection.socket, selectors.EVENT_READ, member)
            member.start_join(rebalance_ms=60_000)
            waits[member] = "JoinGroup"
        while len(synced) < count:
            ready = selector.select(30)
            if not ready:
                break
            for key, _ in ready:
                thousand_answer(key.data, waits, synced, errors)
    target.say("errors", sorted(errors))
    target.say("members with an assignment", len(synced))
    target.say("in one generation", len({member.generation for member in members}) == 1)
    target.say("assignments", sorted(synced.values()) == sorted(f"for {member.id}".encode() for member in members))


def thousand_answer(member, waits, synced, errors):
    """One answer of one of the thousand, and its next request. Answers while it settles depend on the order of arrival."""
    version = 3
    api = waits[member]
    answer = messages.decode(api, version, member.connection.receive_frame()[4:])
    error = answer["ErrorCode"]
    if api == "JoinGroup" and error == 0:
        member.id, member.generation = answer["MemberId"], answer["GenerationId"]
        member.start_sync([(one["MemberId"], f"for {one['MemberId']}".encode()) for one in answer["Members"]])
        waits[member] = "SyncGroup"
        synced.pop(member, None)
    elif api == "SyncGroup" and error == 0:
        synced[member] = answer["Assignment"]
        member.raw("Heartbeat", version, {"GroupId": member.group, "GenerationId": member.generation, "MemberId": member.id})
        waits[member] = "Heartbeat"
    elif api == "Heartbeat" and error == 0:
        waits[member] = None
        # The last generation is the one in which all have synced; who is in an older one hears of it at its next beat.
        if len(synced) < len(waits):
            member.raw("Heartbeat", version, {"GroupId": member.group, "GenerationId": member.generation, "MemberId": member.id})
            waits[member] = "Heartbeat"
    elif error in (22, 27):
        synced.pop(member, None)
        member.start_join(rebalance_ms=60_000)
        waits[member] = "JoinGroup"
    else:
        errors.add((api, error))
        synced[member] = b"error"
