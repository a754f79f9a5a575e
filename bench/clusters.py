"""Clusters of three brokers, one process each, the first of them with the controller: how each is started from nothing,
how one of its nodes is killed, stopped and started again, and how to wait until all brokers agree.

Milena's is what `milena cluster --brokers 3` starts. JVM Kafka's has the same shape and the same settings. In the mixed
one JVM Kafka's controller has a process of its own, and the brokers are Milena's.
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import time

import brokers
import measure

BROKERS = 3
CONTROLLER_ID = 100  # of a controller alone
# Kafka's defaults, but for the replication factors: three replicas, two of which must have a record.
SETTINGS = {"default.replication.factor": 3, "min.insync.replicas": 2, "offsets.topic.replication.factor": 3,
            "transaction.state.log.replication.factor": 3, "transaction.state.log.min.isr": 2}
END_DEADLINE_S = 120


class Node:
    """One process of a cluster."""

    def __init__(self, node_id, port, log, data_dir, command=(), program=None):
        self.node_id, self.port, self.log, self.data_dir = node_id, port, log, data_dir
        self.command, self.program = list(map(str, command)), program
        self.pid = None
        self.process = None  # where it is our child

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, executable=self.program, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        self.pid = self.process.pid

    def adopt(self, pid):
        """A process that somebody else started; it can be started again here."""
        self.pid, self.process = pid, None
        self.command = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]

    def end(self, number):
        """Sends the signal, and returns when the process is gone."""
        handle = os.pidfd_open(self.pid)
        try:
            os.kill(self.pid, number)
            gone = select.select([handle], [], [], END_DEADLINE_S)[0]
        finally:
            os.close(handle)
        if not gone:
            raise brokers.Broken(f"node {self.node_id} did not end within {END_DEADLINE_S} s; see {self.log}")
        if self.process:
            self.process.wait()
        self.pid = None

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self):
        self.end(signal.SIGTERM)


class Cluster:
    """Subclasses say how the nodes are prepared and launched."""

    def __init__(self, owner, load):
        """`owner` is the broker whose name, program and directory the cluster has."""
        self.owner, self.load = owner, load
        self.dir = owner.dir
        self.nodes = []     # those that are brokers, in the order of their ids
        self.others = []    # processes that belong to it besides

    # What measures a broker measures a cluster, too.
    name = property(lambda self: self.owner.name)
    pids = property(lambda self: [node.pid for node in [*self.nodes, *self.others] if node.pid is not None])
    address = property(lambda self: ",".join(f"127.0.0.1:{node.port}" for node in self.nodes))
    wire_words = property(lambda self: self._ports(self.nodes))
    wait_until_idle = brokers.Broker.wait_until_idle

    @staticmethod
    def _ports(nodes):
        return ["--ports", ",".join(str(node.port) for node in nodes)]

    def node(self, node_id):
        return self.nodes[node_id - 1]

    def empty(self):
        """Begins anew, with no data; returns the seconds that preparing the directories took."""
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        return self.prepare()

    def prepare(self):
        return 0.0

    def launch(self):
        for node in [*self.others, *self.nodes]:
            node.start()

    def launched(self):
        """All of it answers."""

    def start(self, partitions=0):
        """Starts all nodes at once; returns the seconds until each broker says that all of them are there (unfenced), and
        that so many partitions are in sync."""
        with self.watch(brokers=BROKERS, partitions=partitions, in_sync=1) as watch:
            begin = time.monotonic()
            self.launch()
            seconds = watch() - begin
        self.launched()
        return seconds

    @contextlib.contextmanager
    def watch(self, nodes=None, deadline_s=brokers.START_DEADLINE_S, **wanted):
        """Asks these brokers, or all, until they say what is wanted; yields what waits for that and returns when it was."""
        words = [self.load.wire_program(), "wait-for-cluster", *self._ports(nodes or self.nodes), "--deadline", deadline_s]
        for key, value in wanted.items():
            words += [f"--{key.replace('_', '-')}", value]
        with subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            def wait():
                out, error = process.communicate()
                if process.returncode != 0:
                    raise brokers.Broken(f"{self.name}: {wanted} did not come true: {error.strip()[-300:]}")
                return json.loads(out)["at"]
            try:
                yield wait
            finally:
                if process.poll() is None:
                    process.kill()

    def wait(self, **wanted):
        """Returns when it came true, on the monotonic clock."""
        with self.watch(**wanted) as watch:
            return watch()

    def survivors(self):
        return [node for node in self.nodes if node.pid is not None]

    def stop(self):
        """In order, the controller last."""
        for node in [*reversed(self.nodes), *self.others]:
            if node.pid is not None:
                node.stop()

    def destroy(self):
        for node in [*self.others, *self.nodes]:
            if node.pid is not None:
                node.kill()

    @contextlib.contextmanager
    def paced_producer(self, topic, rate, size, warm, records=0):
        """A producer with acks=all to partition 0, in its steady state. Yields what ends it, and returns what it found."""
        words = [self.load.wire_program(), "acknowledgements", *self.wire_words, "--topic", topic, "--rate", rate, "--size", size,
                 "--warm", warm, "--records", records]
        with subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            try:
                if process.stdout.readline() != "steady\n":
                    raise brokers.Broken(f"the producer ended: {process.stderr.read().strip()[-300:]}")

                def end():
                    out, error = process.communicate("" if records else "\n")
                    if process.returncode != 0:
                        raise brokers.Broken(f"the producer ended: {error.strip()[-300:]}")
                    return json.loads(out)
                yield end
            finally:
                if process.poll() is None:
                    process.kill()


class MilenaCluster(Cluster):
    """`milena cluster`. A node that is started again is started as that program started it."""

    def __init__(self, owner, load):
        super().__init__(owner, load)
        self.first_port = brokers.free_ports(BROKERS + 1)
        log = self.dir / "cluster.log"
        self.launcher = Node("cluster", None, log, None, [
            owner.program, "cluster", "--brokers", BROKERS, "--dir", self.dir / "nodes", "--port", self.first_port,
            *(word for key, value in SETTINGS.items() for word in ("--override", f"{key}={value}"))])
        self.others = [self.launcher]
        self.nodes = [Node(number, self.first_port + number - 1, self.dir / "nodes" / f"node-{number}.log",
                           self.dir / "nodes" / f"node-{number}", program=owner.program) for number in range(1, BROKERS + 1)]

    def launch(self):
        self.launcher.start()

    def launched(self):
        launcher = self.launcher.pid
        children = pathlib.Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
        if len(children) != BROKERS:
            raise brokers.Broken(f"milena cluster has {len(children)} processes; see {self.launcher.log}")
        for node, pid in zip(self.nodes, children):
            node.adopt(int(pid))

    def stop(self):
        for node in self.nodes:
            if node.process and node.pid is not None:
                node.stop()
        self.launcher.stop()
        self._forget()

    def destroy(self):
        for node in self.nodes:
            if node.process and node.pid is not None:
                node.kill()
        if self.launcher.pid is not None:
            self.launcher.kill()  # its nodes end with it
        self._forget()

    def _forget(self):
        for node in self.nodes:
            node.pid = None


class OfKafkaNodes(Cluster):
    """Nodes of JVM Kafka, and what they and others have in common."""

    def __init__(self, owner, load, kafka):
        super().__init__(owner, load)
        self.kafka = kafka
        self.controller_port = brokers.free_port()

    def kafka_node(self, name):
        return brokers.Kafka(self.dir / name, self.load, self.kafka.libs, self.kafka.kafka_version)

    def settings(self, made, node_id, roles, controller_id):
        """`made` is the node as a broker alone."""
        listeners = [f"PLAINTEXT://{made.address}"] if "broker" in roles else []
        if "controller" in roles:
            listeners.append(f"CONTROLLER://127.0.0.1:{self.controller_port}")
        return {"process.roles": roles, "node.id": node_id, "listeners": ",".join(listeners),
                "controller.listener.names": "CONTROLLER",
                "controller.quorum.voters": f"{controller_id}@127.0.0.1:{self.controller_port}",
                "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT", "log.dirs": made.data_dir, **SETTINGS}

    def prepare(self):
        """All formats at once; the longest counts."""
        cluster_id = brokers.new_cluster_id()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return max(pool.map(lambda one: one[0].format(cluster_id, one[1]), self.formats))


class KafkaCluster(OfKafkaNodes):
    def __init__(self, owner, load):
        super().__init__(owner, load, owner)
        self.made = {number: self.kafka_node(f"node-{number}") for number in range(1, BROKERS + 1)}
        self.formats = [(made, {**self.settings(made, number, "broker,controller" if number == 1 else "broker", 1),
                                "share.coordinator.state.topic.replication.factor": 3,
                                "share.coordinator.state.topic.min.isr": 2, "group.initial.rebalance.delay.ms": 0})
                        for number, made in self.made.items()]
        self.nodes = [Node(number, made.port, made.log, made.data_dir, made.command()) for number, made in self.made.items()]

    def prepare(self):
        for made in self.made.values():
            made.dir.mkdir()
        return super().prepare()


class MixedCluster(OfKafkaNodes):
    """JVM Kafka's controller, and three brokers of Milena with the settings of `milena cluster`."""

    def __init__(self, owner, load, kafka):
        super().__init__(owner, load, kafka)
        controller = self.kafka_node("controller")
        self.others = [Node(CONTROLLER_ID, self.controller_port, controller.log, controller.data_dir, controller.command())]
        self.formats = [(controller, self.settings(controller, CONTROLLER_ID, "controller", CONTROLLER_ID))]
        for number in range(1, BROKERS + 1):
            made = self.kafka_node(f"node-{number}")
            self.formats.append((made, {**self.settings(made, number, "broker", CONTROLLER_ID), "milena.shards": 1,
                                        "milena.http.listeners": ""}))
            self.nodes.append(Node(number, made.port, made.log, made.data_dir, [owner.program, made.properties]))

    def prepare(self):
        for made, _ in self.formats:
            made.dir.mkdir()
        return super().prepare()


