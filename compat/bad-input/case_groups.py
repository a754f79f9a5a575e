"""Groups and their offsets, FindCoordinator, InitProducerId: unknown members, wrong generations, sizes out of range."""

from table import case

MIN_SESSION_MS, MAX_SESSION_MS = 6000, 1_800_000    # group.{min,max}.session.timeout.ms
MAX_METADATA_BYTES = 4096                           # offset.metadata.max.bytes


def join(group, session_ms=10_000, rebalance_ms=10_000, member="", kind="consumer", protocols=(("range", b"x"),), **more):
    return {"GroupId": group, "SessionTimeoutMs": session_ms, "RebalanceTimeoutMs": rebalance_ms, "MemberId": member,
            "ProtocolType": kind, "Protocols": [{"Name": name, "Metadata": data} for name, data in protocols], **more}


def joined(target, group):
    """A member of a group of one, in its first generation; returns its id."""
    answer = target.quietly("JoinGroup", 3, join(group))
    assert answer["ErrorCode"] == 0, answer
    member = answer["MemberId"]
    answer = target.quietly("SyncGroup", 2, {"GroupId": group, "GenerationId": 1, "MemberId": member,
                                             "Assignments": [{"MemberId": member, "Assignment": b"all"}]})
    assert answer["ErrorCode"] == 0, answer
    return member


@case("join group: what is out of range")
def _(target):
    for version in (2, 4, 5, 9):
        for session_ms in (-1, 0, 1, MIN_SESSION_MS - 1, MAX_SESSION_MS + 1, 2**31 - 1, -(2**31)):
            target.ask("JoinGroup", version, join("range", session_ms), label=f"session {session_ms} v{version}")
        target.ask("JoinGroup", version, join(""), label=f"group '' v{version}")
        target.ask("JoinGroup", version, join("range", protocols=()), label=f"no protocols v{version}")
        target.ask("JoinGroup", version, join("range", kind=""), label=f"protocol type '' v{version}")
        target.ask("JoinGroup", version, join("range", member="unknown"), label=f"unknown member v{version}")
    target.ask("JoinGroup", 3, join("negative", rebalance_ms=-1), label="rebalance timeout -1")
    target.ask("JoinGroup", 5, join("range", member="unknown", GroupInstanceId="static"), label="unknown static member")
    target.ask("JoinGroup", 3, join("twice", protocols=(("range", b"a"), ("range", b"b"))), label="protocol twice")
    target.ask("JoinGroup", 3, join("nameless", protocols=(("", b""),)), label="protocol ''")
    for name in ("a b", "a/b", "ü", "a" * 300, "\0", "..", " "):
        target.ask("JoinGroup", 4, join(name), label=f"group {name[:10]!r}")


@case("join group: a protocol that the group does not have")
def _(target):
    joined(target, "protocols")
    target.ask("JoinGroup", 3, join("protocols", protocols=(("other", b""),)), label="other protocol")
    target.ask("JoinGroup", 3, join("protocols", kind="connect"), label="other type")


@case("join group: instance ids")
def _(target):
    for instance in ("", " ", "a b", ".", "..", "a/b", "ü", "a" * 250, "a" * 249):
        target.ask("JoinGroup", 5, join(f"instances-{len(instance)}-{instance[:3]}", GroupInstanceId=instance),
                   label=repr(instance[:10]))


