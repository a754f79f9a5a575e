"""Requests by hand, with deadlines: what a client sees of a broker whose disk fails."""

import struct
import time

import batches
import messages
import wait
import wire

NONE, NOT_ENOUGH_REPLICAS, ALREADY_THERE, STORAGE = 0, 19, 36, 56
# Errors that clients retry by themselves.
RETRIABLE = {STORAGE, 7, 14, 15, 16, 6, NOT_ENOUGH_REPLICAS}
VERSIONS = {"Produce": 8, "Fetch": 11, "ListOffsets": 5, "CreateTopics": 4, "DeleteTopics": 3, "DeleteRecords": 1,
            "OffsetCommit": 7, "OffsetFetch": 5, "FindCoordinator": 2, "IncrementalAlterConfigs": 0,
            "InitProducerId": 1, "Metadata": 8, "DescribeLogDirs": 1, "AlterReplicaLogDirs": 1}
ANSWER_S = 20  # longer than any request here may take


class Closed(AssertionError):
    """The broker ended the connection instead of answering."""


class Client:
    def __init__(self, address):
        self.address = address
        self.connection = None

    def ask(self, api, body, deadline_s=ANSWER_S):
        """The answer; a request that is not answered fails the check."""
        version = VERSIONS[api]
        if self.connection is None:
            self.connection = wire.Connection(self.address, timeout_s=deadline_s)
        self.connection.socket.settimeout(deadline_s)
        try:
            data = self.connection.request(messages.key_of(api), version, messages.encode(api, version, body))
        except TimeoutError:
            self.close()
            raise AssertionError(f"{api} was not answered within {deadline_s} s") from None
        except OSError as error:
            self.close()
            raise Closed(f"{api}: the connection ended: {error}") from None
        return messages.decode(api, version, data)

    def close(self):
        if self.connection is not None:
            self.connection.socket.close()
        self.connection = None

    # --- topics

    def create(self, topic, partitions=1, timeout_ms=3000, **configs):
        body = {"Topics": [{"Name": topic, "NumPartitions": partitions, "ReplicationFactor": 1,
                            "Configs": [{"Name": name.replace("_", "."), "Value": str(value)}
                                        for name, value in configs.items()]}], "timeoutMs": timeout_ms}
        return self.ask("CreateTopics", body)["Topics"][0]["ErrorCode"]

    def delete(self, topic):
        return self.ask("DeleteTopics", {"TopicNames": [topic], "TimeoutMs": 5000})["Responses"][0]["ErrorCode"]

    def alter(self, topic, name, value):
        body = {"Resources": [{"ResourceType": 2, "ResourceName": topic,
                               "Configs": [{"Name": name, "ConfigOperation": 0, "Value": str(value)}]}]}
        return self.ask("IncrementalAlterConfigs", body)["Responses"][0]["ErrorCode"]

    def delete_records(self, topic, offset, partition=0):
        body = {"Topics": [{"Name": topic, "Partitions": [{"PartitionIndex": partition, "Offset": offset}]}],
                "TimeoutMs": 5000}
        return self.ask("DeleteRecords", body)["Topics"][0]["Partitions"][0]["ErrorCode"]

    # --- records

    def produce(self, topic, batch, partition=0):
        """(error, base offset)."""
        body = {"Acks": -1, "TimeoutMs": 5000,
                "TopicData": [{"Name": topic, "PartitionData": [{"Index": partition, "Records": batch}]}]}
        out = self.ask("Produce", body)["Responses"][0]["PartitionResponses"][0]
        return out["ErrorCode"], out["BaseOffset"]

    def produce_until_acknowledged(self, topic, batch, partition=0, deadline_s=30):
        """As a producer does it: what it may try again is tried again."""
        def acknowledged():
            error, offset = self.produce(topic, batch, partition)
            assert error in RETRIABLE | {NONE}, f"error {error} makes a producer give up"
            return (offset,) if error == NONE else None
        return wait.until(acknowledged, f"a record for {topic} is acknowledged", deadline_s, pause_s=0.1)[0]

    def fetch(self, topic, offset, partition=0):
        """(error, {offset: value}) of the records from there on, as far as one answer holds them."""
        body = {"ReplicaId": -1, "MaxWaitMs": 0, "MinBytes": 1, "MaxBytes": 50 << 20, "SessionEpoch": -1,
                "Topics": [{"Topic": topic, "Partitions": [
                    {"Partition": partition, "CurrentLeaderEpoch": -1, "FetchOffset": offset, "LogStartOffset": -1,
                     "PartitionMaxBytes": 10 << 20}]}]}
        out = self.ask("Fetch", body)["Responses"][0]["Partitions"][0]
        return out["ErrorCode"], values_of(out["Records"] or b"")

    def end(self, topic, partition=0, timestamp=-1):
        body = {"ReplicaId": -1, "Topics": [{"Name": topic, "Partitions": [
            {"PartitionIndex": partition, "CurrentLeaderEpoch": -1, "Timestamp": timestamp}]}]}
        out = self.ask("ListOffsets", body)["Topics"][0]["Partitions"][0]
        assert out["ErrorCode"] == NONE, f"ListOffsets answered error {out['ErrorCode']}"
        return out["Offset"]

    def start_of(self, topic, partition=0):
        return self.end(topic, partition, timestamp=-2)

    # --- groups

    def commit(self, group, topic, offset):
        body = {"GroupId": group, "GenerationIdOrMemberEpoch": -1, "Topics": [
            {"Name": topic, "Partitions": [{"PartitionIndex": 0, "CommittedOffset": offset,
                                            "CommittedLeaderEpoch": -1}]}]}
        return self.ask("OffsetCommit", body)["Topics"][0]["Partitions"][0]["ErrorCode"]

    def committed(self, group, topic):
        body = {"GroupId": group, "Topics": [{"Name": topic, "PartitionIndexes": [0]}]}
        answer = self.ask("OffsetFetch", body)
        assert answer["ErrorCode"] == NONE, f"OffsetFetch answered error {answer['ErrorCode']}"
        return answer["Topics"][0]["Partitions"][0]["CommittedOffset"]

    def find_coordinator(self, group):
        def found():
            return self.ask("FindCoordinator", {"Key": group, "KeyType": 0})["ErrorCode"] == NONE
        wait.until(found, "the group has a coordinator")

    def commit_until_done(self, group, topic, offset):
        def done():
            error = self.commit(group, topic, offset)
            assert error in RETRIABLE | {NONE}, f"error {error} makes a consumer give up"
            return error == NONE
        wait.until(done, "an offset is committed", pause_s=0.1)

    def create_until_done(self, name):
        def done():
            error = self.create(name)
            assert error in RETRIABLE | {NONE, ALREADY_THERE}, f"CreateTopics answered error {error}"
            return error in (NONE, ALREADY_THERE)
        wait.until(done, "a topic is created", pause_s=0.2)


