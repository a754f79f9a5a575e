"""Consumer groups (KIP-848): members that are unknown, fenced and stale, epochs and subscriptions that are none, in both versions."""

import selectors

import messages
from case_group_members import CONSUMER_METADATA, Member, look_and_delete, make_subscribed
from case_groups import commit, join, joined
from table import case

UNSET = object()
KEYS = {"JoinGroup": 11, "Heartbeat": 12, "LeaveGroup": 13, "SyncGroup": 14, "DescribeGroups": 15, "ListGroups": 16,
        "OffsetCommit": 8, "OffsetFetch": 9, "DeleteGroups": 42, "OffsetDelete": 47, "ConsumerGroupDescribe": 69}


def beat(group, member="", epoch=0, topics=("subscribed",), rebalance_ms=60_000, owned=(), **more):
    """A member's first heartbeat, unless it says otherwise."""
    return {"GroupId": group, "MemberId": member, "MemberEpoch": epoch, "RebalanceTimeoutMs": rebalance_ms,
            "SubscribedTopicNames": None if topics is None else list(topics),
            "TopicPartitions": None if owned is None else list(owned), **more}


def later(group, member, epoch, **more):
    """A heartbeat that has nothing new."""
    return beat(group, member, epoch, topics=None, rebalance_ms=-1, owned=None, **more)


class Consumer:
    """One member; its heartbeats go over connections of their own."""

    def __init__(self, target, group, name, instance=None, version=1):
        self.target, self.group, self.name, self.version = target, group, name, version
        self.more = {"InstanceId": instance} if instance is not None else {}
        self.id = f"member-{name}-of-{group}" if version > 0 else ""
        self.epoch = 0
        self.owned = []

    def take(self, label, body):
        answer = self.target.quietly("ConsumerGroupHeartbeat", self.version, body)
        self.target.say(f"{self.name}: {label}", self.target.comparable(answer))
        if answer["ErrorCode"] == 0:
            self.id, self.epoch = answer["MemberId"], answer["MemberEpoch"]
            if answer["Assignment"]:
                self.owned = answer["Assignment"]["TopicPartitions"]
        return answer

    def join(self, label="joins", **more):
        return self.take(label, beat(self.group, self.id, **{**self.more, **more}))

    def beat(self, label="beats", epoch=None, **more):
        return self.take(label, later(self.group, self.id, self.epoch if epoch is None else epoch, **{**self.more, **more}))

    def says_what_it_has(self, label="says what it has"):
        return self.take(label, beat(self.group, self.id, self.epoch, topics=None, rebalance_ms=-1, owned=self.owned, **self.more))

    def leave(self, label="leaves", epoch=-1):
        return self.target.ask("ConsumerGroupHeartbeat", self.version, later(self.group, self.id, epoch, **self.more),
                               label=f"{self.name}: {label}")

    def commit(self, topic, label="commits", epoch=None, version=9, **more):
        body = commit(self.group, topic, generation=self.epoch if epoch is None else epoch, member=self.id, **self.more_of_commit(), **more)
        if version >= 10:
            body["Topics"][0]["TopicId"] = self.target.ids[topic]
        return self.target.ask("OffsetCommit", version, body, label=f"{self.name}: {label} v{version}")

    def more_of_commit(self):
        return {"GroupInstanceId": self.more["InstanceId"]} if self.more else {}


def known_topic(target, **more):
    return target.known_to_groups(target.topic(**more))


def known_subscribed(target):
    make_subscribed(target)
    target.known_to_groups("subscribed")


def describe(target, group, label):
    for version in (0, 1):
        target.ask("ConsumerGroupDescribe", version, {"GroupIds": [group]}, label=f"{label}: describe v{version}")


