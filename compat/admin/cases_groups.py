"""Groups, and the offsets they keep; transactions and producers, as an administrator asks for them."""

from rows import LONG, ODD_NAMES, label_of, rows

GROUPS = ("nobody", "", LONG, "a b", "ü")


def commit(target, group, topic):
    answer = target.quietly("OffsetCommit", 8, {"GroupId": group, "GenerationIdOrMemberEpoch": -1, "MemberId": "", "Topics": [
        {"Name": topic, "Partitions": [{"PartitionIndex": 0, "CommittedOffset": 0, "CommittedMetadata": ""}]}]})
    assert answer["Topics"][0]["Partitions"][0]["ErrorCode"] == 0, answer


def names_rows(field, **more):
    def make(target):
        commit(target, "kept", target.topic())
        for name in GROUPS:
            yield label_of(name), {field: [name], **more}
        yield "twice", {field: ["nobody", "nobody"], **more}
        yield "known and unknown", {field: ["kept", "nobody"], **more}
        yield "none", {field: [], **more}
        yield "null", {field: None, **more}
        yield "null name", {field: [None], **more}
    return make


rows("describe groups", "DescribeGroups", names_rows("Groups", IncludeAuthorizedOperations=True))
rows("describe consumer groups", "ConsumerGroupDescribe", names_rows("GroupIds", IncludeAuthorizedOperations=True))
rows("delete groups", "DeleteGroups", names_rows("GroupsNames"))


def list_rows(target):
    commit(target, "listed", target.topic())
    for states in ([], ["Empty"], ["empty"], ["EMPTY"], ["Stable"], ["nonsense"], [""], ["Empty", "Empty"], None):
        for types in ([], ["classic"], ["Classic"], ["consumer"], ["share"], ["nonsense"], [""], ["classic", "consumer"]):
            yield f"{states} {types}", {"StatesFilter": states, "TypesFilter": types}


rows("list groups", "ListGroups", list_rows)


def offset_rows(target):
    topic = target.topic()
    commit(target, "offsets", topic)

    def body(group, *topics):
        return {"GroupId": group, "Topics": [{"Name": name, "Partitions": [{"PartitionIndex": index} for index in indexes]}
                                             for name, indexes in topics]}

    for group in GROUPS:
        yield f"group {label_of(group)}", body(group, (topic, [0]))
    for name in ODD_NAMES:
        yield f"topic {label_of(name)}", body("offsets", (name, [0]))
    yield "odd partitions", body("offsets", (topic, [-1, 9]))
    yield "no partitions", body("offsets", (topic, []))
    yield "no topics", body("offsets")
    yield "null group", body(None, (topic, [0]))
    yield "partition twice", body("offsets", (topic, [0, 0]))


rows("delete offsets", "OffsetDelete", offset_rows)


def describe_transactions_rows(target):
    for name in ("nobody", "", LONG):
        yield label_of(name), {"TransactionalIds": [name]}
    yield "twice", {"TransactionalIds": ["nobody", "nobody"]}
    yield "none", {"TransactionalIds": []}
    yield "null", {"TransactionalIds": None}
    yield "null name", {"TransactionalIds": [None]}


rows("describe transactions", "DescribeTransactions", describe_transactions_rows)


def list_transactions_rows(target):
    for states in (["Ongoing"], ["nonsense"], ["ongoing"], [""], ["Ongoing", "nonsense", "nonsense"], None):
        yield f"states {states}", {"StateFilters": states}
    for ids in ([5], [-1], [2**63 - 1], None):
        yield f"ids {ids}", {"ProducerIdFilters": ids}
    for duration_ms in (0, -1, -2, 2**63 - 1):
        yield f"duration {duration_ms}", {"DurationFilter": duration_ms}
    for pattern in (None, "", "a.*", "[", "(", "*", LONG):
        yield f"pattern {label_of(pattern)}", {"TransactionalIdPattern": pattern}


rows("list transactions", "ListTransactions", list_transactions_rows)


def producers_rows(target):
    topic = target.topic()
    for name in ODD_NAMES:
        yield label_of(name), {"Topics": [{"Name": name, "PartitionIndexes": [0]}]}
    yield "odd partitions", {"Topics": [{"Name": topic, "PartitionIndexes": [-1, 9, 0]}]}
    yield "no partitions", {"Topics": [{"Name": topic, "PartitionIndexes": []}]}
    yield "none", {"Topics": []}
    yield "null", {"Topics": None}
    yield "twice", {"Topics": [{"Name": topic, "PartitionIndexes": [0, 0]}] * 2}
    yield "known and unknown", {"Topics": [{"Name": topic, "PartitionIndexes": [0]}, {"Name": "nowhere", "PartitionIndexes": [0]}]}


rows("describe producers", "DescribeProducers", producers_rows)


def markers_rows(target):
    topic = target.topic()

    def body(*topics, producer=5, epoch=0, coordinator=0, commit=False):
        return {"Markers": [{"ProducerId": producer, "ProducerEpoch": epoch, "TransactionResult": commit, "CoordinatorEpoch": coordinator,
                             "Topics": [{"Name": name, "PartitionIndexes": indexes} for name, indexes in topics]}]}

    for name in ODD_NAMES:
        yield label_of(name), body((name, [0]))
    yield "odd partitions", body((topic, [-1, 9]))
    yield "no partitions", body((topic, []))
    yield "no topics", body()
    yield "no markers", {"Markers": []}
    yield "null markers", {"Markers": None}


rows("write transaction markers", "WriteTxnMarkers", markers_rows)
