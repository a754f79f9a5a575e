"""The clients of a cluster: the roles of load.py, a process each."""

import os
import pathlib
import signal
import subprocess

import packages
import wait
from checks import equal

HERE = pathlib.Path(__file__).resolve().parent
ROLES = ["numbers", "classic-group", "consumer-group", "transactions", "latest"]
if os.environ.get("KAFKA_VERSION", "").startswith("3."):
    ROLES.remove("consumer-group")  # its protocol is of Kafka 4
# A line of these says that a client got something done.
PROGRESS = {"numbers": b"ack ", "classic-group": b"commit ", "consumer-group": b"commit ",
            "transactions": b"committed ", "latest": b"ack "}
# From 2.10 on librdkafka forgets brokers that the metadata lacks, and may wait without end, whatever its timeout, for a group's
# coordinator that was one of them (confluentinc/librdkafka issues 5511 and 5456; seen with 2.16): a restart is enough.
PACKAGES = {"transactions": ("cluster-transactions", "confluent-kafka==2.9.0")}
NEWEST = ("durability", "confluent-kafka")
STEP = 5  # so much of it must be done between two steps
PROGRESS_DEADLINE_S = 90
FINISH_S = 150


class Clients:
    def __init__(self, directory, address, deadline_s=PROGRESS_DEADLINE_S):
        """Journals and logs are in the directory. Each client gets something done within the deadline."""
        self.deadline_s = deadline_s
        self.directory, self.address = directory, address
        self.python = packages.python_environment(*NEWEST)
        self.pythons = {role: packages.python_environment(*which) for role, which in PACKAGES.items()}
        self.processes = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()

    def path(self, role):
        return self.directory / f"{role}.journal"

    def launch(self, role):
        with open(self.directory / f"{role}.log", "wb") as log:
            python = self.pythons.get(role, self.python)
            return subprocess.Popen([python, str(HERE / "load.py"), role, self.address, str(self.path(role))],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self):
        equal(self.launch("topics").wait(FINISH_S), 0, "exit code of load.py topics")
        self.processes = {role: self.launch(role) for role in ROLES}

    def _done(self, role):
        try:
            data = self.path(role).read_bytes()
        except FileNotFoundError:
            return 0
        return data.count(b"\n" + PROGRESS[role])

    def _check_alive(self, role):
        code = self.processes[role].poll()
        if code is None:
            return
        lines = self.path(role).read_text().splitlines()
        raise AssertionError(f"{role} ended with {code}: {lines[-1] if lines else ''}; see {self.directory / (role + '.log')}")

    def go_on(self):
        """Waits until every client has got something done from now on."""
        begun = {role: self._done(role) for role in ROLES}
        for role in ROLES:
            def moved(role=role):
                self._check_alive(role)
                return self._done(role) >= begun[role] + STEP
            wait.until(moved, f"{role} goes on", self.deadline_s, 0.1)

    def finish(self, made_anew=0):
        """Producers first, so that the groups read to the ends. At most so many transactional producers were made anew
        (load.py says why)."""
        for role in sorted(ROLES, key=lambda role: role.endswith("group")):
            self._check_alive(role)
            self.processes[role].send_signal(signal.SIGTERM)
            code = self.processes[role].wait(FINISH_S)
            last = self.path(role).read_text().splitlines()[-1]
            equal((code, last), (0, "end"), f"{role}'s exit code and last line")
        anew = self.path("transactions").read_bytes().count(b"\nanew ")
        assert anew <= made_anew, f"{anew} transactional producers had to be made anew, more than {made_anew}"
