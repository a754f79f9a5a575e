"""Runs the cases of table.py against Milena and against Apache Kafka: what comes back must be the same.

Besides, for each case: another connection to Milena goes on unharmed; a connection that Milena closes and records that
it refuses leave one line in its log, naming the client's port; its memory stays within four times what was sent.
Where Kafka cannot be fetched, only these other checks are made.
"""

import collections
import fnmatch
import pathlib
import re
import subprocess

import broker
import suite as frame
import wait
import words
from table import CASES
from target import Target

MEMORY_SLACK_BYTES = 24 << 20
SETTINGS = {"group.initial.rebalance.delay.ms": "0", "group.consumer.assignment.interval.ms": "0"}
# Assignments are made within the heartbeat that needs them, as with us.
THEIRS = {"group.consumer.assignor.offload.enable": "false"}
# Where Kafka has nothing to compare with: members here have no connection of their own that stays.
OURS = {"milena.group.disconnect.grace.ms": "0"}


def accepted(path):
    """(pattern of a difference's place, reason) of each line."""
    lines = []
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, mark, reason = line.partition(" -- ")
            if not mark or not reason.strip():
                raise SystemExit(f"{path.name}: a line without ' -- reason': {line}")
            lines.append((pattern.strip(), reason.strip()))
    return lines


def differences(ours, theirs, place=""):
    """Every place at which two values differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from differences(ours.get(key, "(absent)"), theirs.get(key, "(absent)"), f"{place}/{key}")
    elif isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)) and len(ours) == len(theirs):
        for index, pair in enumerate(zip(ours, theirs)):
            yield from differences(*pair, f"{place}/{index}")
    elif ours != theirs and not (place.endswith("Message") and isinstance(ours, str) and isinstance(theirs, str)
                                 and words.tells_as_much(ours, theirs)):
        yield place, ours, theirs


def transcript_differences(name, ours, theirs):
    if len(ours) != len(theirs):
        yield name, [one[0] for one in ours], [one[0] for one in theirs]
    for index, ((label, our), (their_label, their)) in enumerate(zip(ours, theirs)):
        if label != their_label:
            yield f"{name}/{index}", label, their_label
        yield from differences(our, their, f"{name}/{label or index}")


class Watch:
    """Milena's log and memory during a case. Lives as long as the case."""

    def __init__(self, milena):
        self.log_path = milena.directory / "broker.log"
        self.log_begin = self.log_path.stat().st_size
        self.pid = milena.pid
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")    # the peak is now
        self.before = self.status("VmRSS")

    def status(self, key):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {key}: Milena is gone")

    def warnings(self):
        with open(self.log_path, "rb") as log:
            log.seek(self.log_begin)
            return [line for line in log.read().decode(errors="replace").splitlines()
                    if "] WARN " in line or "] ERROR " in line]

    def left_out(self):
        """How many lines about closed connections the log has left out, as it says."""
        found = [re.search(r"(\d+) more lines like this were left out: Closing the connection", line) for line in self.warnings()]
        return sum(int(one[1]) for one in found if one)

    def check_memory(self, sent_bytes):
        grown, bound = self.status("VmHWM") - self.before, 4 * sent_bytes + MEMORY_SLACK_BYTES
        if grown > bound:
            raise AssertionError(f"memory grew by {grown >> 20} MB for {sent_bytes} bytes sent")

    def check_log(self, target):
        def lines_of_ports():
            lines = collections.defaultdict(list)
            for line in self.warnings():
                for port in set(re.findall(r"127\.0\.0\.1:(\d+)", line)):
                    lines[int(port)].append(line)
            return lines

        closed = {c.port for c in target.connections if c.was_closed}
        # After 1000 lines of a kind at once the log counts those that it leaves out.
        wait.until(lambda: self.left_out() >= len(closed - lines_of_ports().keys()),
                   "the log tells about each closed connection, or that it left lines out", 10)
        for connection in target.connections:
            if connection.records_refused:
                wait.until(lambda: connection.port in lines_of_ports(), "the log tells about refused records", 3)
        lines_of = lines_of_ports()
        for connection in target.connections:
            lines = lines_of[connection.port]
            if len(lines) > max(connection.sent_frames, 1):
                raise AssertionError(f"more than one log line a request: {lines}")
        stray = [line for line in self.warnings() if "] ERROR " in line]
        if stray:
            raise AssertionError(f"errors in the log: {stray[:3]}")