def _cluster_of(owner, load, mixed):
    """Made once, for the ports that it has."""
    made = vars(owner).setdefault("clusters", {})
    if mixed not in made:
        if mixed:
            made[mixed] = MixedCluster(owner, load, owner.beside)
        else:
            made[mixed] = (KafkaCluster if isinstance(owner, brokers.Kafka) else MilenaCluster)(owner, load)
    return made[mixed]


@contextlib.contextmanager
def emptied(owner, load, mixed=False):
    """With no data, and not started yet."""
    cluster = _cluster_of(owner, load, mixed)
    cluster.prepared_s = cluster.empty()
    try:
        yield cluster
    except Exception:
        for node in [*cluster.nodes, *cluster.others]:
            if node.log.exists():
                print(f"the end of {node.log}:\n{node.log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
        raise
    finally:
        cluster.destroy()


@contextlib.contextmanager
def started(owner, load, mixed=False):
    """From nothing, and at rest."""
    with emptied(owner, load, mixed) as cluster:
        cluster.start()
        cluster.wait_until_idle()
        yield cluster


def memory_mb(cluster):
    """(RSS, PSS) of all processes together."""
    return sum(measure.memory_mb(pid)[0] for pid in cluster.pids), sum(measure.shared_memory_mb(pid) for pid in cluster.pids)
