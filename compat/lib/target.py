"""One of the two brokers, as a case sees it: raw connections to it, and what came back as comparable values.

A case is a function of a Target. Every request it sends through the Target leaves an entry in the transcript; the
transcripts of both brokers are compared. Values that cannot be equal (ids, ports, member names, the time) are replaced.
"""

import socket
import struct
import time
import uuid

import batches
import messages
import wait

CLOSED = "closed"
SILENT = "silent"
ANSWER_DEADLINE_S = 6
# Errors that say that records are bad: CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, INVALID_TIMESTAMP,
# UNSUPPORTED_FOR_MESSAGE_FORMAT, UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD.
REFUSALS = (2, 10, 32, 43, 76, 87)


UNORDERED = ("Topics", "Responses", "Results", "Groups", "Coordinators", "Configs", "Entries", "Entity", "Values", "ReplicaElectionResults",
             "TransactionStates", "ConfigResources", "UnknownStateFilters", "SupportedFeatures", "FinalizedFeatures")
SORT_KEYS = ("Name", "Topic", "TopicId", "GroupId", "Key", "ResourceType", "ResourceName", "User", "EntityType", "EntityName",
             "TransactionalId", "Entity")


class Connection:
    def __init__(self, target):
        self.target = target
        host, _, port = target.broker.address.rpartition(":")
        source = (target.source, 0) if getattr(target, "source", None) else None
        self.socket = socket.create_connection((host, int(port)), timeout=ANSWER_DEADLINE_S, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.socket.getsockname()[1]
        self.sent_bytes = 0
        self.sent_frames = 0
        self.was_closed = False         # by the broker
        self.records_refused = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.sent_bytes += len(data)
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the reading side will say so

    def send_frame(self, data):
        self.sent_frames += 1
        self.send(struct.pack(">i", len(data)) + data)

    def receive_frame(self, deadline_s=ANSWER_DEADLINE_S):
        """The next frame's bytes, or CLOSED, or SILENT when nothing came."""
        data, wanted = b"", 4
        end = time.monotonic() + deadline_s
        while len(data) < wanted:
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            try:
                piece = self.socket.recv(min(wanted - len(data), 1 << 20))
            except TimeoutError:
                return SILENT if not data else f"{len(data)} bytes of a frame of {wanted}"
            except (ConnectionResetError, BrokenPipeError):
                piece = b""
            if not piece:
                self.was_closed = True
                return CLOSED if not data else f"closed within a frame, after {len(data)} bytes"
            data += piece
            if wanted == 4 and len(data) == 4:
                wanted += struct.unpack(">i", data)[0]
        return data[4:]

    def receive(self, api, version, correlation_id=7, deadline_s=ANSWER_DEADLINE_S):
        """The next answer, decoded and made comparable."""
        frame = self.receive_frame(deadline_s)
        if isinstance(frame, str):
            return frame
        got, = struct.unpack_from(">i", frame)
        if got != correlation_id:
            return f"correlation id {got} for {correlation_id}"
        frame = frame[4:]
        if messages.flexible(api, version) and api != "ApiVersions":
            if frame[:1] != b"\0":
                return f"response header with tags {frame[:8].hex()}"
            frame = frame[1:]
        try:
            answer = messages.decode(api, version, frame)
        except messages.Malformed as error:
            return f"malformed: {error}: {frame.hex()}"
        if api == "Produce":
            self.records_refused |= any(partition["ErrorCode"] in REFUSALS for topic in answer["Responses"]
                                        for partition in topic["PartitionResponses"])
        return self.target.comparable(answer)

    def ask(self, api, version, body=None, deadline_s=ANSWER_DEADLINE_S, **header):
        self.send_frame(messages.request(api, version, body, **header))
        return self.receive(api, version, deadline_s=deadline_s)


class Target:
    def __init__(self, name, broker, words=False, source=None):
        self.name = name
        self.source = source            # the address that its connections come from
        self.words = words              # of error messages are part of the transcript
        self.broker = broker
        self.transcript = []
        self.connections = []
        self.ids = {}
        self.names = {}
        self.assigned = set()
        self.made = 0
        self.case = "none"
        self.bystander = Connection(self)
        self.bystander_count = 0
        self.advertised = {}
        self.common = {}                # what both brokers advertise: key -> oldest and newest version

    # For the cases.

    def connect(self):
        made = Connection(self)
        self.connections.append(made)
        return made

    def say(self, label, outcome):
        self.transcript.append((label, outcome))
        return outcome

    def frame(self, data, label="", api="ApiVersions", version=0, deadline_s=ANSWER_DEADLINE_S):
        """Sends a frame of these bytes on a connection of its own; what comes back is read as an answer of `api`."""
        connection = self.connect()
        connection.send_frame(data)
        self.say(label, connection.receive(api, version, deadline_s=deadline_s))
        connection.socket.close()

    def ask(self, api, version, body=None, label="", connection=None, **header):
        own = connection is None
        connection = connection or self.connect()
        outcome = self.say(label or f"{api} v{version}", connection.ask(api, version, body, **header))
        if own:
            connection.socket.close()
        return outcome

    def quietly(self, api, version, body=None, **header):
        """For what a case needs beforehand: not part of the transcript."""
        with Connection(self) as connection:
            connection.send_frame(messages.request(api, version, body, **header))
            frame = connection.receive_frame()
            if isinstance(frame, str):
                raise AssertionError(f"{self.name}: {api} v{version} beforehand: {frame}")
            skip = 5 if messages.flexible(api, version) and api != "ApiVersions" else 4
            return messages.decode(api, version, frame[skip:])

    def topic(self, partitions=1, configs=None, records=0, name=None):
        """A new topic, usable; the same name on both brokers."""
        self.made += 1
        name = name or f"topic-{self.case}-{self.made}"
        body = {"Topics": [{"Name": name, "NumPartitions": partitions, "ReplicationFactor": 1,
                            "Configs": [{"Name": key, "Value": value} for key, value in (configs or {}).items()]}],
                "timeoutMs": 30000}
        made, = self.quietly("CreateTopics", 7, body)["Topics"]
        if made["ErrorCode"] != 0:
            raise AssertionError(f"{self.name}: topic {name}: error {made['ErrorCode']}")
        self.ids[name] = made["TopicId"]
        self.names[made["TopicId"]] = name
        ask = {"ReplicaId": -1, "Topics": [{"Name": name, "Partitions": [
            {"PartitionIndex": index, "Timestamp": -1} for index in range(partitions)]}]}
        wait.until(lambda: all(one["ErrorCode"] == 0 for one in
                               self.quietly("ListOffsets", 7, ask)["Topics"][0]["Partitions"]), f"{name} is usable")
        if records:
            self.append(name, batches.batch([batches.record(index) for index in range(records)]))
        return name

    def known_to_groups(self, name):
        """The topic, once it is assigned to members of consumer groups: Kafka's coordinators hear of new topics some time
        after everybody else."""
        if name in self.assigned:
            return name
        group, member = f"knows-{name}", {"GroupId": f"knows-{name}", "MemberId": "m"}
        first = {**member, "MemberEpoch": 0, "RebalanceTimeoutMs": 60_000, "SubscribedTopicNames": [name], "TopicPartitions": []}

        def is_assigned():
            answer = self.quietly("ConsumerGroupHeartbeat", 1, first)
            return answer["ErrorCode"] == 0 and answer["Assignment"] and answer["Assignment"]["TopicPartitions"]

        wait.until(is_assigned, f"{name} is assigned")
        left = self.quietly("ConsumerGroupHeartbeat", 1, {**member, "MemberEpoch": -1})
        gone, = self.quietly("DeleteGroups", 2, {"GroupsNames": [group]})["Results"]
        if left["ErrorCode"] != 0 or gone["ErrorCode"] != 0:
            raise AssertionError(f"{self.name}: {group} stays")
        self.assigned.add(name)
        return name

    def append(self, name, data, partition=0):
        answer = self.quietly("Produce", 9, produce_body(name, data, partition))
        partition, = answer["Responses"][0]["PartitionResponses"]
        if partition["ErrorCode"] != 0:
            raise AssertionError(f"{self.name}: records for {name} beforehand: error {partition['ErrorCode']}")

    def produce(self, name, data, label="", version=9, partition=0, acks=-1, **more):
        if version >= 13 and "topic_id" not in more:
            more["topic_id"] = self.ids[name]
        return self.ask("Produce", version, produce_body(name, data, partition, acks, **more), label=label)

    # For the suite.

    def begin(self, case):
        self.case = case.name.replace(" ", "-").translate({ord(c): None for c in ":,'/+()^"})[:100]
        self.made = 0
        self.transcript = []
        self.connections = []

    def end(self):
        for connection in self.connections:
            connection.socket.close()

    def bystander_turn(self):
        """A second connection's Produce is answered, and gets the next offset."""
        if self.bystander_count == 0:
            self.topic(name="bystander")
        answer = self.bystander.ask("Produce", 9, produce_body("bystander", batches.batch(), acks=1))
        if isinstance(answer, str):
            raise AssertionError(f"{self.name}: the other connection noticed: {answer}")
        partition, = answer["Responses"][0]["PartitionResponses"]
        got = (partition["ErrorCode"], partition["BaseOffset"])
        if got != (0, self.bystander_count):
            raise AssertionError(f"{self.name}: the other connection got error and offset {got}, "
                                 f"not (0, {self.bystander_count})")
        self.bystander_count += 1

    def comparable(self, value, key=None):
        if isinstance(value, dict):
            return {name: self.comparable(one, name) for name, one in value.items()}
        if isinstance(value, list):
            values = [self.comparable(one, key) for one in value]
            # Kafka's own order is that of its hash tables in many answers.
            if key in UNORDERED and all(isinstance(one, dict) for one in values):
                values.sort(key=lambda one: [str(one.get(name)) for name in SORT_KEYS])
            if key == "Members":
                values.sort(key=str)
            return values
        if isinstance(value, uuid.UUID):
            return "no id" if value.int == 0 else f"<id of {self.names.get(value, 'another topic')}>"
        own_number = key in ("Port", "ProducerId", "LogAppendTimeMs", "SessionId", "NodeId", "ControllerId")
        if own_number and isinstance(value, int) and value > 0:
            return f"<{key}>"
        if key in ("Host", "ClusterId", "MemberId", "Leader") and value:
            return f"<{key}>"
        if key == "HeartbeatIntervalMs" and value > 0:
            return "<interval>"     # members that wait for partitions are asked to come again sooner
        if key == "ErrorMessage" and self.words:
            return "" if value in (None, "NONE") else value     # NONE is the message of Kafka's success
        if key in ("ErrorMessage", "BatchIndexErrorMessage") and value:
            return "<message>"  # its words are each broker's own
        if isinstance(value, bytes):
            return value.hex() if len(value) <= 200 else f"{len(value)} bytes"
        return value


def produce_body(name, data, partition=0, acks=-1, topic_id=None, timeout_ms=10_000, transactional_id=None):
    topic = {"Name": name} if topic_id is None else {"TopicId": topic_id}
    return {"TransactionalId": transactional_id, "Acks": acks, "TimeoutMs": timeout_ms,
            "TopicData": [{**topic, "PartitionData": [{"Index": partition, "Records": data}]}]}
