"""Transactions: wrong ids and epochs in every state, ends without a beginning, partitions that are not there, markers.

Each request meets a transactional id of its own that was brought into the state; what the id looks like afterwards is part
of the transcript.
"""

import batches
import wait
from table import case
from target import produce_body

COMMIT, ABORT = True, False
UNKNOWN_TOPIC = "no-such-topic"


def describe(target, name):
    state, = target.quietly("DescribeTransactions", 0, {"TransactionalIds": [name]})["TransactionStates"]
    return state


def init(target, name, **more):
    body = {"TransactionalId": name, "TransactionTimeoutMs": 60_000, **more}

    def answered():
        # Asking for the coordinator creates its topic.
        target.quietly("FindCoordinator", 3, {"Key": name, "KeyType": 1})
        answer = target.quietly("InitProducerId", 4, body)
        return answer if answer["ErrorCode"] == 0 else None

    answer = wait.until(answered, f"a producer id for {name}")
    return answer["ProducerId"], answer["ProducerEpoch"]


def partitions(name, producer, topics):
    return {"V3AndBelowTransactionalId": name, "V3AndBelowProducerId": producer[0], "V3AndBelowProducerEpoch": producer[1],
            "V3AndBelowTopics": [{"Name": topic, "Partitions": list(indexes)} for topic, indexes in topics]}


def transactions(*several):
    return {"Transactions": [{"TransactionalId": name, "ProducerId": producer[0], "ProducerEpoch": producer[1],
                              "VerifyOnly": verify_only,
                              "Topics": [{"Name": topic, "Partitions": list(indexes)} for topic, indexes in topics]}
                             for name, producer, topics, verify_only in several]}


def end_body(name, producer, commit):
    return {"TransactionalId": name, "ProducerId": producer[0], "ProducerEpoch": producer[1], "Committed": commit}


class Prepared:
    """A transactional id in one of the states, its producer as the client knows it, and a topic."""

    STATES = ("unknown", "Empty", "Ongoing", "CompleteCommit", "CompleteAbort", "CompleteCommit v2", "CompleteAbort v2",
              "fenced", "aborted twice v2")

    def __init__(self, target, state, topic):
        self.target, self.state, self.topic = target, state, topic
        target.made += 1
        self.name = f"{target.case}-{target.made}"
        self.producer = (1_000_000, 0) if state == "unknown" else init(target, self.name)
        if state in ("Ongoing", "fenced") or state.startswith("Complete"):
            answer = target.quietly("AddPartitionsToTxn", 3, partitions(self.name, self.producer, [(topic, [0])]))
            assert answer["ResultsByTopicV3AndBelow"][0]["ResultsByPartition"][0]["PartitionErrorCode"] == 0, answer
        if state == "fenced":
            init(target, self.name)
        elif state == "aborted twice v2":
            self.end(5, ABORT, "CompleteAbort")
            self.end(5, ABORT, "CompleteAbort")
        elif state.startswith("Complete"):
            kind = state.split()[0]
            self.end(5 if state.endswith("v2") else 4, kind == "CompleteCommit", kind)

    def end(self, version, commit, state):
        answer = self.target.quietly("EndTxn", version, end_body(self.name, self.producer, commit))
        assert answer["ErrorCode"] == 0, answer
        if version >= 5:
            self.producer = (answer["ProducerId"], answer["ProducerEpoch"])
        wait.until(lambda: describe(self.target, self.name)["TransactionState"] == state, f"{self.name} is {state}")

    def ask(self, api, version, body, label):
        self.target.ask(api, version, body, label=f"{self.state}: {label}")
        after = describe(self.target, self.name)
        # A transaction that is being completed may have completed.
        state = after["TransactionState"].replace("Prepare", "Complete")
        self.target.say(f"{self.state}: {label}: afterwards", (after["ErrorCode"], state, after["ProducerEpoch"]))


def producers(producer):
    """The producers that ask: the right one, and those that are wrong in one way."""
    yield "itself", producer
    for by in (-1, 1, 2):
        yield f"epoch {by:+}", (producer[0], producer[1] + by)
    yield "another id", (producer[0] + 1_000_000, producer[1])