@case("consumer group heartbeat: what is missing or out of range")
def _(target):
    known_subscribed(target)
    long = "x" * 32767
    for version in (0, 1):
        member = "m" if version > 0 else ""
        first = [
            ("no rebalance timeout", {"rebalance_ms": -1}), ("rebalance timeout 0", {"rebalance_ms": 0}),
            ("rebalance timeout -2", {"rebalance_ms": -2}), ("rebalance timeout 2^31-1", {"rebalance_ms": 2**31 - 1}),
            ("nothing about partitions", {"owned": None}),
            ("partitions already", {"owned": [{"TopicId": target.ids["subscribed"], "Partitions": [0]}]}),
            ("no topics", {"topics": None}), ("an empty list of topics", {"topics": ()}), ("topic ''", {"topics": ("",)}),
            ("topics that cannot be", {"topics": ("..", "a/b", "ü", long)}), ("a topic twice", {"topics": ("subscribed",) * 2}),
            ("an unknown topic", {"topics": ("nowhere",)}), ("instance ''", {"InstanceId": ""}), ("instance ' '", {"InstanceId": " "}),
            ("a long instance", {"InstanceId": long}), ("rack ''", {"RackId": ""}), ("rack ' '", {"RackId": " "}),
            ("a long rack", {"RackId": long}), ("assignor ''", {"ServerAssignor": ""}), ("assignor nonsense", {"ServerAssignor": "nonsense"}),
            ("assignor Range", {"ServerAssignor": "Range"}), ("assignor range", {"ServerAssignor": "range"}),
            ("epoch -3", {"epoch": -3}), ("epoch -2 without instance", {"epoch": -2}), ("epoch -2^31", {"epoch": -(2**31)}),
            ("epoch -2 of an unknown instance", {"epoch": -2, "InstanceId": "i"}), ("epoch -1 of a stranger", {"epoch": -1}),
            ("epoch 1 of a stranger", {"epoch": 1}), ("epoch 2^31-1 of a stranger", {"epoch": 2**31 - 1}),
        ]
        if version > 0:
            first += [("both kinds of subscription null", {"topics": None, "SubscribedTopicRegex": None}),
                      ("pattern ''", {"topics": None, "SubscribedTopicRegex": ""}),
                      ("a pattern that is none", {"topics": None, "SubscribedTopicRegex": "["}),
                      ("a pattern of Java's own", {"topics": None, "SubscribedTopicRegex": "(?=a)b"}),
                      ("a pattern of bytes", {"topics": None, "SubscribedTopicRegex": "\\Cbc"}),
                      ("a pattern with a name twice", {"topics": None, "SubscribedTopicRegex": "(?P<a>a)(?<a>b)"}),
                      ("a pattern with a bracket too many", {"topics": None, "SubscribedTopicRegex": "abc)"}),
                      ("a pattern that takes names", {"topics": None, "SubscribedTopicRegex": "(?<a>nothing-has-this-name)"}),
                      ("a pattern that takes all", {"topics": None, "SubscribedTopicRegex": "nothing-has-this-name.*"})]
        for label, values in first:
            group = f"first-{version}-{label}"
            target.ask("ConsumerGroupHeartbeat", version, beat(group, member, **values), label=f"{label} v{version}")
        for group in ("", " ", "\t", "a b", "a/b", "..", "\0", "ü", long):
            target.ask("ConsumerGroupHeartbeat", version, beat(group, member), label=f"group {group[:10]!r} v{version}")
        for who in ("", " ", "\0", "ü", long):
            target.ask("ConsumerGroupHeartbeat", version, beat(f"members-{version}-{who[:3]}", who), label=f"member {who[:10]!r} v{version}")
            target.ask("ConsumerGroupHeartbeat", version, later("members", who, 1), label=f"later, member {who[:10]!r} v{version}")
        target.ask("ConsumerGroupHeartbeat", version, beat(f"many-{version}", member, topics=[f"t{index}" for index in range(10_000)]),
                   label=f"ten thousand topics v{version}")


