"""What the broker holds while it is attacked: topics, partitions, groups with offsets, producers, transactional ids."""

import dataclasses
import socket
import struct
import uuid

import batches
import messages
import wire

INNOCENT = "innocent"
WIDE = "wide"
BOMBS = "bombs"


@dataclasses.dataclass
class Population:
    wide_partitions: int
    topics: int
    groups: int
    producers: int
    transactional_ids: int
    topic_ids: dict = dataclasses.field(default_factory=dict)
    innocent: str = INNOCENT

    def topic(self, number):
        return f"t{number % self.topics}"

    def describe(self):
        return (f"{self.wide_partitions + self.topics + 2} partitions, {self.groups} groups, {self.producers} producers, "
                f"{self.transactional_ids} transactional ids made")


class Client:
    """Requests by name, many at a time on one connection."""

    def __init__(self, address, patience_s):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=patience_s)

    def send(self, api, version, body):
        frame = messages.request(api, version, body)
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)

    def receive(self, api, version):
        size, = struct.unpack(">i", self._read(4))
        answer = self._read(size)
        flexible_header = messages.flexible(api, version) and api != "ApiVersions"
        return messages.decode(api, version, answer[5 if flexible_header else 4:])

    def ask(self, api, version, body):
        self.send(api, version, body)
        return self.receive(api, version)

    def _read(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the broker closed the connection")
            data += piece
        return bytes(data)


def must(error, what):
    assert error == 0, f"{what}: error {error}"


def make(broker, small, patience_s=120):
    people = Population(*((1_000, 100, 200, 2_000, 50) if small else (9_000, 1_000, 10_000, 100_000, 1_000)))
    for name, partitions in [(INNOCENT, 1), (BOMBS, 1), (WIDE, people.wide_partitions)]:
        must(wire.create_topic(broker.address, name, partitions), name)
    client = Client(broker.address, patience_s)
    answer = client.ask("CreateTopics", 5, {
        "Topics": [{"Name": people.topic(i), "NumPartitions": 1, "ReplicationFactor": 1} for i in range(people.topics)],
        "timeoutMs": 60_000})
    for topic in answer["Topics"]:
        must(topic["ErrorCode"], topic["Name"])
    metadata = client.ask("Metadata", 12, {"Topics": None})
    people.topic_ids = {topic["Name"]: topic["TopicId"] for topic in metadata["Topics"]}
    assert people.topic_ids[WIDE] != uuid.UUID(int=0)
    commit_offsets(client, people)
    start_producers(client, people)
    start_transactions(client, people)
    drop_bombs(client)
    return people


def commit_offsets(client, people):
    client.ask("FindCoordinator", 2, {"Key": "g0"})
    window = 500
    for begin in range(0, people.groups, window):
        numbers = range(begin, min(begin + window, people.groups))
        for i in numbers:
            client.send("OffsetCommit", 2, {
                "GroupId": f"g{i}", "GenerationIdOrMemberEpoch": -1, "RetentionTimeMs": -1,
                "Topics": [{"Name": WIDE, "Partitions": [{"PartitionIndex": 0, "CommittedOffset": 1}]}]})
        for _ in numbers:
            answer = client.receive("OffsetCommit", 2)
            must(answer["Topics"][0]["Partitions"][0]["ErrorCode"], "OffsetCommit")


def start_producers(client, people):
    """A batch of each, a partition for each in one request."""
    at_once = min(people.wide_partitions, 1_000)
    for begin in range(0, people.producers, at_once):
        numbers = range(begin, min(begin + at_once, people.producers))
        answer = client.ask("Produce", 9, {"Acks": 1, "TimeoutMs": 60_000, "TopicData": [{
            "Name": WIDE, "PartitionData": [
                {"Index": i % people.wide_partitions,
                 "Records": batches.batch(producer_id=1_000_000 + i, producer_epoch=0, sequence=0)} for i in numbers]}]})
        for partition in answer["Responses"][0]["PartitionResponses"]:
            must(partition["ErrorCode"], "Produce")


def start_transactions(client, people):
    client.ask("FindCoordinator", 2, {"Key": "x0", "KeyType": 1})
    for i in range(people.transactional_ids):
        answer = client.ask("InitProducerId", 2, {"TransactionalId": f"x{i}", "TransactionTimeoutMs": 60_000})
        must(answer["ErrorCode"], "InitProducerId")


def drop_bombs(client):
    """One small batch that is large when it is decompressed: readers by time have to go through it."""
    records = batches.record(0, value=b"\0" * 900_000)
    answer = client.ask("Produce", 9, {"Acks": 1, "TimeoutMs": 60_000, "TopicData": [{"Name": BOMBS, "PartitionData": [
        {"Index": 0, "Records": batches.compressed(batches.GZIP, [records])}]}]})
    must(answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"], "Produce of a compressed batch")