def over_states(target, ask):
    topic = target.topic(partitions=2)
    for state in Prepared.STATES:
        for index, (who, _) in enumerate(producers((0, 0))):
            def prepared(state=state, index=index):
                made = Prepared(target, state, topic)
                return made, list(producers(made.producer))[index][1]
            ask(topic, who, prepared)


@case("end of transactions, in every state")
def _(target):
    def ask(_, who, prepared):
        for version in (0, 1, 2, 4, 5):
            for commit in (COMMIT, ABORT):
                made, producer = prepared()
                made.ask("EndTxn", version, end_body(made.name, producer, commit),
                         f"EndTxn v{version} {'commit' if commit else 'abort'} by {who}")
    over_states(target, ask)


@case("partitions of transactions, in every state")
def _(target):
    def ask(topic, who, prepared):
        for version in (0, 1, 2, 3):
            made, producer = prepared()
            made.ask("AddPartitionsToTxn", version, partitions(made.name, producer, [(topic, [0, 1])]),
                     f"AddPartitionsToTxn v{version} by {who}")
        for version in (4, 5):
            for verify_only in (False, True):
                made, producer = prepared()
                made.ask("AddPartitionsToTxn", version,
                         transactions((made.name, producer, [(topic, [0, 1])], verify_only)),
                         f"AddPartitionsToTxn v{version} {'verify' if verify_only else 'add'} by {who}")
        for version in (0, 1, 2, 3, 4):
            made, producer = prepared()
            made.ask("AddOffsetsToTxn", version, {"TransactionalId": made.name, "ProducerId": producer[0],
                                                  "ProducerEpoch": producer[1], "GroupId": "group"},
                     f"AddOffsetsToTxn v{version} by {who}")
    over_states(target, ask)


@case("init producer id of transactions, in every state")
def _(target):
    def ask(_, who, prepared):
        for version in (3, 4, 5):
            made, producer = prepared()
            made.ask("InitProducerId", version,
                     {"TransactionalId": made.name, "TransactionTimeoutMs": 60_000, "ProducerId": producer[0],
                      "ProducerEpoch": producer[1]}, f"InitProducerId v{version} by {who}")
    over_states(target, ask)
    topic = target.topic()
    for state in Prepared.STATES:
        made = Prepared(target, state, topic)
        made.ask("InitProducerId", 4, {"TransactionalId": made.name, "TransactionTimeoutMs": 60_000}, "InitProducerId")


@case("timeouts of transactions")
def _(target):
    topic = target.topic()
    for version in (0, 1, 2, 3, 4, 5):
        for timeout_ms in (-2**31, -1, 0, 1, 900_000, 900_001, 2**31 - 1):
            target.made += 1
            fresh, known = f"{target.case}-{target.made}", Prepared(target, "Empty", topic)
            for who, name in (("a new id", fresh), ("a known id", known.name), ("no id", None)):
                target.ask("InitProducerId", version, {"TransactionalId": name, "TransactionTimeoutMs": timeout_ms},
                           label=f"{timeout_ms} v{version} of {who}")


@case("writing in transactions, in every state")
def _(target):
    for state in Prepared.STATES:
        topic = target.topic()  # of each state its own: offsets are compared, and what stays open is aborted some time
        for index, (who, _) in enumerate(producers((0, 0))):
            for version in (9, 11, 12):
                made = Prepared(target, state, topic)
                producer = list(producers(made.producer))[index][1]
                data = batches.batch(attributes=batches.TRANSACTIONAL, producer_id=producer[0], producer_epoch=producer[1], sequence=0)
                made.ask("Produce", version, produce_body(topic, data, transactional_id=made.name), f"Produce v{version} by {who}")