@case("consumer groups: who is unknown, stale, ahead or gone")
def _(target):
    known_subscribed(target)
    topic = known_topic(target, partitions=2)
    for version in (0, 1):
        group = f"epochs-{version}"
        one = Consumer(target, group, "one", version=version)
        one.beat("beats before it joined", epoch=1)
        describe(target, group, "before")
        one.join(topics=[topic])
        one.says_what_it_has()
        describe(target, group, "one")
        present = one.epoch
        for epoch in (present, present - 1, present + 1, present - 2, 2**31 - 1):
            if epoch > 0 or epoch < -2:
                one.beat(f"beats in epoch {epoch - present:+d}", epoch=epoch)
                one.epoch = present
        stranger = Consumer(target, group, "stranger")
        stranger.id = "stranger"
        stranger.beat("beats", epoch=present)
        stranger.leave()
        stranger.commit(topic, epoch=present)
        for commits in (2, 8, 9, 10):
            for epoch in (-1, 0, present - 1, present, present + 1):
                one.commit(topic, f"commits in epoch {epoch - present:+d}", epoch=epoch, version=commits)
        for epoch in (-1, 0, present - 1, present, present + 1):
            for who in (one.id, "stranger", None, ""):
                target.ask("OffsetFetch", 9, {"Groups": [{"GroupId": group, "MemberId": who, "MemberEpoch": epoch, "Topics": None}]},
                           label=f"fetches in epoch {epoch - present:+d} as {'one' if who == one.id else who} v{version}")
        one.join("joins again", topics=[topic])
        one.join("joins again with another topic", topics=["subscribed"])
        one.says_what_it_has()
        # The classic protocol's requests of a member that does not speak it.
        target.ask("Heartbeat", 4, {"GroupId": group, "GenerationId": one.epoch, "MemberId": one.id}, label=f"classic heartbeat v{version}")
        target.ask("SyncGroup", 5, {"GroupId": group, "GenerationId": one.epoch, "MemberId": one.id, "Assignments": []},
                   label=f"classic sync v{version}")
        for kind, protocols in (("consumer", (("range", b"x"),)), ("connect", (("range", b"x"),)), ("consumer", ())):
            target.ask("JoinGroup", 9, join(group, kind=kind, protocols=protocols, member="stranger"),
                       label=f"classic join {kind} {len(protocols)} v{version}")
        target.ask("LeaveGroup", 5, {"GroupId": group, "Members": [{"MemberId": "stranger"}, {"MemberId": ""}]},
                   label=f"classic leave of strangers v{version}")
        look_and_delete(target, group, topic, f"with a member v{version}")
        one.leave()
        describe(target, group, "empty")
        one.beat("beats after it left")
        one.leave("leaves again")
        one.commit(topic, "commits after it left", epoch=present)
        one.commit(topic, "commits to the empty group", epoch=-1)
        target.ask("LeaveGroup", 5, {"GroupId": group, "Members": [{"MemberId": one.id}]}, label=f"classic leave of who is gone v{version}")
        look_and_delete(target, group, topic, f"empty v{version}")
        describe(target, group, "deleted")
        one.beat("beats after the group was deleted", epoch=1)


@case("consumer groups: an administrator throws a member out")
def _(target):
    topic = known_topic(target)
    one = Consumer(target, "thrown-out", "one")
    one.join(topics=[topic])
    one.says_what_it_has()
    target.ask("LeaveGroup", 5, {"GroupId": "thrown-out", "Members": [{"MemberId": one.id}]}, label="leave")
    one.beat("beats after it was thrown out")
    one.commit(topic, "commits after it was thrown out")


@case("consumer groups: static members and their doubles")
def _(target):
    known_subscribed(target)
    topic = known_topic(target, partitions=2)
    one = Consumer(target, "static-consumers", "one", instance="i")
    double = Consumer(target, "static-consumers", "double", instance="i")
    one.join(topics=[topic])
    one.says_what_it_has()
    double.join("joins while the first is there", topics=[topic])
    double.beat("beats as if it were the first", epoch=one.epoch)
    double.leave("leaves for the first")
    double.leave("leaves for a while for the first", epoch=-2)
    double.commit(topic, "commits for the first", epoch=one.epoch)
    nobody = Consumer(target, "static-consumers", "nobody", instance="j")
    nobody.beat("beats under an unknown instance", epoch=1)
    nobody.leave("leaves under an unknown instance")
    nobody.leave("leaves for a while under an unknown instance", epoch=-2)
    nameless = Consumer(target, "static-consumers", "nameless")
    nameless.id = one.id
    nameless.beat("beats without the instance", epoch=one.epoch)
    present = one.epoch
    one.leave("leaves for a while", epoch=-2)
    describe(target, "static-consumers", "away")
    one.beat("beats while it is away", epoch=present)
    one.commit(topic, "commits while it is away", epoch=present)
    double.join("takes the place of who is away", topics=[topic])
    double.says_what_it_has()
    one.beat("beats after it was replaced", epoch=present)
    one.join("joins after it was replaced", topics=[topic])
    one.leave("leaves after it was replaced")
    describe(target, "static-consumers", "replaced")
    target.ask("LeaveGroup", 5, {"GroupId": "static-consumers", "Members": [
        {"MemberId": "", "GroupInstanceId": "j"}, {"MemberId": "stranger", "GroupInstanceId": "i"},
        {"MemberId": "", "GroupInstanceId": "i"}]}, label="leave by instance")
    double.beat("beats after it was removed")


