"""Kafka's own command line tools of one release, used as people use them."""

import json
import os
import re
import signal
import subprocess
import threading

import client_security
import wait
from broker import ORACLE
from checks import Skip, equal

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PACKAGE = "org.apache.kafka.tools."


class ToolChecks:
    def __init__(self, suite, host, version, address, prefix):
        self.suite = suite
        self.checks = suite.checks
        self.host = host
        self.version = version
        self.address = address
        self.prefix = prefix
        self.old = version.startswith("3.")

    def run(self):
        for name, body in (
            ("topics: create, list, describe", self.topics_create),
            ("topics: alter partitions", self.topics_alter),
            ("topics: delete", self.topics_delete),
            ("console producer to a new topic, console consumer --from-beginning", self.console),
            ("console consumer --group goes on where it was", self.console_group),
            ("console consumer of one partition from an offset", self.console_offset),
            ("console producer and consumer with keys, headers, timestamps", self.console_full),
            *((f"console producer with {codec}", lambda codec=codec: self.console_codec(codec)) for codec in CODECS),
            *([("console producer with --broker-list", self.console_broker_list)] if self.old else []),
            ("consumer-groups: list and describe a live group", self.groups_live),
            ("consumer-groups: reset-offsets", self.groups_reset),
            ("consumer-groups: delete offsets, delete", self.groups_delete),
            ("producer-perf-test, consumer-perf-test", self.performance),
            *([] if self.old else [("EndToEndLatency", self.end_to_end_latency)]),
            ("verifiable producer, verifiable consumer", self.verifiable),
            ("get-offsets", self.get_offsets),
            ("delete-records", self.delete_records),
            ("broker-api-versions", self.api_versions),
            ("ClientCompatibilityTest", self.compatibility),
        ):
            full = f"tools {self.version}: {name}"
            if self.suite.wanted(full):
                with self.checks.check(full):
                    body()

    def name(self, suffix):
        return f"{self.prefix}-{suffix}"

    def tool(self, tool, *arguments, **options):
        return self.host.run(PACKAGE + tool, "--bootstrap-server", self.address, *self.security(tool), *arguments, **options)

    def security(self, tool):
        return client_security.tool(tool, self.version)

    def process(self, tool, *arguments):
        """Runs a tool that counts on the end of its JVM in a JVM of its own."""
        done = subprocess.run(tool_command(tool, self.address, *self.security(tool), *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=tool_environment(self.version), timeout=60)
        equal(done.returncode, 0, f"exit status of {tool} ({done.stderr[-400:]})")
        return done.stdout

    def topics(self, *arguments, **options):
        return self.tool("TopicCommand", *arguments, **options)

    def groups(self, *arguments, **options):
        return self.tool("consumer.group.ConsumerGroupCommand", *arguments, **options)

    def produce(self, topic, lines, *arguments):
        tool = "kafka.tools.ConsoleProducer" if self.old else PACKAGE + "ConsoleProducer"
        if "--broker-list" not in arguments:
            arguments = ("--bootstrap-server", self.address, *arguments)
        self.host.run(tool, "--topic", topic, *self.security(tool), *arguments, stdin="".join(line + "\n" for line in lines))

    def consume(self, topic, count, *arguments):
        out = self.tool("consumer.ConsoleConsumer", "--topic", topic, "--max-messages", count, "--timeout-ms", 30000, *arguments)
        return out.splitlines()

    # Topics

    def topics_create(self):
        topic = self.name("topic")
        out = self.topics("--create", "--topic", topic, "--partitions", 3, "--replication-factor", 1,
                          "--config", "max.message.bytes=64000")
        assert f"Created topic {topic}." in out, out
        assert topic in self.topics("--list").splitlines(), "the topic is not listed"
        lines = self.topics("--describe", "--topic", topic).splitlines()
        head = fields(lines[0])
        equal(head["Topic"], topic, "Topic")
        equal(head["PartitionCount"], "3", "PartitionCount")
        equal(head["ReplicationFactor"], "1", "ReplicationFactor")
        assert "max.message.bytes=64000" in head["Configs"].split(","), head
        assert len(head["TopicId"]) == 22, head
        equal(len(lines), 4, "lines")
        for partition, line in enumerate(lines[1:]):
            found = fields(line)
            equal(found["Partition"], str(partition), "Partition")
            node = found["Leader"]
            assert node.isdigit(), line
            equal((found["Replicas"], found["Isr"]), (node, node), "Replicas and Isr")
        equal(self.topics("--describe", "--topic", topic, "--unavailable-partitions").strip(), "", "unavailable partitions")
        assert "already exists" in self.topics("--create", "--topic", topic, status=1)
        self.topics("--create", "--topic", topic, "--if-not-exists")
        refused = self.topics("--create", "--topic", self.name("three"), "--replication-factor", 3, status=1)
        assert "InvalidReplicationFactorException" in refused, refused

    def topics_alter(self):
        topic = self.name("topic")
        self.topics("--alter", "--topic", topic, "--partitions", 5)
        equal(fields(self.topics("--describe", "--topic", topic).splitlines()[0])["PartitionCount"], "5", "PartitionCount")
        self.topics("--alter", "--topic", topic, "--partitions", 2, status=1)

    def topics_delete(self):
        topic = self.name("topic")
        self.topics("--delete", "--topic", topic)
        wait.until(lambda: topic not in self.topics("--list").splitlines(), "the topic is gone")
        assert "does not exist" in self.topics("--delete", "--topic", topic, status=1)
        self.topics("--delete", "--topic", topic, "--if-exists")

    # Console

    def console(self):
        topic = self.name("console")
        lines = [f"line {i}" for i in range(50)] + ["", "last ä"]
        self.produce(topic, lines)
        equal(self.consume(topic, len(lines), "--from-beginning"), lines, "lines")

    def console_group(self):
        topic, group = self.name("console"), self.name("console-group")
        first = self.consume(topic, 20, "--from-beginning", "--group", group)
        second = self.consume(topic, 32, "--from-beginning", "--group", group)
        equal(first + second, [f"line {i}" for i in range(50)] + ["", "last ä"], "lines of both runs")

    def console_offset(self):
        lines = self.consume(self.name("console"), 3, "--partition", 0, "--offset", 7)
        equal(lines, ["line 7", "line 8", "line 9"], "lines")

    def console_full(self):
        topic = self.name("full")
        self.topics("--create", "--topic", topic, "--partitions", 3)
        sent = [f"h1:v{i},h2:\tkey{i}\tvalue {i}" for i in range(30)]
        properties = ["parse.headers=true", "parse.key=true"]
        self.produce(topic, sent, *options("--property" if self.old else "--reader-property", properties))
        shown = options("--property" if self.old else "--formatter-property",
                        [f"print.{part}=true" for part in ("timestamp", "partition", "offset", "headers", "key")])
        parts = [line.split("\t") for line in self.consume(topic, 30, "--from-beginning", *shown)]
        assert all(part[0].startswith("CreateTime:") for part in parts), parts
        for partition in range(3):
            of_partition = [part for part in parts if part[1] == f"Partition:{partition}"]
            equal([part[2] for part in of_partition], [f"Offset:{i}" for i in range(len(of_partition))], "offsets")
            order = [int(part[4].removeprefix("key")) for part in of_partition]
            equal(order, sorted(order), "order in the partition")
        equal(sorted("\t".join(part[3:]) for part in parts), sorted(sent), "headers, keys, values")

    def console_codec(self, codec):
        topic = self.name(f"codec-{codec}")
        lines = [f"{codec} {i} " + "squeeze " * (i % 40) for i in range(300)]
        self.produce(topic, lines, "--compression-codec", codec)
        equal(self.consume(topic, len(lines), "--from-beginning"), lines, "lines")

    def console_broker_list(self):
        topic = self.name("broker-list")
        self.produce(topic, ["one", "two"], "--broker-list", self.address)
        equal(self.consume(topic, 2, "--from-beginning"), ["one", "two"], "lines")

    # Groups

    def groups_live(self):
        topic, group = self.name("grouped"), self.name("live")
        self.topics("--create", "--topic", topic, "--partitions", 2)
        self.produce(topic, [f"line {i}" for i in range(40)], *options("--producer-property", ["batch.size=100"]))
        with LiveConsumer(self.version, self.address, topic, group) as consumer:
            wait.until(lambda: consumer.count("line ") == 40, "the live consumer has all lines", 60)
            assert group in self.groups("--list").splitlines(), "the group is not listed"
            wait.until(lambda: self.lags(group, topic) == {"0": "0", "1": "0"}, "all is committed by the live consumer")
            rows = table(self.groups("--describe", "--group", group))
            for row in rows:
                equal(row["HOST"], "/127.0.0.1", "HOST")
                assert row["CONSUMER-ID"].startswith("console-consumer-"), row
            members = table(self.groups("--describe", "--group", group, "--members"))
            equal([row["#PARTITIONS"] for row in members], ["2"], "#PARTITIONS")
            state = table(self.groups("--describe", "--group", group, "--state"))[0]
            equal((state["STATE"], state["#MEMBERS"]), ("Stable", "1"), "state and members")
            refused = self.groups("--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute", status=None)
            assert self.lags(group, topic) == {"0": "0", "1": "0"}, f"offsets of a live group were reset: {refused}"
            self.groups("--delete", "--group", group, status=None)
        # The row of an empty group has a blank where the assignor was.
        row = self.groups("--describe", "--group", group, "--state").strip().splitlines()[-1]
        equal(row.split()[-2:], ["Empty", "0"], "state and members after the end")

    def rows(self, group, topic):
        return {row["PARTITION"]: row for row in table(self.groups("--describe", "--group", group)) if row["TOPIC"] == topic}

    def lags(self, group, topic):
        return {partition: row["LAG"] for partition, row in self.rows(group, topic).items()}

    def offsets(self, group, topic):
        return sum(int(row["CURRENT-OFFSET"]) for row in self.rows(group, topic).values())

    def reset(self, group, topic, *how):
        return self.groups("--reset-offsets", "--group", group, "--topic", topic, *how, "--execute")

    def groups_reset(self):
        topic, group = self.name("grouped"), self.name("live")
        end = 40
        self.groups("--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--dry-run")
        equal(self.offsets(group, topic), end, "offsets after a dry run")
        self.reset(group, topic, "--to-earliest")
        equal(self.offsets(group, topic), 0, "offsets after --to-earliest")
        self.reset(group, topic, "--shift-by", 3)
        equal(self.offsets(group, topic), 6, "offsets after --shift-by")
        self.reset(group, f"{topic}:0", "--to-offset", 1)
        equal(self.rows(group, topic)["0"]["CURRENT-OFFSET"], "1", "offset after --to-offset")
        equal(self.rows(group, topic)["1"]["CURRENT-OFFSET"], "3", "offset of the other partition")
        self.reset(group, topic, "--to-latest")
        equal(self.offsets(group, topic), end, "offsets after --to-latest")
        self.reset(group, topic, "--by-duration", "PT1H")
        equal(self.offsets(group, topic), 0, "offsets after --by-duration")
        self.reset(group, topic, "--to-datetime", "2100-01-01T00:00:00.000")
        equal(self.offsets(group, topic), end, "offsets after --to-datetime")
        # A group that never was gets its offsets in this way too.
        fresh = self.name("fresh")
        self.reset(fresh, topic, "--to-earliest")
        lines = self.consume(topic, 40, "--group", fresh)
        equal(sorted(lines), sorted(f"line {i}" for i in range(40)), "lines from the offsets set")

    def groups_delete(self):
        topic, group = self.name("grouped"), self.name("live")
        self.groups("--delete-offsets", "--group", group, "--topic", f"{topic}:0")
        equal(sorted(self.rows(group, topic)), ["1"], "partitions with offsets")
        assert "successful" in self.groups("--delete", "--group", group)
        assert group not in self.groups("--list").splitlines(), "the group is still listed"

    # Performance and verifiable

    def performance(self):
        topic = self.name("perf")
        for codec, count in (("none", 5000), ("lz4", 3000)):
            out = self.host.run(PACKAGE + "ProducerPerformance", "--topic", topic, "--num-records", count, "--record-size", 100,
                                "--throughput", -1, "--producer-props", f"bootstrap.servers={self.address}",
                                f"compression.type={codec}", *self.security("ProducerPerformance"))
            assert out.strip().splitlines()[-1].startswith(f"{count} records sent"), out
        out = self.tool("ConsumerPerformance", "--topic", topic, "--messages", 8000, "--timeout", 30000)
        rows = [[cell.strip() for cell in line.split(",")] for line in out.splitlines() if "," in line]
        equal(rows[1][rows[0].index("data.consumed.in.nMsg")], "8000", "data.consumed.in.nMsg")

    def end_to_end_latency(self):
        out = self.tool("EndToEndLatency", "--topic", self.name("latency"), "--num-records", 300, "--producer-acks", "all",
                        "--record-size", 100)
        assert re.search(r"Avg latency: [\d.]+ ms", out) and "Percentiles: 50th = " in out, out

    def verifiable(self):
        topic, group = self.name("verifiable"), self.name("verifiable-group")
        self.topics("--create", "--topic", topic, "--partitions", 2)
        for acks, first in (("-1", 0), ("1", 500)):
            events = json_lines(self.process("VerifiableProducer", "--topic", topic, "--max-messages", 500, "--acks", acks,
                                             "--value-prefix", first))
            acked = [event for event in events if event["name"] == "producer_send_success"]
            equal(sorted(int(event["value"].split(".")[1]) for event in acked), list(range(500)), "values acknowledged")
            equal([event["acked"] for event in events if event["name"] == "tool_data"], [500], "acked")
            assert any(event["name"] == "shutdown_complete" for event in events), "no shutdown_complete"
        seen = {}
        for count in (300, 700):
            events = json_lines(self.process("VerifiableConsumer", "--topic", topic, "--group-id", group, "--max-messages", count,
                                             "--verbose", "--reset-policy", "earliest"))
            for event in events:
                if event["name"] == "record_data":
                    seen.setdefault(event["partition"], []).append((event["offset"], event["value"]))
            commits = [event["success"] for event in events if event["name"] == "offsets_committed"]
            assert commits and all(commits), f"commits: {commits}"
        for partition, records in seen.items():
            equal([offset for offset, _ in records], list(range(len(records))), f"offsets of partition {partition}")
        equal(sorted(value for records in seen.values() for _, value in records),
              sorted(f"{prefix}.{i}" for prefix in (0, 500) for i in range(500)), "values consumed")

    # The rest

    def get_offsets(self):
        topic = self.name("console")
        for time, offset in (("latest", 52), ("earliest", 0), ("max-timestamp", None)):
            out = self.tool("GetOffsetShell", "--topic", topic, "--time", time).strip()
            name, partition, found = out.rsplit(":", 2)
            equal((name, partition), (topic, "0"), "topic and partition")
            if offset is None:
                assert 0 <= int(found) < 52, out
            else:
                equal(int(found), offset, f"offset for {time}")

    def delete_records(self):
        topic = self.name("console")
        path = self.suite.work_dir / f"delete-records-{self.version}.json"
        path.write_text(json.dumps({"partitions": [{"topic": topic, "partition": 0, "offset": 48}], "version": 1}))
        out = self.tool("DeleteRecordsCommand", "--offset-json-file", path)
        assert "low_watermark: 48" in out, out
        equal(self.consume(topic, 4, "--from-beginning"), ["line 48", "line 49", "", "last ä"], "lines left")

    def api_versions(self):
        package = "kafka.admin." if self.old else PACKAGE
        out = self.host.run(package + "BrokerApiVersionsCommand", "--bootstrap-server", self.address,
                            *self.security("BrokerApiVersionsCommand"))
        for api in ("Produce(0)", "Fetch(1)", "Metadata(3)", "ApiVersions(18)", "CreateTopics(19)"):
            line = next((line for line in out.splitlines() if api in line), "")
            assert "[usable:" in line, f"{api} is not usable: {out}"

    def compatibility(self):
        if self.suite.secured:
            raise Skip("it takes no settings for security", registry_answered=False)
        # The test creates a topic of this name and does not remove it.
        self.topics("--delete", "--topic", "newtopic", "--if-exists")
        wait.until(lambda: "newtopic" not in self.topics("--list").splitlines(), "the topic of an earlier run is gone")
        supported = [word for feature in ("offsets-for-times", "cluster-id", "create-topics", "describe-acls", "describe-configs",
                                          "idempotent-producer") for word in (f"--{feature}-supported", "true")]
        out = self.tool("ClientCompatibilityTest", "--topic", self.name("compatibility"), "--num-cluster-nodes", 1,
                        "--expect-record-too-large-exception", "false", *supported, status=None)
        assert "SUCCESS." in out, out


class LiveConsumer:
    """The console consumer as a process of its own, for as long as the block lasts; ended as by Ctrl-C."""

    def __init__(self, version, address, topic, group):
        self.lines = []
        property_flag = "--consumer-property" if version.startswith("3.") else "--command-property"
        self.process = subprocess.Popen(
            tool_command("consumer.ConsoleConsumer", address, *client_security.tool("ConsoleConsumer", version), "--topic", topic, "--group", group, "--from-beginning",
                         property_flag, "auto.commit.interval.ms=200"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=tool_environment(version))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def count(self, start):
        return sum(line.startswith(start) for line in self.lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the console consumer did not end within 30 s of Ctrl-C") from None
        finally:
            self.reader.join()
            self.process.stdout.close()


def tool_command(tool, address, *arguments):
    return [str(ORACLE / "run"), PACKAGE + tool, "--bootstrap-server", address, *map(str, arguments)]


def tool_environment(version):
    return dict(os.environ, KAFKA_VERSION=version, ORACLE_JAVA_OPTS="-Xmx256m")


def options(flag, values):
    return [word for value in values for word in (flag, value)]


def fields(line):
    """Reads 'Topic: a<tab>PartitionCount: 3'."""
    return {name.strip(): value.strip() for name, _, value in (cell.partition(":") for cell in line.split("\t"))}


def table(out):
    """Reads a table with a header; no cell that we look at is empty or holds a blank."""
    lines = [line for line in out.splitlines() if line.strip()]
    start = next((i for i, line in enumerate(lines) if line.startswith("GROUP ")), None)
    assert start is not None, f"no table in: {out}"
    # COORDINATOR (ID) is a name of two words, and so is its value.
    head = lines[start].replace("COORDINATOR (ID)", "COORDINATOR ID").split()
    return [dict(zip(head, line.split())) for line in lines[start + 1:]]


def json_lines(out):
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]
