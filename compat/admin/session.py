"""Runs the lists of tool calls in calls/*.txt against one broker and keeps what each call printed.

A list is read line by line; an empty line or one that begins with # is ignored. A line that begins with a word of WORDS
prepares something and leaves no entry; everything else is a call: the tool's short name, then its arguments.
In both, {broker}, {controller} and {dir} stand for the addresses of the broker under test and for a folder of files.
"""

import pathlib
import shlex
import subprocess
import time

import batches
import messages
import wait
from target import Connection, produce_body

PACKAGE = "org.apache.kafka.tools."
# Short name -> class, and whether the address is given as --bootstrap-server and the settings as --command-config.
TOOLS = {
    "topics": PACKAGE + "TopicCommand",
    "configs": "kafka.admin.ConfigCommand",
    "consumer-groups": PACKAGE + "consumer.group.ConsumerGroupCommand",
    "groups": PACKAGE + "GroupsCommand",
    "log-dirs": PACKAGE + "LogDirsCommand",
    "leader-election": PACKAGE + "LeaderElectionCommand",
    "reassign": PACKAGE + "reassign.ReassignPartitionsCommand",
    "delete-records": PACKAGE + "DeleteRecordsCommand",
    "get-offsets": PACKAGE + "GetOffsetShell",
    "transactions": PACKAGE + "TransactionsCommand",
    "features": PACKAGE + "FeatureCommand",
    "quorum": PACKAGE + "MetadataQuorumCommand",
    "cluster": PACKAGE + "ClusterTool",
    "client-metrics": PACKAGE + "ClientMetricsCommand",
    "tokens": PACKAGE + "DelegationTokenCommand",
    "api-versions": PACKAGE + "BrokerApiVersionsCommand",
    "acls": PACKAGE + "AclCommand",
}
# These take address and settings behind their subcommand.
ADDRESS_LAST = ("cluster",)
NO_ADDRESS = ("--version",)
# Of what is kept in the cache: another number when a word of WORDS changes its meaning.
FORMAT = 3
CALL_DEADLINE_S = 90
SETTINGS = "default.api.timeout.ms=8000\nrequest.timeout.ms=6000\nreconnect.backoff.ms=50\nreconnect.backoff.max.ms=200\n"


def calls_of(path):
    """The lines of a list that mean something, in order."""
    for line in map(str.strip, path.read_text().splitlines()):
        if line and not line.startswith("#"):
            yield line


def expect(answer, key="ErrorCode"):
    if answer[key] != 0:
        raise AssertionError(f"error {answer[key]}")