@case("consumer groups: partitions that are not one's own")
def _(target):
    known_subscribed(target)
    topic = known_topic(target, partitions=2)
    one, two = Consumer(target, "owners", "one"), Consumer(target, "owners", "two")
    one.join(topics=[topic])
    one.says_what_it_has()
    first = one.epoch
    two.join(topics=[topic])
    unknown = type(target.ids[topic])(int=77)
    for label, owned in (("another topic's", [{"TopicId": target.ids["subscribed"], "Partitions": [0]}]),
                         ("a topic's that is none", [{"TopicId": unknown, "Partitions": [0]}]),
                         ("partition -1", [{"TopicId": target.ids[topic], "Partitions": [-1]}]),
                         ("partition 99", [{"TopicId": target.ids[topic], "Partitions": [99]}]),
                         ("partition 1 twice", [{"TopicId": target.ids[topic], "Partitions": [1, 1]}])):
        target.ask("ConsumerGroupHeartbeat", 1, beat("owners", two.id, two.epoch, topics=None, rebalance_ms=-1, owned=owned),
                   label=f"two says that it has {label}")
    one.says_what_it_has("still has everything")
    one.take("says in the epoch before that it has everything", beat("owners", one.id, first, topics=None, rebalance_ms=-1, owned=[
        {"TopicId": target.ids[topic], "Partitions": [0, 1]}]))
    one.commit(topic, "commits for what it gives back", partition=0, epoch=first)
    one.commit(topic, "commits for what it gives back", partition=1, epoch=first)
    two.commit(topic, "commits for what it has not got", partition=0)
    describe(target, "owners", "one gives back")


@case("consumer groups: what the range assignor gives to whom")
def _(target):
    """Members with and without racks and instances, that subscribe to the same and to different topics."""
    seven, three, two = (known_topic(target, partitions=count) for count in (7, 3, 2))
    plans = {"same": [[seven, three]] * 4, "different": [[seven], [seven, three], [three, two], [two, seven]], "racks": [[seven, two]] * 3}
    for plan, subscriptions in plans.items():
        members = []
        for index, topics in enumerate(subscriptions):
            member = Consumer(target, f"range-{plan}", f"{plan} {index}", instance=f"i{9 - index}" if index % 2 else None)
            more = {"RackId": f"rack-{index}"} if plan == "racks" else {}
            answer = target.quietly("ConsumerGroupHeartbeat", 1, beat(member.group, member.id, topics=topics, ServerAssignor="range",
                                                                      **member.more, **more))
            member.epoch = answer["MemberEpoch"]
            member.owned = answer["Assignment"]["TopicPartitions"]
            members.append(member)
        for _ in range(6):
            for member in members:
                answer = target.quietly("ConsumerGroupHeartbeat", 1, beat(member.group, member.id, member.epoch, topics=None,
                                                                          rebalance_ms=-1, owned=member.owned, **member.more))
                assert answer["ErrorCode"] == 0, answer
                member.epoch = answer["MemberEpoch"]
                if answer["Assignment"]:
                    member.owned = answer["Assignment"]["TopicPartitions"]
        for member in members:
            target.say(f"{member.name} has", sorted((target.names[one["TopicId"]], sorted(one["Partitions"])) for one in member.owned))
        described = target.quietly("ConsumerGroupDescribe", 1, {"GroupIds": [f"range-{plan}"]})["Groups"][0]
        target.say(f"{plan}: described", (described["GroupState"], described["AssignorName"], sorted(
            (one["MemberId"], one["RackId"], one["InstanceId"]) for one in described["Members"])))


