"""A cluster whose nodes run Apache Kafka or Milena, in turns, on the same data directories and settings."""

import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess

import broker
import wait

HEAP = ["-Xmx256m", "-Xms64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
CONTROLLER_ID = 100
BROKER_IDS = (1, 2, 3)
START_DEADLINE_S = 120
SETTINGS = {
    "default.replication.factor": 3, "min.insync.replicas": 2, "num.partitions": 6,
    "offsets.topic.replication.factor": 3, "offsets.topic.num.partitions": 6,
    "transaction.state.log.replication.factor": 3, "transaction.state.log.min.isr": 2, "transaction.state.log.num.partitions": 6,
    "share.coordinator.state.topic.replication.factor": 3, "share.coordinator.state.topic.min.isr": 2,
    "group.initial.rebalance.delay.ms": 0, "auto.create.topics.enable": "false", "log.cleaner.backoff.ms": 500,
}
# Kafka's messages about invalid data.
COMPLAINT = re.compile(r"orrupt|Encountered .*fault|\] (ERROR|FATAL) ")
# The controller of a cluster that is being stopped is not there for the last broker, and closing networks complain.
HARMLESS = re.compile(r"NodeToControllerChannelManager|node is not available|Node -?\d+ disconnected")


def kafka_tool(*arguments, deadline_s=60):
    """Runs a tool of Apache Kafka; returns what it printed."""
    done = subprocess.run([str(broker.ORACLE / "run"), *map(str, arguments)], capture_output=True, text=True,
                          timeout=deadline_s, env={**os.environ, "ORACLE_LOG_LEVEL": "ERROR"})
    assert done.returncode == 0, f"{arguments[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-600:]}"
    return done.stdout


def kafka_command(libs, properties):
    return ["java", *HEAP, "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={broker.ORACLE / 'log4j2.xml'}", "-Doracle.log.level=INFO", "-cp", f"{libs}/*",
            "kafka.Kafka", str(properties)]


class Node:
    """One node with one directory and one server.properties, whatever runs it. Its log begins anew with each start."""

    def __init__(self, cluster, node_id, roles, place=None):
        """`place` is where it runs if not on this machine's own network: it has a host and a prefix for commands."""
        self.cluster, self.node_id, self.roles = cluster, node_id, roles
        self.directory = cluster.directory / f"node{node_id}"
        self.data_dir = self.directory / "data"
        self.directory.mkdir(parents=True)
        self.place = place
        self.port = broker.free_port()
        self.address = f"{place.host if place else '127.0.0.1'}:{self.port}"
        self.process = None
        self.kind = None
        self.starts = 0
        self.reachable = True  # False while a suite stops it or cuts it off

    def write_properties(self):
        name = "CONTROLLER" if self.roles == "controller" else "PLAINTEXT"
        settings = {"process.roles": self.roles, "node.id": self.node_id, "listeners": f"{name}://{self.address}",
                    "controller.listener.names": "CONTROLLER", "log.dirs": self.data_dir, **self.cluster.quorum(),
                    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
                    **self.cluster.settings, **({} if self.roles == "controller" else SETTINGS)}
        self.properties = self.directory / "server.properties"
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))

    def format(self, cluster_id):
        alone = self.roles == "controller" and len(self.cluster.controllers) == 1
        standalone = ["--standalone"] if alone else []
        kafka_tool("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", self.properties, *standalone)

    def start(self, kind):
        """Starts Kafka or Milena here; returns at once."""
        self.kind = kind
        self.starts += 1
        self.log_path = self.directory / f"{self.starts}-{kind}.log"
        command = [broker.binary(), str(self.properties)] if kind == "milena" else kafka_command(self.cluster.libs, self.properties)
        if self.place:
            command = [*self.place.prefix, *command]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_started(self):
        def started():
            assert self.process.poll() is None, f"node {self.node_id} ended with {self.process.returncode}; see {self.log_path}"
            return broker.STARTED in self.log()
        wait.until(started, f"'{broker.STARTED}' in {self.log_path}", START_DEADLINE_S, 0.05)

    def stop(self, deadline_s=60):
        """In order: Milena ends with 0; the JVM ends with 143, which is how it says SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"node {self.node_id} ({self.kind}) did not end within {deadline_s} s of SIGTERM") from None
        assert code == (0 if self.kind == "milena" else 143), f"node {self.node_id} ({self.kind}) ended with {code} after SIGTERM"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def complaints(self):
        """Lines of Kafka's log that tell of data which it finds wrong."""
        return [line for line in self.log().splitlines() if COMPLAINT.search(line) and not HARMLESS.search(line)]


class Cluster:
    def __init__(self, directory, controllers=1, places=None, settings=None):
        """`places` is called with the id of each node. `settings` are of all nodes, beyond SETTINGS."""
        self.directory = pathlib.Path(directory)
        self.settings = settings or {}
        places = places or (lambda _: None)
        self.libs = subprocess.run([str(broker.ORACLE / "fetch")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        self.controllers = [Node(self, node_id, "controller", places(node_id))
                            for node_id in range(CONTROLLER_ID, CONTROLLER_ID + controllers)]
        self.brokers = [Node(self, node_id, "broker", places(node_id)) for node_id in BROKER_IDS]
        self.address = ",".join(node.address for node in self.brokers)
        self.nodes = [*self.controllers, *self.brokers]

    def quorum(self):
        if len(self.controllers) == 1:
            return {"controller.quorum.bootstrap.servers": self.controllers[0].address}
        return {"controller.quorum.voters": ",".join(f"{node.node_id}@{node.address}" for node in self.controllers)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in reversed(self.nodes):
            if node.running():
                node.kill()

    def start(self, kinds=lambda node: "kafka"):
        """`kinds` says of each node what runs it."""
        cluster_id = kafka_tool("kafka.tools.StorageTool", "random-uuid").strip()
        for node in self.nodes:
            node.write_properties()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: node.format(cluster_id), self.nodes))
        for node in self.nodes:
            node.start(kinds(node))
        for node in self.nodes:
            node.wait_started()

    def incomplete(self, program=None):
        """The partitions whose in-sync set lacks a replica, as kafka-topics prints them. Each broker is asked: one that was cut
        off does not know yet that it was taken out."""
        there = [node.address for node in self.brokers if node.running() and node.reachable]
        arguments = ["--describe", "--under-replicated-partitions"]
        if program == "kafka":
            return kafka_tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", ",".join(there), *arguments).strip()
        for address in there:
            done = subprocess.run([broker.binary(), "kafka-topics", "--bootstrap-server", address, *arguments],
                                  capture_output=True, text=True, timeout=30)
            # The broker that was asked may be the one that just stopped.
            said = done.stdout.strip() if done.returncode == 0 else f"kafka-topics: {done.stderr.strip()}"
            if said:
                return said
        return ""

    def wait_complete(self, deadline_s=120):
        try:
            wait.until(lambda: not self.incomplete(), "all replicas are in sync", deadline_s, 0.2)
        except AssertionError:
            raise AssertionError(f"after {deadline_s} s there are replicas that are not in sync:\n{self.incomplete()}") from None