def run_on(case, target):
    target.begin(case)
    try:
        case.run(target)
    finally:
        target.end()


def run_case(suite, case, milena, kafka, ledger, used):
    watch = Watch(milena.broker) if milena.broker.owned else None
    run_on(case, milena)
    milena.bystander_turn()
    if watch:
        watch.check_memory(sum(connection.sent_bytes for connection in milena.connections))
        watch.check_log(milena)
    if kafka is None:
        return
    run_on(case, kafka)
    found, report = [], suite.options.report
    for place, ours, theirs in transcript_differences(case.name, milena.transcript, kafka.transcript):
        matching = [pattern for pattern, _ in ledger if fnmatch.fnmatchcase(place, pattern)]
        used.update(matching)
        if not matching:
            found.append(f"\n        {place}: {short(ours)}; Kafka: {short(theirs)}")
    if found and report:
        with open(report, "a") as out:
            out.write("".join(found).lstrip("\n") + "\n")
    if found:
        raise AssertionError("".join(found[:12]) + (f"\n        and {len(found) - 12} more" if found[12:] else ""))


def short(value):
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "..."


def start_kafka(suite):
    if suite.options.kafka:
        return broker.RunningBroker(suite.options.kafka, suite.work_dir / "kafka").start()
    try:
        made = broker.OracleBroker(suite.work_dir / "kafka", {**SETTINGS, **THEIRS})
        return made.start()
    except RuntimeError as error:
        suite.checks.skip("comparison with Apache Kafka", str(error).splitlines()[-1], registry_answered=reachable())
        return None


def reachable():
    return subprocess.run([str(broker.ORACLE / "fetch")], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def body(suite, ledger_path, with_words):
    ledger, used = accepted(ledger_path), set()
    with suite.start_broker("milena", {**SETTINGS, **OURS}) as milena_broker:
        milena = Target("Milena", milena_broker, with_words)
        kafka_broker = start_kafka(suite)
        try:
            kafka = Target("Kafka", kafka_broker, with_words) if kafka_broker else None
            for target in filter(None, (milena, kafka)):
                prepare(target)
            for target in filter(None, (milena, kafka)):
                target.common = common(milena.advertised, (kafka or milena).advertised)
            for case in CASES:
                if not suite.wanted(case.name):
                    continue
                with suite.checks.check(case.name):
                    run_case(suite, case, milena, kafka, ledger, used)
            if kafka and not suite.options.only:
                with suite.checks.check(f"every line of {ledger_path.name} is still needed"):
                    stale = [pattern for pattern, _ in ledger if pattern not in used]
                    assert not stale, f"no longer different: {stale}"
        finally:
            if kafka_broker and kafka_broker.owned:
                kafka_broker.stop()


def common(ours, theirs):
    """Key of an API -> the oldest and newest version that both have."""
    both = {key: (max(ours[key][0], theirs[key][0]), min(ours[key][1], theirs[key][1])) for key in ours.keys() & theirs.keys()}
    return {key: (oldest, newest) for key, (oldest, newest) in both.items() if oldest <= newest}


def prepare(target):
    """The groups' topic is there, the bystander's too, and it is known what is advertised."""
    target.bystander_turn()
    wait.until(lambda: target.quietly("FindCoordinator", 3, {"Key": "g", "KeyType": 0})["ErrorCode"] == 0,
               f"{target.name} has a coordinator", 60)
    wait.until(lambda: target.quietly("OffsetFetch", 7, {"GroupId": "g", "Topics": []})["ErrorCode"] == 0,
               f"{target.name}'s coordinator has loaded", 60)
    wait.until(lambda: target.quietly("InitProducerId", 1, {"TransactionalId": None, "TransactionTimeoutMs": 1})[
        "ErrorCode"] == 0, f"{target.name} gives producer ids", 60)
    keys = target.quietly("ApiVersions", 2)["ApiKeys"]
    target.advertised = {one["ApiKey"]: (one["MinVersion"], one["MaxVersion"]) for one in keys}


def main(description, ledger_path, with_words=False):
    """`with_words`: error messages must name what Kafka's name (see ../lib/words.py), and there may be one where Kafka has
    none; without it only counts whether there is one."""
    def arguments(parser):
        parser.add_argument("--kafka", metavar="HOST:PORT", help="compare with this running Apache Kafka, with an empty data directory")
        parser.add_argument("--report", metavar="FILE", help="append every difference to this file")

    frame.main(lambda suite: body(suite, ledger_path, with_words), description, arguments)