@case("consumer groups: classic members that should not be there")
def _(target):
    known_subscribed(target)
    topic = known_topic(target)
    for name, kind, protocols in (("connect", "connect", (("range", b"x"),)), ("garbage", "consumer", (("range", b"\0\0\0"),))):
        group = f"upgrade-{name}"
        member = target.quietly("JoinGroup", 3, join(group, kind=kind, protocols=(("range", CONSUMER_METADATA),) if kind == "consumer" else protocols))
        assert member["ErrorCode"] == 0, member
        if name == "garbage":
            target.quietly("SyncGroup", 2, {"GroupId": group, "GenerationId": 1, "MemberId": member["MemberId"], "Assignments": [
                {"MemberId": member["MemberId"], "Assignment": b"\0\0\0"}]})
        one = Consumer(target, group, f"a consumer joins {name}")
        one.join(topics=[topic])
        describe(target, group, name)
        one.leave()
    joined(target, "upgrade-known")
    one = Consumer(target, "upgrade-known", "not a member of the classic group")
    one.beat("beats", epoch=1)
    one.leave()
    classic = Member(target, "upgraded", "classic", version=9)
    classic.join()
    classic.sync([(classic.id, b"\0\0" + b"\0\0\0\0" + b"\xff\xff\xff\xff")])
    one = Consumer(target, "upgraded", "consumer")
    one.join("joins the classic group", topics=[topic])
    classic.heartbeat("heartbeat after the upgrade")
    classic.generation += 1
    classic.heartbeat("heartbeat of a generation to come")
    classic.sync(label="sync of a generation to come")
    classic.commit(topic, "commits in a generation to come")
    other = Member(target, "upgraded", "with another protocol", protocols=(("roundrobin", CONSUMER_METADATA),), version=3)
    other.join()
    unreadable = Member(target, "upgraded", "unreadable", protocols=(("range", b"\0"),), version=3)
    unreadable.join()