@case("a request of an ended transaction that comes late")
def _(target):
    """As from a connection that was cut off and given up. Until version 2 of the protocol all transactions of a producer have
    one epoch: the late request looks like the next transaction's, and its sequence bars this one's own records. librdkafka's
    producer takes the answer for the loss of records and can only be made anew (compat/cluster has one that is)."""
    topic = target.topic()
    made = Prepared(target, "Ongoing", topic)

    def write(sequence, label):
        data = batches.batch(attributes=batches.TRANSACTIONAL, producer_id=made.producer[0], producer_epoch=made.producer[1],
                             sequence=sequence)
        made.ask("Produce", 11, produce_body(topic, data, transactional_id=made.name), label)

    def begin():
        answer = target.quietly("AddPartitionsToTxn", 3, partitions(made.name, made.producer, [(topic, [0])]))
        assert answer["ResultsByTopicV3AndBelow"][0]["ResultsByPartition"][0]["PartitionErrorCode"] == 0, answer

    write(0, "in its transaction")
    made.end(4, COMMIT, "CompleteCommit")
    begin()
    write(1, "in the next one")
    made.end(4, COMMIT, "CompleteCommit")
    write(0, "late")
    begin()
    write(2, "in the one after")
    made.end(4, ABORT, "CompleteAbort")
    begin()
    write(2, "after a marker")


@case("transactions: what is not there")
def _(target):
    topic = target.topic(partitions=1)
    for version in (0, 2, 3):
        for label, topics in (("unknown topic", [(UNKNOWN_TOPIC, [0])]), ("one of two", [(topic, [0]), (UNKNOWN_TOPIC, [0])]),
                              ("partition 7", [(topic, [7])]), ("partition -1", [(topic, [-1])]), ("nothing", []),
                              ("a topic without partitions", [(topic, [])]), ("topic ''", [("", [0])]),
                              ("an internal topic", [("__consumer_offsets", [0])])):
            made = Prepared(target, "Empty", topic)
            made.ask("AddPartitionsToTxn", version, partitions(made.name, made.producer, topics), f"{label} v{version}")
        target.ask("AddPartitionsToTxn", version, partitions("", (5, 0), [(topic, [0])]), label=f"id '' v{version}")
    made, other = Prepared(target, "Ongoing", topic), Prepared(target, "Empty", topic)
    for verify_only in (False, True):
        target.ask("AddPartitionsToTxn", 5, transactions(
            (made.name, made.producer, [(topic, [0])], verify_only), (other.name, other.producer, [(topic, [0])], True),
            ("nobody-here", (5, 0), [(topic, [0])], verify_only)), label=f"several, verify {verify_only}")
        target.ask("AddPartitionsToTxn", 5, transactions(("", (5, 0), [(topic, [0])], verify_only)), label=f"'', {verify_only}")
    target.ask("AddPartitionsToTxn", 4, transactions(), label="no transactions")
    for version in (0, 2, 4):
        made = Prepared(target, "Empty", topic)
        made.ask("AddOffsetsToTxn", version, {"TransactionalId": made.name, "ProducerId": made.producer[0],
                                              "ProducerEpoch": made.producer[1], "GroupId": ""}, f"group '' v{version}")
        target.ask("AddOffsetsToTxn", version, {"TransactionalId": "", "ProducerId": 5, "ProducerEpoch": 0, "GroupId": "g"},
                   label=f"offsets, id '' v{version}")
    for version in (0, 2, 5):
        target.ask("EndTxn", version, end_body("", (5, 0), COMMIT), label=f"end, id '' v{version}")
    target.ask("DescribeTransactions", 0, {"TransactionalIds": ["", "nobody-here"]}, label="describe")
    target.ask("DescribeTransactions", 0, {"TransactionalIds": []}, label="describe nothing")


@case("lists of transactions")
def _(target):
    topic = target.topic()
    for state in ("Empty", "Ongoing", "CompleteAbort"):
        Prepared(target, state, topic)
    here = f"{target.case}-.*"
    for label, body in (("all", {}), ("a state", {"StateFilters": ["Ongoing"]}),
                        ("an unknown state", {"StateFilters": ["Open", "Ongoing"]}), ("only unknown", {"StateFilters": ["x"]}),
                        ("a state of other letters", {"StateFilters": ["ongoing"]}), ("dead", {"StateFilters": ["Dead"]}),
                        ("a producer", {"ProducerIdFilters": [2**40]}), ("a duration", {"DurationFilter": 3_600_000}),
                        ("any duration", {"DurationFilter": -5})):
        answer = target.quietly("ListTransactions", 2, {"TransactionalIdPattern": here, **body})
        # Names are numbered by both brokers' cases together.
        target.say(label, (answer["ErrorCode"], sorted(answer["UnknownStateFilters"]),
                           sorted(one["TransactionState"] for one in answer["TransactionStates"])))
    for pattern in ("(", "[", "a{1001}", "*", "\\p{Nope}", "(?<=a)b", "no-such-.*", "", "(?i)NO-SUCH"):
        answer = target.quietly("ListTransactions", 2, {"TransactionalIdPattern": pattern, "StateFilters": ["Dead"]})
        target.say(f"pattern {pattern!r}", (answer["ErrorCode"], len(answer["TransactionStates"])))