class Session:
    """One broker, or a cluster of which this is the first, one JVM with the tools, and the transcript so far. Lives in one
    thread."""

    def __init__(self, name, address, controller, directory, host, cluster=None):
        self.name = name
        self.address = address
        self.controller = controller
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.host = host
        self.live = {}
        self.producer_ids = {}
        # Of the first record produced; {moment} is that of the fifth. An hour ago, so that nothing is too old or too new.
        self.begin_ms = (int(time.time()) - 3600) * 1000
        self.entries = []
        self.seen = {}
        # This broker's own values, and their names in the transcript.
        others = cluster.brokers[1:] if cluster else ()
        self.own = [(str(self.directory), "<dir>")] + [
            (form, name) for one, name in ((address, "<broker>"), (controller, "<controller>"),
                                           *((node.address, f"<broker {node.node_id}>") for node in others))
            for form in (one, one.replace(":", " "), f"localhost:{one.rpartition(':')[2]}")]
        self.cluster = cluster
        for node in cluster.brokers if cluster else ():
            self.own.append((str(node.data_dir), f"<data {node.node_id}>"))
        (self.directory / "admin.properties").write_text(SETTINGS)

    def run(self, path):
        """Runs a list; returns its transcript."""
        self.entries = []
        self.seen = {}
        # The first call of a JVM loads the client, which on a busy machine takes longer than a call may.
        self.host.call(TOOLS["topics"], "--bootstrap-server", self.address, "--list", deadline_s=5 * CALL_DEADLINE_S)
        try:
            for line in calls_of(path):
                try:
                    self._line(line)
                except (AssertionError, KeyError, OSError) as error:
                    # The calls after it still run: what is missing shows there.
                    self.entries.append({"label": line, "status": f"{type(error).__name__}", "out": "", "err": str(error)})
        finally:
            for name in list(self.live):
                self._end(name)
        return {"own": self.own, "entries": self.entries}

    def _line(self, line):
        word, _, rest = line.partition(" ")
        rest = rest.replace("{broker}", self.address).replace("{controller}", self.controller)
        rest = rest.replace("{dir}", str(self.directory)).replace("{begin}", str(self.begin_ms)).replace("{250}", "a" * 250)
        rest = rest.replace("{moment}", time.strftime("%Y-%m-%dT%H:%M:%S.004", time.gmtime(self.begin_ms // 1000)))
        for form, producer_id in self.producer_ids.items():
            rest = rest.replace(form, producer_id)
        if word in self.WORDS:
            self.WORDS[word](self, *([rest] if word in ("file",) else shlex.split(rest)))
        elif word.strip("~") in TOOLS:
            self._call(line, word, shlex.split(rest))
        else:
            raise AssertionError(f"no such word: {word}")

    # Calls

    def _call(self, line, word, arguments):
        """A ~ before the tool's name: the order of what it prints is that of a hash table of Kafka's."""
        tool = word.strip("~")
        count = self.seen[line] = self.seen.get(line, 0) + 1
        label = line if count == 1 else f"{line} ({count})"
        if tool in ADDRESS_LAST:
            arguments = [*arguments, "--command-config", str(self.directory / "admin.properties")]
            if "--bootstrap-controller" not in arguments:
                arguments[1:1] = ["--bootstrap-server", self.address]
        elif not any(one in arguments for one in NO_ADDRESS):
            given = ["--command-config", str(self.directory / "admin.properties")]
            if not any(one.startswith("--bootstrap-") for one in arguments):
                given[:0] = ["--bootstrap-server", self.address]
            arguments = [*given, *arguments]
        try:
            status, out, err = self.host.call(TOOLS[tool], *arguments, deadline_s=CALL_DEADLINE_S)
        except AssertionError as error:
            status, out, err = "none", "", str(error)
        self.entries.append({"label": label, "status": status, "out": out, "err": err})

    # Preparing lines

    def _file(self, rest):
        """file NAME CONTENT: \\n is a new line."""
        name, _, content = rest.partition(" ")
        (self.directory / name).write_text(content.replace("\\n", "\n") + "\n")

    def _ready(self, topic, partitions="1"):
        """ready TOPIC [COUNT]: waits until the partitions are led. Kafka answers CreateTopics sooner."""
        ask = {"ReplicaId": -1, "Topics": [{"Name": topic, "Partitions": [
            {"PartitionIndex": index, "Timestamp": -1} for index in range(int(partitions))]}]}
        wait.until(lambda: all(one["ErrorCode"] == 0 for one in self.quietly("ListOffsets", 7, ask)["Topics"][0]["Partitions"]),
                   f"{topic} is usable")

    def _gone(self, topic):
        """gone TOPIC: waits until Metadata does not know it any longer."""
        ask = {"Topics": [{"Name": topic}], "AllowAutoTopicCreation": False}
        wait.until(lambda: self.quietly("Metadata", 9, ask)["Topics"][0]["ErrorCode"] == 3, f"{topic} is gone")

    def _produce(self, topic, count, partition="0", **transaction):
        """produce TOPIC COUNT [PARTITION]: one batch of records, each a millisecond younger than the one before."""
        records = [batches.record(index, b"value %d" % index, b"key %d" % index, time_delta=index) for index in range(int(count))]
        data = batches.batch(records, base_ms=self.begin_ms, max_ms=self.begin_ms + len(records) - 1,
                             **{key: value for key, value in transaction.items() if key != "transactional_id"})
        answer = self.quietly("Produce", 9, produce_body(topic, data, int(partition),
                                                         transactional_id=transaction.get("transactional_id")))
        expect(answer["Responses"][0]["PartitionResponses"][0])

    def _transactional_producer(self, name):
        """Its id and epoch."""
        wait.until(lambda: self.quietly("FindCoordinator", 3, {"Key": name, "KeyType": 1})["ErrorCode"] == 0, "a coordinator", 60)

        def got_id():
            answer = self.quietly("InitProducerId", 4, {"TransactionalId": name, "TransactionTimeoutMs": 60_000,
                                                        "ProducerId": -1, "ProducerEpoch": -1})
            return answer if answer["ErrorCode"] == 0 else None
        return wait.until(got_id, "an id for the transactional producer", 60)

    def _write_in_transaction(self, own, name, topic, count):
        self._produce(topic, count, attributes=batches.TRANSACTIONAL, producer_id=own["ProducerId"],
                      producer_epoch=own["ProducerEpoch"], sequence=0, transactional_id=name)

    def _hanging(self, name, topic, count):
        """hanging ID TOPIC COUNT: records in a transaction that its coordinator knows nothing of, which takes a broker that
        does not verify. {ID} is the producer's id from then on."""
        own = self._transactional_producer(name)

        def written():
            try:
                self._write_in_transaction(own, name, topic, count)
                return True
            except AssertionError as error:
                # INVALID_TXN_STATE: Kafka's broker goes by its new setting some time after its controller has answered.
                if str(error) != "error 48":
                    raise
                return False
        wait.until(written, f"the broker takes a transaction that {name}'s coordinator does not know", 60)
        self.producer_ids[f"{{{name}}}"] = str(own["ProducerId"])

    def _transaction(self, name, topic, count, end):
        """transaction ID TOPIC COUNT commit|abort|open: records in a transaction, which ends so, or does not."""
        own = self._transactional_producer(name)
        who = {"ProducerId": own["ProducerId"], "ProducerEpoch": own["ProducerEpoch"]}
        answer = self.quietly("AddPartitionsToTxn", 3, {
            "V3AndBelowTransactionalId": name, "V3AndBelowProducerId": own["ProducerId"],
            "V3AndBelowProducerEpoch": own["ProducerEpoch"], "V3AndBelowTopics": [{"Name": topic, "Partitions": [0]}]})
        expect(answer["ResultsByTopicV3AndBelow"][0]["ResultsByPartition"][0], "PartitionErrorCode")
        self._write_in_transaction(own, name, topic, count)
        if end != "open":
            expect(self.quietly("EndTxn", 3, {"TransactionalId": name, **who, "Committed": end == "commit"}))
            ended = {"commit": "CompleteCommit", "abort": "CompleteAbort"}[end]
            wait.until(lambda: self.quietly("DescribeTransactions", 0, {"TransactionalIds": [name]})["TransactionStates"][0][
                "TransactionState"] == ended, f"{name} has ended", 60)

    def _commit(self, group, topic, partition, offset):
        """commit GROUP TOPIC PARTITION OFFSET: as a consumer without members does."""
        ask = {"GroupId": group, "GenerationIdOrMemberEpoch": -1, "MemberId": "", "Topics": [{"Name": topic, "Partitions": [
            {"PartitionIndex": int(partition), "CommittedOffset": int(offset), "CommittedMetadata": ""}]}]}
        wait.until(lambda: self.quietly("FindCoordinator", 3, {"Key": group, "KeyType": 0})["ErrorCode"] == 0, "a coordinator", 60)

        def done():
            return self.quietly("OffsetCommit", 8, ask)["Topics"][0]["Partitions"][0]["ErrorCode"] == 0
        wait.until(done, f"an offset of {group} is committed", 60)

    def _live(self, name, group, topic, protocol="classic", *more):
        """live NAME GROUP TOPIC [PROTOCOL [KEY=VALUE...]]: a console consumer that stays until `end NAME`."""
        jars = self.host.jars
        command = ["java", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*",
                   PACKAGE + "consumer.ConsoleConsumer", "--bootstrap-server", self.address, "--topic", topic, "--group", group,
                   "--from-beginning", "--command-property", f"group.protocol={protocol}"]
        # Commits would come in the midst of the calls, or not.
        for setting in ("client.id=" + name, "enable.auto.commit=false", *more):
            command += ["--command-property", setting]
        log = open(self.directory / f"live-{name}.log", "wb")
        self.live[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def _stable(self, group, members="1"):
        """stable GROUP [MEMBERS]: waits until ListGroups says Stable and the group has so many members with partitions."""
        def state():
            found = [one for one in self.quietly("ListGroups", 5, {})["Groups"] if one["GroupId"] == group]
            if not found or found[0]["GroupState"].lower() != "stable":
                return False
            if found[0]["GroupType"].lower() == "classic":
                described, = self.quietly("DescribeGroups", 5, {"Groups": [group]})["Groups"]
                return len(described["Members"]) == int(members)
            described, = self.quietly("ConsumerGroupDescribe", 0, {"GroupIds": [group]})["Groups"]
            return len(described["Members"]) == int(members) and all(one["Assignment"]["TopicPartitions"]
                                                                    for one in described["Members"])
        wait.until(state, f"{group} is stable", 60)

    def _end(self, name):
        """end NAME: the consumer ends as by Ctrl-C."""
        process = self.live.pop(name)
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _formatted(self, *arguments):
        """formatted ARGUMENTS, as the first line of a list: StorageTool has formatted the directory before the start."""

    def _settings(self, *arguments):
        """settings KEY=VALUE..., as the first line of a list: both brokers were started with them."""

    # Of clusters.

    def _brokers(self):
        """brokers, as the first line of a list: it runs on three, whose ids are 1 to 3."""

    def _node(self, number):
        return next(node for node in self.cluster.nodes if node.node_id == int(number))

    def _stop(self, number):
        """stop ID: in order."""
        self._node(number).stop()

    def _start(self, number):
        """start ID: until it serves."""
        node = self._node(number)
        node.start(node.kind)
        node.wait_started()

    def _placed(self, topic, *partitions):
        """placed TOPIC LEADER:IN,SYNC[:ALL,REPLICAS]...: waits until each partition is so; - in place of what is all the same."""
        ask = {"Topics": [{"Name": topic}], "AllowAutoTopicCreation": False}

        def as_wanted(one, wanted):
            leader, in_sync, *replicas = wanted.split(":")
            return (leader in ("-", str(one["LeaderId"])) and in_sync in ("-", ",".join(map(str, sorted(one["IsrNodes"]))))
                    and (not replicas or replicas[0] == ",".join(map(str, one["ReplicaNodes"]))))

        def placed():
            found = sorted(self.quietly("Metadata", 9, ask)["Topics"][0]["Partitions"], key=lambda one: one["PartitionIndex"])
            return len(found) == len(partitions) and all(map(as_wanted, found, partitions))
        wait.until(placed, f"{topic} is at {' '.join(partitions)}", 60)

    WORDS = {"brokers": _brokers, "stop": _stop, "start": _start, "placed": _placed,
             "formatted": _formatted, "settings": _settings, "file": _file, "ready": _ready, "gone": _gone, "produce": _produce, "commit": _commit, "live": _live,
             "stable": _stable, "transaction": _transaction, "hanging": _hanging,
              "end": _end}

    # For the harness: bare requests.

    def quietly(self, api, version, body):
        with Connection(self._plain()) as connection:
            connection.send_frame(messages.request(api, version, body))
            frame = connection.receive_frame()
            if isinstance(frame, str):
                raise AssertionError(f"{api} v{version}: {frame}")
            skip = 5 if messages.flexible(api, version) and api != "ApiVersions" else 4
            return messages.decode(api, version, frame[skip:])

    def _plain(self):
        session = self

        class Plain:
            broker = session
        return Plain