@case("groups: every version of every request of a stranger")
def _(target):
    topic = known_topic(target)
    member = joined(target, "versions")
    consumer = Consumer(target, "versions-848", "one")
    consumer.join(topics=[topic])

    def versions(api):
        oldest, newest = target.common[KEYS[api]]
        return range(oldest, newest + 1)

    for group in ("versions", "versions-848", "never", ""):
        for who in ("stranger", ""):
            label = f"{group!r}, {who!r}"
            for version in versions("JoinGroup"):
                if who or group in ("versions-848", ""):
                    target.ask("JoinGroup", version, join(group, member=who, protocols=(("other", b"x"),)), label=f"{label}: join v{version}")
            for version in versions("SyncGroup"):
                target.ask("SyncGroup", version, {"GroupId": group, "GenerationId": 1, "MemberId": who, "ProtocolType": "consumer",
                                                  "ProtocolName": "range", "Assignments": []}, label=f"{label}: sync v{version}")
            for version in versions("Heartbeat"):
                for generation in (-1, 0, 1, 2):
                    target.ask("Heartbeat", version, {"GroupId": group, "GenerationId": generation, "MemberId": who},
                               label=f"{label}: heartbeat {generation} v{version}")
            for version in versions("LeaveGroup"):
                body = {"Members": [{"MemberId": who}]} if version >= 3 else {"MemberId": who}
                target.ask("LeaveGroup", version, {"GroupId": group, **body}, label=f"{label}: leave v{version}")
            for version in versions("OffsetCommit"):
                for generation in (0, 1, 2):
                    body = commit(group, topic, generation=generation, member=who)
                    body["Topics"][0]["TopicId"] = target.ids[topic]
                    target.ask("OffsetCommit", version, body, label=f"{label}: commit {generation} v{version}")
        for version in versions("OffsetFetch"):
            topics = [{"Name": topic, "PartitionIndexes": [0]}]
            by_id = [{**topics[0], "TopicId": target.ids[topic]}]
            body = {"Groups": [{"GroupId": group, "Topics": by_id}]} if version >= 8 else {"GroupId": group, "Topics": topics}
            target.ask("OffsetFetch", version, body, label=f"{group!r}: fetch v{version}")
        for version in versions("DescribeGroups"):
            target.ask("DescribeGroups", version, {"Groups": [group]}, label=f"{group!r}: describe v{version}")
        for version in versions("ConsumerGroupDescribe"):
            target.ask("ConsumerGroupDescribe", version, {"GroupIds": [group]}, label=f"{group!r}: describe consumers v{version}")
        for version in versions("DeleteGroups"):
            target.ask("DeleteGroups", version, {"GroupsNames": [group]}, label=f"{group!r}: delete v{version}")
    # The member itself, in every version, in its generation and in others.
    for generation in (0, 1, 2):
        for version in versions("Heartbeat"):
            target.ask("Heartbeat", version, {"GroupId": "versions", "GenerationId": generation, "MemberId": member},
                       label=f"the member: heartbeat {generation} v{version}")
        for version in versions("SyncGroup"):
            target.ask("SyncGroup", version, {"GroupId": "versions", "GenerationId": generation, "MemberId": member, "ProtocolType": "consumer",
                                              "ProtocolName": "range", "Assignments": []}, label=f"the member: sync {generation} v{version}")
        for version in versions("OffsetCommit"):
            body = commit("versions", topic, generation=generation, member=member)
            body["Topics"][0]["TopicId"] = target.ids[topic]
            target.ask("OffsetCommit", version, body, label=f"the member: commit {generation} v{version}")
            other = commit("versions-848", topic, generation=generation, member=consumer.id)
            other["Topics"][0]["TopicId"] = target.ids[topic]
            target.ask("OffsetCommit", version, other, label=f"the consumer: commit {generation} v{version}")


@case("consumer groups: a thousand join at once")
def _(target):
    count, partitions, group = 1000, 10, "thousand-consumers"
    topic = known_topic(target, partitions=partitions)
    members = {f"member-{index:04}": None for index in range(count)}
    connections = [target.connect() for _ in range(20)]
    errors, owners = set(), {}
    for index, member in enumerate(members):
        connections[index % len(connections)].send_frame(
            messages.request("ConsumerGroupHeartbeat", 1, beat(group, member, topics=[topic]), correlation_id=index))
    for answer in heartbeat_answers(connections, count):
        errors.add(answer["ErrorCode"])
        members[answer["MemberId"]] = answer["MemberEpoch"]
    target.say("errors", sorted(errors))
    target.say("epochs that differ", len(set(members.values())) == count)
    # Some rounds in which everybody says what it has until the partitions are where they belong.
    for _ in range(4):
        for index, (member, epoch) in enumerate(members.items()):
            owned = owners.get(member, [])
            connections[index % len(connections)].send_frame(messages.request(
                "ConsumerGroupHeartbeat", 1, beat(group, member, epoch, topics=None, rebalance_ms=-1, owned=owned), correlation_id=index))
        for answer in heartbeat_answers(connections, count):
            errors.add(answer["ErrorCode"])
            members[answer["MemberId"]] = answer["MemberEpoch"]
            if answer["Assignment"]:
                owners[answer["MemberId"]] = answer["Assignment"]["TopicPartitions"]
    target.say("errors of all", sorted(errors))
    target.say("all in one epoch", len(set(members.values())) == 1)
    held = sorted(partition for owned in owners.values() for one in owned for partition in one["Partitions"])
    target.say("each partition has one owner", held == list(range(partitions)))


def heartbeat_answers(connections, count):
    """That many answers, in the order in which they come."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        while count > 0:
            ready = selector.select(60)
            assert ready, f"{count} heartbeats are not answered"
            for key, _ in ready:
                frame = key.data.receive_frame(30)
                yield messages.decode("ConsumerGroupHeartbeat", 1, frame[5:])
                count -= 1