@case("sync, heartbeat, leave: groups and members that are unknown, other generations")
def _(target):
    member = joined(target, "known")
    for group in ("known", "unknown", ""):
        for who, name in ((member, "the member"), ("stranger", "a stranger"), ("", "''")):
            for generation in (-1, 0, 1, 2, 2**31 - 1):
                label = f"{group!r}, {name}, generation {generation}"
                if (group, who, generation) != ("known", member, 1):
                    target.ask("SyncGroup", 3, {"GroupId": group, "GenerationId": generation, "MemberId": who,
                                                "Assignments": []}, label=f"sync {label}")
                    target.ask("SyncGroup", 5, {"GroupId": group, "GenerationId": generation, "MemberId": who,
                                                "ProtocolType": "consumer", "ProtocolName": "range", "Assignments": []},
                               label=f"sync v5 {label}")
                target.ask("Heartbeat", 3, {"GroupId": group, "GenerationId": generation, "MemberId": who},
                           label=f"heartbeat {label}")
                target.ask("Heartbeat", 3, {"GroupId": group, "GenerationId": generation, "MemberId": who,
                                            "GroupInstanceId": "static"}, label=f"heartbeat static {label}")
        target.ask("LeaveGroup", 2, {"GroupId": group, "MemberId": "stranger"}, label=f"leave {group!r}")
        target.ask("LeaveGroup", 4, {"GroupId": group, "Members": [{"MemberId": "stranger"}, {"MemberId": ""}, {
            "MemberId": "", "GroupInstanceId": "static"}]}, label=f"leave several {group!r}")
        target.ask("LeaveGroup", 4, {"GroupId": group, "Members": []}, label=f"leave none {group!r}")
    target.ask("SyncGroup", 5, {"GroupId": "known", "GenerationId": 1, "MemberId": member, "ProtocolType": "connect",
                                "ProtocolName": "range", "Assignments": []}, label="sync of another type")
    target.ask("SyncGroup", 5, {"GroupId": "known", "GenerationId": 1, "MemberId": member, "ProtocolType": "consumer",
                                "ProtocolName": "other", "Assignments": []}, label="sync of another protocol")
    target.ask("SyncGroup", 5, {"GroupId": "known", "GenerationId": 1, "MemberId": member, "ProtocolType": None,
                                "ProtocolName": None, "Assignments": []}, label="sync without protocol")
    target.ask("SyncGroup", 3, {"GroupId": "known", "GenerationId": 1, "MemberId": member, "Assignments": [
        {"MemberId": "stranger", "Assignment": b"?"}]}, label="sync with a stranger's assignment")
    target.ask("LeaveGroup", 4, {"GroupId": "known", "Members": [{"MemberId": member}, {"MemberId": member}]},
               label="leave twice in one")
    target.ask("LeaveGroup", 2, {"GroupId": "known", "MemberId": member}, label="leave again")


@case("sync group: assignments of strangers, twice, none")
def _(target):
    for group, assignments in (("s1", lambda m: [(m, b"a"), (m, b"b")]), ("s2", lambda m: [("stranger", b"a")]),
                               ("s3", lambda m: []), ("s4", lambda m: [("", b"a")])):
        member = target.quietly("JoinGroup", 3, join(group))["MemberId"]
        target.ask("SyncGroup", 2, {"GroupId": group, "GenerationId": 1, "MemberId": member, "Assignments": [
            {"MemberId": who, "Assignment": data} for who, data in assignments(member)]}, label=group)
        target.ask("DescribeGroups", 4, {"Groups": [group]}, label=f"describe {group}")


def commit(group, topic, offset=1, partition=0, metadata="", generation=-1, member="", **more):
    return {"GroupId": group, "GenerationIdOrMemberEpoch": generation, "MemberId": member, **more, "Topics": [
        {"Name": topic, "Partitions": [{"PartitionIndex": partition, "CommittedOffset": offset,
                                        "CommittedMetadata": metadata}]}]}