def values_of(data):
    """{offset: value} of whole batches whose records are one each."""
    values = {}
    while len(data) >= 61:
        base, length = struct.unpack_from(">qi", data)
        if len(data) < 12 + length:
            break
        values[base] = data[61:12 + length]
        data = data[12 + length:]
    return values


class History:
    """Records that were acknowledged, and whether they are there."""

    def __init__(self, client, topic, partition=0):
        self.client = client
        self.topic = topic
        self.partition = partition
        self.records = {}
        self.number = 0
        self.refused = set()

    def batch(self, size=100):
        self.number += 1
        return batches.batch([batches.record(0, b"%08d" % self.number + bytes(size))])

    def _note(self, offset, batch):
        assert offset not in self.records, f"offset {offset} was given out twice"
        self.records[offset] = batch[61:]

    def write(self, size=100):
        """False if it was refused."""
        batch = self.batch(size)
        error, offset = self.client.produce(self.topic, batch, self.partition)
        if error != NONE:
            self.refused.add(error)
            return False
        self._note(offset, batch)
        return True

    def write_until_acknowledged(self, size=100, deadline_s=30):
        batch = self.batch(size)
        self._note(self.client.produce_until_acknowledged(self.topic, batch, self.partition, deadline_s), batch)

    def write_until_refused(self, size, deadline_s=60):
        """Until there is no room any more even for a small one."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if not self.write(size):
                if size <= 200:
                    return
                size //= 4
        raise AssertionError("nothing was refused")

    def check(self, start=None):
        """What was acknowledged and not deleted is there, once, under its offset."""
        start = self.client.start_of(self.topic, self.partition) if start is None else start
        wanted = {offset: value for offset, value in self.records.items() if offset >= start}
        found, at = {}, start
        # After a crash a record that waits for its sync (flush.messages) is seen when it is synced.
        last = max(wanted, default=-1)
        wait.until(lambda: self.client.end(self.topic, self.partition) > last, f"{self.topic} ends behind {last}")
        end = self.client.end(self.topic, self.partition)
        while at < end:
            error, values = self.client.fetch(self.topic, at, self.partition)
            assert error == NONE, f"Fetch of {self.topic} from {at} answered error {error}"
            assert values, f"nothing to read in {self.topic} from {at} on, the end is {end}"
            found.update(values)
            at = max(values) + 1
        missing = [offset for offset in wanted if found.get(offset) != wanted[offset]]
        assert not missing, f"{len(missing)} of {len(wanted)} acknowledged records are missing, the first at {min(missing)}"


def go_on(histories):
    """Each is written to and read whole."""
    for history in histories:
        history.write_until_acknowledged()
        history.check()