@case("offsets of transactions")
def _(target):
    topic = target.topic()
    for version in (0, 1, 2, 3, 4, 5):
        for label, change in (("as it should be", {}), ("another id", {"ProducerId": 2**40}), ("epoch +1", {"ProducerEpoch": 1}),
                              ("group ''", {"GroupId": ""}), ("unknown group with a member", {"MemberId": "m", "GenerationId": 3}),
                              ("generation alone", {"GenerationId": 3}), ("id ''", {"TransactionalId": ""}),
                              ("another transactional id", {"TransactionalId": "nobody-here"})):
            made = Prepared(target, "Empty", topic)
            if version < 5:
                target.quietly("AddOffsetsToTxn", 3, {"TransactionalId": made.name, "ProducerId": made.producer[0],
                                                      "ProducerEpoch": made.producer[1], "GroupId": f"{made.name}-group"})
            body = {"TransactionalId": made.name, "GroupId": f"{made.name}-group", "ProducerId": made.producer[0],
                    "ProducerEpoch": made.producer[1],
                    "Topics": [{"Name": topic, "Partitions": [{"PartitionIndex": 0, "CommittedOffset": 5}]}], **change}
            if version < 3:
                body = {key: value for key, value in body.items() if key not in ("MemberId", "GenerationId")}
            made.ask("TxnOffsetCommit", version, body, f"v{version} {label}")
    made = Prepared(target, "Ongoing", topic)
    for name, index in ((UNKNOWN_TOPIC, 0), (topic, 9)):
        made.ask("TxnOffsetCommit", 5, {"TransactionalId": made.name, "GroupId": "there", "ProducerId": made.producer[0],
                                        "ProducerEpoch": made.producer[1], "Topics": [
                                            {"Name": name, "Partitions": [{"PartitionIndex": index, "CommittedOffset": 5}]}]},
                 f"partition {index} of {'an unknown topic' if name == UNKNOWN_TOPIC else 'the topic'}")


@case("markers")
def _(target):
    topic = target.topic()

    def markers(producer, coordinator_epoch, topics, **more):
        return {"Markers": [{"ProducerId": producer[0], "ProducerEpoch": producer[1], "TransactionResult": ABORT,
                             "CoordinatorEpoch": coordinator_epoch,
                             "Topics": [{"Name": name, "PartitionIndexes": list(indexes)} for name, indexes in topics], **more}]}

    for version in (1, 2):
        for label, body in (("of nobody", markers((2**40, 0), 0, [(topic, [0])])),
                            ("again, of an older coordinator", markers((2**40, 0), -1, [(topic, [0])])),
                            ("of a later epoch", markers((2**40, 5), 0, [(topic, [0])])),
                            ("of an earlier epoch", markers((2**40, 1), 0, [(topic, [0])])),
                            ("unknown topic", markers((2**40, 5), 0, [(UNKNOWN_TOPIC, [0])])),
                            ("partition 9", markers((2**40, 5), 0, [(topic, [9])])),
                            ("no topics", markers((2**40, 5), 0, []))):
            target.ask("WriteTxnMarkers", version, body, label=f"{label} v{version}")
        target.ask("WriteTxnMarkers", version, {"Markers": []}, label=f"none v{version}")
    for epoch in (5, 6, 6):
        target.ask("WriteTxnMarkers", 2, markers((2**40, epoch), 0, [(topic, [0])], TransactionVersion=2),
                   label=f"of version 2, epoch {epoch}")
