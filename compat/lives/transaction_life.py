"""The life of a transactional id: begun, verified, written to, committed, aborted, fenced, asked about."""

import struct

import batches
import common
import wait

PARTITIONS = 2
STATES = ("Empty", "Ongoing", "PrepareCommit", "CompleteCommit", "CompleteAbort")


class Life(common.Life):
    def __init__(self, target, name):
        super().__init__(target, name)
        self.topic = target.topic(partitions=PARTITIONS, name=f"of-{name}")
        self.group = f"group-of-{name}"
        self.producers = []          # (id, epoch) as they came; the last is the current one
        self.sequences = {}          # (index of the producer, partition) -> next sequence
        self.names = {}              # producer id -> "P0", ...
        for key, kind in ((name, 1), (self.group, 0)):
            wait.until(lambda: self.target.quietly("FindCoordinator", 3, {"Key": key, "KeyType": kind})["ErrorCode"] == 0,
                       f"a coordinator of {key}", 30)

    def choose(self, choices):
        roll = choices.random()
        producer = choices.choice(("current", "current", "current", "current", "stale", "none"))
        if not self.producers or roll < 0.08:
            return "init", choices.choice((60_000, 60_000, 5_000, 0, 10_000_000)), choices.choice(
                ("anew", "anew", "current", "stale")), choices.randint(0, 5)
        if roll < 0.25:
            return "add", producer, choices.randint(0, 3), choices.choice(("known", "known", "known", "unknown", "both"))
        if roll < 0.5:
            return ("write", producer, choices.randrange(PARTITIONS), choices.choice(("next",) * 6 + ("again", "gap")),
                    choices.choice((8, 9, 11, 12)), choices.randint(1, 3))
        if roll < 0.55:
            return "add group", producer, choices.randint(0, 4)
        if roll < 0.62:
            return "commit offset", producer, choices.randint(0, 4), choices.randint(0, 1000)
        if roll < 0.78:
            return "end", producer, choices.choice((True, True, False)), choices.randint(0, 4)
        if roll < 0.83:
            return "describe",
        if roll < 0.86:
            return "list", choices.choice(STATES)
        if roll < 0.89:
            return "producers", choices.randrange(PARTITIONS)
        if roll < 0.95:
            return "fetch", choices.randrange(PARTITIONS), choices.randint(0, 1)
        if roll < 0.98:
            return "offsets", choices.choice((True, False))
        return "delete records", choices.randrange(PARTITIONS), choices.randint(0, 30)

    def producer(self, which):
        if which == "none" or not self.producers:
            return 4_000_000_000, 0
        if which == "stale" and len(self.producers) > 1:
            return self.producers[-2]
        return self.producers[-1]

    def named(self, answer):
        """Producer ids are each broker's own, and so are times."""
        if isinstance(answer, dict):
            return {key: self._named(key, value) for key, value in answer.items()}
        if isinstance(answer, list):
            return [self.named(one) for one in answer]
        return answer

    def _named(self, key, value):
        if key == "ProducerId" and isinstance(value, int) and value > 0:
            return self.names.setdefault(value, f"P{len(self.names)}")
        if key in ("TransactionStartTimeMs", "LastTimestamp") and value > 0:
            return "<time>"
        if key == "Partitions" and all(isinstance(one, int) for one in value):
            return sorted(value)        # a set, in Kafka
        return self.named(value)

    def settled(self, api, version, body):
        return self.comparable(self.named(self.ask(api, version, body)))

    def do_init(self, timeout_ms, known, version):
        body = {"TransactionalId": self.name, "TransactionTimeoutMs": timeout_ms}
        if version >= 3 and known != "anew" and self.producers:
            body["ProducerId"], body["ProducerEpoch"] = self.producer(known)
        answer = self.ask("InitProducerId", version, body)
        if answer["ErrorCode"] == 0:
            self.producers.append((answer["ProducerId"], answer["ProducerEpoch"]))
            self.sequences = {}
        return self.comparable(self.named(answer))

    def topics(self, which):
        known = {"Name": self.topic, "Partitions": list(range(PARTITIONS))}
        unknown = {"Name": "nowhere", "Partitions": [0]}
        return {"known": [known], "unknown": [unknown], "both": [known, unknown]}[which]

    def do_add(self, producer, version, which):
        number, epoch = self.producer(producer)
        return self.settled("AddPartitionsToTxn", version, {
            "V3AndBelowTransactionalId": self.name, "V3AndBelowProducerId": number, "V3AndBelowProducerEpoch": epoch,
            "V3AndBelowTopics": self.topics(which)})

    def do_write(self, producer, partition, order, version, count):
        number, epoch = self.producer(producer)
        key = (number, epoch, partition)
        after = self.sequences.get(key, 0)
        sequence = {"next": after, "gap": after + 5, "again": max(after - count, 0)}[order]
        data = batches.batch([batches.record(i) for i in range(count)], producer_id=number, producer_epoch=epoch,
                             sequence=sequence, attributes=batches.TRANSACTIONAL)
        answer = self.ask("Produce", version, {
            "TransactionalId": self.name, "Acks": -1, "TimeoutMs": 10_000,
            "TopicData": [{"Name": self.topic, "PartitionData": [{"Index": partition, "Records": data}]}]})
        if not any(common.errors_in(answer)):
            self.sequences[key] = max(after, sequence + count)
        return self.comparable(self.named(answer))

    def do_add_group(self, producer, version):
        number, epoch = self.producer(producer)
        return self.settled("AddOffsetsToTxn", version, {
            "TransactionalId": self.name, "ProducerId": number, "ProducerEpoch": epoch, "GroupId": self.group})

    def do_commit_offset(self, producer, version, offset):
        number, epoch = self.producer(producer)
        return self.settled("TxnOffsetCommit", version, {
            "TransactionalId": self.name, "GroupId": self.group, "ProducerId": number, "ProducerEpoch": epoch,
            "Topics": [{"Name": self.topic, "Partitions": [{"PartitionIndex": 0, "CommittedOffset": offset,
                                                            "CommittedMetadata": "m"}]}]})

    def do_end(self, producer, commit, version):
        number, epoch = self.producer(producer)
        outcome = self.settled("EndTxn", version, {
            "TransactionalId": self.name, "ProducerId": number, "ProducerEpoch": epoch, "Committed": commit})
        self.settle()
        return outcome

    def settle(self):
        """Until no transaction is being completed any more."""
        def is_settled():
            state, = self.target.quietly("DescribeTransactions", 0, {"TransactionalIds": [self.name]})["TransactionStates"]
            return not state["TransactionState"].startswith("Prepare")

        wait.until(is_settled, f"the transaction of {self.name} is complete", 20)

    def do_describe(self):
        return self.settled("DescribeTransactions", 0, {"TransactionalIds": [self.name]})

    def do_list(self, state):
        answer = self.ask("ListTransactions", 0, {"StateFilters": [state], "ProducerIdFilters": []})
        answer["TransactionStates"] = [one for one in answer["TransactionStates"] if one["TransactionalId"] == self.name]
        return self.comparable(self.named(answer))

    def do_producers(self, partition):
        return self.settled("DescribeProducers", 0, {"Topics": [{"Name": self.topic, "PartitionIndexes": [partition]}]})

    def do_fetch(self, partition, isolation):
        answer = self.ask("Fetch", 11, {
            "MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 1 << 24, "IsolationLevel": isolation, "SessionId": 0,
            "SessionEpoch": -1, "Topics": [{"Topic": self.topic, "Partitions": [
                {"Partition": partition, "FetchOffset": self.start_of(partition), "PartitionMaxBytes": 1 << 24}]}]})
        for topic in answer["Responses"]:
            for one in topic["Partitions"]:
                one["Records"] = [self.shape(head) for head in heads(one["Records"] or b"")]
        return self.comparable(self.named(answer))

    def shape(self, head):
        return {**head, "ProducerId": self.names.setdefault(head["ProducerId"], f"P{len(self.names)}")}

    def start_of(self, partition):
        answer = self.target.quietly("ListOffsets", 5, {"ReplicaId": -1, "IsolationLevel": 0, "Topics": [
            {"Name": self.topic, "Partitions": [{"PartitionIndex": partition, "Timestamp": -2}]}]})
        return answer["Topics"][0]["Partitions"][0]["Offset"]

    def do_offsets(self, stable):
        group = self.settled("OffsetFetch", 7, {"GroupId": self.group, "RequireStable": stable, "Topics": [
            {"Name": self.topic, "PartitionIndexes": [0]}]}) if not stable else \
            self.comparable(self.target.quietly("OffsetFetch", 7, {
                "GroupId": self.group, "RequireStable": True, "Topics": [{"Name": self.topic, "PartitionIndexes": [0]}]}))
        ends = [self.comparable(self.target.quietly("ListOffsets", 5, {
            "ReplicaId": -1, "IsolationLevel": isolation, "Topics": [{"Name": self.topic, "Partitions": [
                {"PartitionIndex": partition, "Timestamp": -1} for partition in range(PARTITIONS)]}]}))
            for isolation in (0, 1)]
        return {"group": group, "ends": ends}

    def do_delete_records(self, partition, offset):
        return self.settled("DeleteRecords", 1, {"TimeoutMs": 10_000, "Topics": [
            {"Name": self.topic, "Partitions": [{"PartitionIndex": partition, "Offset": offset}]}]})


def heads(data):
    """The headers of the whole batches of a fetched range."""
    place = 0
    while place + 61 <= len(data):
        base, length, epoch, magic, _crc, attributes, last, _first_ms, _max_ms, producer, producer_epoch, sequence, count = \
            struct.unpack_from(">qiibIhiqqqhii", data, place)
        if place + 12 + length > len(data):
            return
        yield {"BaseOffset": base, "LeaderEpoch": epoch, "Magic": magic, "Attributes": attributes, "LastDelta": last,
               "ProducerId": producer, "ProducerEpoch": producer_epoch, "Sequence": sequence, "Count": count}
        place += 12 + length