@case("offset commit: what is unknown")
def _(target):
    topic = target.topic()
    member = joined(target, "committers")
    for version in (2, 7, 8, 9):
        target.ask("OffsetCommit", version, commit("c", "nowhere"), label=f"topic v{version}")
        target.ask("OffsetCommit", version, commit("c", topic, partition=7), label=f"partition v{version}")
        target.ask("OffsetCommit", version, commit("c", topic, partition=-1), label=f"partition -1 v{version}")
        target.ask("OffsetCommit", version, commit("", topic), label=f"group '' v{version}")
        for generation in (-1, 0, 1, 2, 5):
            for who, name in ((member, "the member"), ("stranger", "a stranger"), ("", "''")):
                target.ask("OffsetCommit", version, commit("committers", topic, generation=generation, member=who),
                           label=f"generation {generation}, {name} v{version}")
        target.ask("OffsetCommit", version, commit("never", topic, generation=3, member="m"), label=f"unknown group v{version}")
    target.ask("OffsetCommit", 7, commit("committers", topic, generation=1, member=member, GroupInstanceId="static"),
               label="unknown instance")
    for name in ("", "..", "a/b", "a" * 250):
        target.ask("OffsetCommit", 7, commit("c", name), label=f"topic {name[:10]!r}")
    target.ask("OffsetCommit", 7, {**commit("c", topic), "Topics": []}, label="no topics")
    target.ask("OffsetCommit", 7, {**commit("c", topic), "Topics": [{"Name": topic, "Partitions": []}]}, label="no partitions")
    target.ask("OffsetCommit", 8, {**commit("c", topic), "Topics": commit("c", topic)["Topics"] * 2}, label="topic twice")


