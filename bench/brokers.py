"""The two brokers that are measured: how each is started from nothing, restarted, and stopped."""

import base64
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import uuid

import measure

HERE = pathlib.Path(__file__).resolve().parent
ORACLE = HERE.parent / "compat" / "oracle"
# A JVM with 10,000 partitions syncs and closes 30,000 files.
START_DEADLINE_S = 300
STOP_DEADLINE_S = 600
PR_SET_CHILD_SUBREAPER = 36
# Below the system's range for outgoing connections, where a client that reconnects could be given this very port.
FIRST_PORT, _, LAST_PORT = os.environ.get("MILENA_PORTS", "19440-19539").partition("-")
PORTS = range(int(FIRST_PORT), int(LAST_PORT) + 1)


class Broken(Exception):
    """A measurement that says nothing; never to be confused with a slow one."""


def adopt_orphans():
    """The start probe leaves its broker behind: it becomes our child, and we can wait for its end."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


_given_ports = set()


def free_ports(count):
    """The first of so many ports in a row that nobody has; nobody else is given them, even before a broker listens there."""
    for first in PORTS[:len(PORTS) - count + 1]:
        row = range(first, first + count)
        if not _given_ports.intersection(row) and all(map(_is_free, row)):
            _given_ports.update(row)
            return first
    raise Broken(f"no {count} free ports in a row from {PORTS[0]} to {PORTS[-1]}")


def return_ports(first, count):
    _given_ports.difference_update(range(first, first + count))


def free_port():
    return free_ports(1)


def new_cluster_id():
    return base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def _measured_run(command, deadline_s):
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, timeout=deadline_s)
    after = os.times()
    if done.returncode != 0:
        raise Broken(f"{command[1]}: {done.stderr.strip()[-500:]}")
    used_s = after.children_user + after.children_system - before.children_user - before.children_system
    return {**json.loads(done.stdout), "cpu_s": used_s}


class Load:
    """The load generator of this folder."""

    def __init__(self, program):
        self.program = program

    def run(self, *words, deadline_s=300):
        """Returns what it printed, and adds the seconds of CPU that it used as `cpu_s`."""
        return _measured_run([self.program, *map(str, words)], deadline_s)

    def wire_program(self):
        """The other one: clients that speak for themselves, over plain sockets."""
        return self.program.parent / "milena_bench_wire"

    def run_wire(self, broker, command, *words, deadline_s=300):
        return _measured_run([self.wire_program(), command, *broker.wire_words, *map(str, words)], deadline_s)

    @contextlib.contextmanager
    def touched_memory(self, gb):
        """`with load.touched_memory(...)`: so much memory was written to and is free, and the host leaves it to us."""
        gb = min(gb, measure.available_gb() / 2)
        process = subprocess.Popen([self.program, "touch-memory", "--gb", f"{gb:.3f}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if not process.stdout.readline():
                raise Broken("touch-memory ended before it was done")
            yield
        finally:
            process.communicate()

    def touch_file(self, gb, dir):
        self.run("touch-file", "--gb", f"{gb:.3f}", "--file", dir / "touched")


class Broker:
    """One broker with one data directory below `dir`. Subclasses say how it is started."""

    name = ""

    def __init__(self, dir, load):
        self.dir = dir
        self.data_dir = dir / "data"
        self.log = dir / "broker.log"
        self.load = load
        self.port = free_port()
        self.pid = None
        self.settings = {}  # beyond the usual ones, for the next start (Kafka: the next empty())

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def pids(self):
        return [self.pid]

    @property
    def wire_words(self):
        return ["--port", str(self.port)]

    def empty(self):
        """Begins anew, with no data; returns the seconds that preparing the directory took."""
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        return 0.0

    def set_aside(self):
        """Leaves the data, of many files, for the end of the run: a disk that is told of freed blocks takes seconds for them,
        and what is measured next would wait."""
        self.stop()
        number = sum(1 for _ in self.dir.parent.glob(f"{self.dir.name}-*"))
        self.dir.rename(self.dir.with_name(f"{self.dir.name}-{number}"))

    def command(self):
        raise NotImplementedError

    def start(self):
        """Starts it; returns the seconds from exec to the first ApiVersions answer."""
        # The probe ends its broker at its own deadline; it must not be killed before, or the broker stays.
        answer = self.load.run("start-probe", "--port", self.port, "--log", self.log, "--deadline", START_DEADLINE_S,
                               "--", *self.command(), deadline_s=START_DEADLINE_S + 60)
        self.pid = answer["pid"]
        return answer["seconds"]

    def stop(self):
        if self.pid is None:
            return
        os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + STOP_DEADLINE_S
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > end:
                self.kill()
                raise Broken(f"{self.name} did not end within {STOP_DEADLINE_S} s of SIGTERM; see {self.log}")
            time.sleep(0.01)
        self.pid = None

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.pid = None

    def wait_until_idle(self, deadline_s=60):
        """What a start leaves to do in the background is over when half a second costs no more than the next one will."""
        end = time.monotonic() + deadline_s
        used = None
        while time.monotonic() < end:
            before = measure.Usages(self.pids)
            time.sleep(0.5)
            now = measure.Usages(self.pids).cpu_s_since(before)
            if used is not None and now < 0.1 * len(self.pids) and now >= 0.5 * used:
                return
            used = now

    def version(self):
        raise NotImplementedError


class Milena(Broker):
    name = "Milena"

    def __init__(self, dir, load, program):
        super().__init__(dir, load)
        self.program = program
        self.beside = None  # JVM Kafka, if it is measured beside it

    def command(self):
        return [self.program, "--override", f"listeners=PLAINTEXT://{self.address}", "--override", f"log.dirs={self.data_dir}",
                *(word for key, value in self.settings.items() for word in ("--override", f"{key}={value}"))]

    def version(self):
        return subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


class Earlier(Milena):
    """Another binary of Milena, beside which the first one is measured."""

    name = "Milena before"


class Kafka(Broker):
    """Apache Kafka as one node, broker and controller, with the JVM flags that its own start script gives it."""

    name = "JVM Kafka"
    heap = ["-Xmx1G", "-Xms1G"]
    flags = ["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
             "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"]

    def __init__(self, dir, load, libs, version):
        super().__init__(dir, load)
        self.libs = libs
        self.kafka_version = version
        self.controller_port = free_port()

    def _java(self, *words):
        return ["java", f"-Dlog4j2.configurationFile={ORACLE / 'log4j2.xml'}", "-Doracle.log.level=INFO", "-cp", f"{self.libs}/*", *words]

    @property
    def properties(self):
        return self.dir / "server.properties"

    def default_settings(self):
        """Of one node alone."""
        return {
            "process.roles": "broker,controller", "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}", "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT", "log.dirs": self.data_dir,
            "offsets.topic.replication.factor": 1, "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1, "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1, "group.initial.rebalance.delay.ms": 0,
        }

    def empty(self):
        super().empty()
        return self.format(new_cluster_id(), {**self.default_settings(), **self.settings})

    def format(self, cluster_id, settings):
        """Writes the settings, and formats the directory; returns the seconds of the latter."""
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        begin = time.monotonic()
        done = subprocess.run(self._java("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self.properties)),
                              capture_output=True, text=True, timeout=START_DEADLINE_S)
        if done.returncode != 0:
            raise Broken(f"JVM Kafka's format failed: {(done.stdout + done.stderr).strip()[-500:]}")
        return time.monotonic() - begin

    def command(self):
        java, *rest = self._java("kafka.Kafka", str(self.properties))
        return [java, *self.heap, *self.flags, *rest]

    def version(self):
        return f"Apache Kafka {self.kafka_version}, {self.heap[0]}"


def find_kafka(version="4.3.1"):
    """(folder of its jars, None), or (None, why not). Gets them from Maven Central where they are not here yet."""
    done = subprocess.run([ORACLE / "fetch", version], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return None, f"Apache Kafka {version} could not be had (its message is above)"
    return done.stdout.strip().splitlines()[-1], None
