"""The broker under test: Milena built from this tree, one that runs already, or the oracle (Apache Kafka).

    with start(Choice.from_environment(), work_dir) as broker:
        use(broker.address)

MILENA_BROKER=host:port  use this running broker; it is neither stopped nor killed, and its topics may hold leftovers
MILENA_BINARY=path       use this binary instead of asking script/build
MILENA_PORTS=from-to     take ports from here only
"""

import dataclasses
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

import wait

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORACLE = ROOT / "compat" / "oracle"
STARTED = "Kafka Server started"


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which broker a suite runs against."""

    kind: str  # "milena", "oracle" or "running"
    address: str = ""

    @staticmethod
    def from_environment(oracle=False):
        if oracle:
            return Choice("oracle")
        if os.environ.get("MILENA_BROKER"):
            return Choice("running", os.environ["MILENA_BROKER"])
        return Choice("milena")


def free_port():
    """A free port below the system's range for outgoing connections.

    Inside that range, a client that reconnects while the broker is down can be given the very port as its own and
    connect to itself, and the broker finds its port taken.
    """
    first, _, last = os.environ.get("MILENA_PORTS", "20000-31999").partition("-")
    while True:
        port = random.randint(int(first), int(last))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


_binary = None


def binary():
    """Path of the Milena binary; builds it once per process."""
    global _binary
    if _binary is None:
        _binary = os.environ.get("MILENA_BINARY") or _build()
    return _binary


def _build():
    script = ROOT / "script" / "build"
    if not script.exists():
        raise SystemExit(f"{script} is not there: set MILENA_BROKER=host:port or MILENA_BINARY=path, or use --oracle")
    print("building with script/build", file=sys.stderr, flush=True)
    done = subprocess.run([str(script)], stdout=subprocess.PIPE, text=True)
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise SystemExit(f"script/build failed with exit code {done.returncode}")
    return lines[-1]


def _alive(pid):
    """A zombie that nobody reaps counts as dead once its last thread is gone: then its files and sockets are closed."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z" or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def _tail(path, count=30):
    try:
        return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return "(no log)"


class Broker:
    """One broker and its directory. Lives in the thread that made it; `with` stops it at the end."""

    def __init__(self, directory, settings=None, port=None, environment=None):
        self.environment = {**os.environ, **(environment or {})}
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data_dir = self.directory / "data"
        self.settings = dict(settings or {})
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.owned = True
        self.pid = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.owned and self.pid is not None:
            self.stop()

    def kill(self):
        """kill -9, as a crash: returns when the process is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self._wait_gone(20)

    def _wait_gone(self, deadline_s):
        pid = self.pid
        wait.until(lambda: not _alive(pid), f"process {pid} ends", deadline_s)
        self.pid = None


class MilenaBroker(Broker):
    process = None
    stop_deadline_s = 30

    def _launch(self):
        """Starts the process; returns its log's path and where in it this start begins."""
        command = [binary(), "--override", f"listeners=PLAINTEXT://{self.address}",
                   "--override", f"log.dirs={self.data_dir}"]
        for key, value in self.settings.items():
            command += ["--override", f"{key}={value}"]
        log_path = self.directory / "broker.log"
        with open(log_path, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, env=self.environment)
        self.pid = self.process.pid
        return log_path, begin

    def start_and_kill(self, after_s):
        """A crash in the midst of starting, which is where the log is repaired; `after_s` is the moment, not a wait."""
        self._launch()
        time.sleep(after_s)
        self.kill()

    def start(self, deadline_s=60.0):
        log_path, begin = self._launch()

        def started():
            if self.process.poll() is not None:
                self.pid = None
                raise RuntimeError(f"the broker ended with {self.process.returncode} while starting:\n{_tail(log_path)}")
            with open(log_path, "rb") as log:
                log.seek(begin)
                return STARTED.encode() in log.read()

        try:
            wait.until(started, f"'{STARTED}' in {log_path}", deadline_s)
            # The line promises that the port answers.
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except BaseException:
            if self.pid is not None:
                self.kill()
            raise
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)  # none if it has ended; its exit status tells
        try:
            code = self.process.wait(self.stop_deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the broker did not end within {self.stop_deadline_s} s of SIGTERM") from None
        self.pid = None
        if code != 0:
            raise AssertionError(f"the broker ended with {code} after SIGTERM:\n{_tail(self.directory / 'broker.log')}")

    def _wait_gone(self, deadline_s):
        self.process.wait(deadline_s)
        self.pid = None


class MilenaCluster(Broker):
    """Several Milenas as one cluster, the first with the controller. kill() takes one of them, start() brings it back."""

    def __init__(self, directory, settings=None, count=3, seed=1):
        super().__init__(directory, settings)
        controller = free_port()
        self.rng = random.Random(seed)
        self.killed = None
        self.nodes = []
        for number in range(1, count + 1):
            node = MilenaBroker(self.directory / f"node{number}")
            listeners = f"PLAINTEXT://{node.address}"
            if number == 1:
                listeners += f",CONTROLLER://127.0.0.1:{controller}"
            replicas = str(min(3, count))
            node.settings = {"node.id": number, "process.roles": "broker,controller" if number == 1 else "broker",
                             "listeners": listeners, "controller.listener.names": "CONTROLLER",
                             "controller.quorum.voters": f"1@127.0.0.1:{controller}",
                             "default.replication.factor": replicas, "offsets.topic.replication.factor": replicas,
                             "transaction.state.log.replication.factor": replicas, **self.settings}
            self.nodes.append(node)
        self.address = ",".join(node.address for node in self.nodes)

    def start(self):
        for node in self.nodes if self.killed is None else [self.killed]:
            node.start()
        self.killed = None
        self.pid = self.nodes[0].pid
        return self

    def kill(self):
        self.killed = self.rng.choice(self.nodes)
        self.killed.kill()

    def stop(self):
        for node in reversed(self.nodes):
            if node.pid is not None:
                node.stop()
        self.pid = None


class OracleBroker(Broker):
    def start(self):
        settings = {"log.dirs": str(self.data_dir), **self.settings}
        done = subprocess.run([str(ORACLE / "start"), str(self.port), str(self.directory),
                               *(f"{key}={value}" for key, value in settings.items())],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"the oracle did not start:\n{done.stderr}")
        self.pid = int(done.stdout.split()[-1])
        return self

    def stop(self):
        subprocess.run([str(ORACLE / "stop"), str(self.directory)], check=True)
        self.pid = None


class RunningBroker(Broker):
    """Somebody else's broker: neither started nor stopped here."""

    def __init__(self, address, directory):
        super().__init__(directory)
        self.address = address
        self.owned = False

    def start(self):
        host, _, port = self.address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        return self


def start(choice, directory, settings=None, count=1, environment=None, port=None):
    """Starts the chosen broker on a free port, or so many as one cluster; `directory` gets its data and its log.

    `environment` is for one broker of Milena, `port` for one broker.
    """
    if choice.kind == "running":
        if settings:
            raise SystemExit("this suite starts its broker with settings of its own: unset MILENA_BROKER")
        return RunningBroker(choice.address, directory).start()
    if count > 1:
        if choice.kind != "milena":
            raise SystemExit("--brokers is for Milena")
        return MilenaCluster(directory, settings, count).start()
    made = (OracleBroker if choice.kind == "oracle" else MilenaBroker)(directory, settings, port, environment)
    return made.start()