@case("offset commit: odd offsets and metadata")
def _(target):
    topic = target.topic()
    for label, values in (("offset -1", {"offset": -1}), ("offset -2", {"offset": -2}), ("offset 2^63-1", {"offset": 2**63 - 1}),
                          ("metadata null", {"metadata": None}), ("metadata full", {"metadata": "m" * MAX_METADATA_BYTES}),
                          ("metadata a byte more", {"metadata": "m" * (MAX_METADATA_BYTES + 1)}),
                          ("metadata of two bytes each, half", {"metadata": "ü" * (MAX_METADATA_BYTES // 2)}),
                          ("metadata of two bytes each, full", {"metadata": "ü" * MAX_METADATA_BYTES}),
                          ("metadata of four bytes each, half and one", {"metadata": "𝄞" * (MAX_METADATA_BYTES // 2 + 1)}),
                          ("metadata not UTF-8", {"metadata": b"\xff\xfe"}), ("metadata huge", {"metadata": "m" * 32767})):
        for version in (2, 8):
            target.ask("OffsetCommit", version, commit("odd", topic, **values), label=f"{label} v{version}")
        target.ask("OffsetFetch", 7, {"GroupId": "odd", "Topics": [{"Name": topic, "PartitionIndexes": [0]}]},
                   label=f"{label}, read")
    body = commit("epochs", topic)
    for epoch in (-2, 5, 2**31 - 1):
        body["Topics"][0]["Partitions"][0]["CommittedLeaderEpoch"] = epoch
        target.ask("OffsetCommit", 8, body, label=f"leader epoch {epoch}")
        target.ask("OffsetFetch", 7, {"GroupId": "epochs", "Topics": [{"Name": topic, "PartitionIndexes": [0]}]},
                   label=f"leader epoch {epoch}, read")
    for retention in (0, -2, 1, 2**63 - 1):
        target.ask("OffsetCommit", 4, commit("retention", topic, RetentionTimeMs=retention), label=f"retention {retention}")


@case("offset fetch: what is unknown")
def _(target):
    topic = target.topic()
    for version in (1, 2, 5, 7):
        for group in ("", "never"):
            target.ask("OffsetFetch", version, {"GroupId": group, "Topics": [
                {"Name": topic, "PartitionIndexes": [0, 99, -1]}, {"Name": "nowhere", "PartitionIndexes": [0]}]},
                label=f"{group!r} v{version}")
            target.ask("OffsetFetch", version, {"GroupId": group, "Topics": [{"Name": topic, "PartitionIndexes": [0, 0]}]},
                       label=f"{group!r} twice v{version}")
            if version > 1:
                target.ask("OffsetFetch", version, {"GroupId": group, "Topics": None}, label=f"{group!r} all v{version}")
    for version in (8, 9):
        groups = [{"GroupId": one, "Topics": None} for one in ("", "never", "never")]
        target.ask("OffsetFetch", version, {"Groups": groups}, label=f"groups v{version}")
        target.ask("OffsetFetch", version, {"Groups": []}, label=f"no groups v{version}")
    target.ask("OffsetFetch", 9, {"Groups": [{"GroupId": "never", "MemberId": "m", "MemberEpoch": 4, "Topics": None}]},
               label="member epoch")


@case("describe, list, delete groups that are not there")
def _(target):
    joined(target, "living")
    for version in (0, 3, 5, 6):
        target.ask("DescribeGroups", version, {"Groups": ["", "never", "never", "a/b"]}, label=f"describe v{version}")
    target.ask("DescribeGroups", 5, {"Groups": []}, label="describe none")
    for version in (0, 2):
        target.ask("DeleteGroups", version, {"GroupsNames": ["", "never", "living"]}, label=f"delete v{version}")
        target.ask("DeleteGroups", version, {"GroupsNames": []}, label=f"delete none v{version}")
    target.ask("DeleteGroups", 2, {"GroupsNames": ["never", "never"]}, label="delete twice")


@case("list groups: filters that match nothing")
def _(target):
    for version, body in ((4, {"StatesFilter": ["nonsense"]}), (5, {"TypesFilter": ["nonsense"]}),
                          (5, {"StatesFilter": ["nonsense"], "TypesFilter": ["classic"]}),
                          (5, {"TypesFilter": [""]}), (4, {"StatesFilter": [""]})):
        target.ask("ListGroups", version, body, label=f"{body} v{version}")


@case("offset delete")
def _(target):
    topic = target.topic()
    target.quietly("OffsetCommit", 7, commit("deletes", topic))
    joined(target, "deletes-not")
    for group in ("", "never", "deletes-not", "deletes"):
        target.ask("OffsetDelete", 0, {"GroupId": group, "Topics": [
            {"Name": "nowhere", "Partitions": [{"PartitionIndex": 0}]},
            {"Name": topic, "Partitions": [{"PartitionIndex": 9}, {"PartitionIndex": 0}, {"PartitionIndex": 0}]}]},
            label=repr(group))
        target.ask("OffsetDelete", 0, {"GroupId": group, "Topics": []}, label=f"nothing of {group!r}")


@case("find coordinator: keys")
def _(target):
    for version in (1, 3):
        for kind in (2, 3, -1, 127):
            target.ask("FindCoordinator", version, {"Key": "k", "KeyType": kind}, label=f"type {kind} v{version}")
        target.ask("FindCoordinator", version, {"Key": "", "KeyType": 0}, label=f"'' v{version}")
    for version in (4, 5, 6):
        for kind in (0, 2, 3, -1):
            target.ask("FindCoordinator", version, {"KeyType": kind, "CoordinatorKeys": ["k", "", "k", "a:b:c"]},
                       label=f"type {kind} v{version}")
        target.ask("FindCoordinator", version, {"CoordinatorKeys": []}, label=f"no keys v{version}")


@case("init producer id")
def _(target):
    for version in (0, 1, 3, 4, 5):
        for timeout_ms in (-1, 0, 2**31 - 1):
            target.ask("InitProducerId", version, {"TransactionalId": None, "TransactionTimeoutMs": timeout_ms},
                       label=f"timeout {timeout_ms} v{version}")
        target.ask("InitProducerId", version, {"TransactionalId": "", "TransactionTimeoutMs": 1000}, label=f"'' v{version}")
    for producer_id, epoch in ((5, 0), (5, -1), (-1, 3), (-2, -2), (2**62, 7)):
        target.ask("InitProducerId", 4, {"TransactionalId": None, "TransactionTimeoutMs": 1000, "ProducerId": producer_id,
                                         "ProducerEpoch": epoch}, label=f"id {producer_id} epoch {epoch}")


@case("init producer id of transactions")
def _(target):
    for timeout_ms in (-1, 0, 900_001, 2**31 - 1):
        target.ask("InitProducerId", 4, {"TransactionalId": "tx", "TransactionTimeoutMs": timeout_ms},
                   label=f"timeout {timeout_ms}")
