"""The ledger: which tests do not pass, of which kind the reason is, and the reason (see ledger.txt)."""

import dataclasses
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent

# Kinds in the order of the page, and what is said there.
KINDS = {
    "difference": "Milena differs on purpose; with `milena.strict.kafka=true` it behaves as Kafka, and the test passes",
    "choice": "Milena differs on purpose; no client notices it, and no setting changes it",
    "defect": "a known defect of Milena",
    "feature": "the test needs a feature that Milena neither has nor advertises",
    "controllers": "the test needs several controllers, of which a cluster of Milena has one",
    "controller": "the test needs a controller in a process of its own, or a request between Kafka's own nodes",
    "plugin": "the test has a Java class that the broker must load",
    "inside": "the test reads objects of Kafka's process: its metrics, its locks, its clock",
    "order": "the test compares the order of Kafka's hash maps; the listed items are the same",
    "kafka": "Kafka itself fails or skips the test",
    "flaky": "the test depends on timing and sometimes fails against Kafka, too; it may pass or fail",
}


@dataclasses.dataclass
class Line:
    test_class: str
    test: str
    kind: str
    reason: str
    used: bool = False

    def __post_init__(self):
        self._class, self._test = _matcher(self.test_class), _matcher(self.test)

    def matches(self, result):
        # "method" is each of its invocations, too.
        return bool(self._class.fullmatch(result.test_class)
                    and (self._test.fullmatch(result.test) or self._test.fullmatch(result.test.split("{", 1)[0])))


def _matcher(pattern):
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")))


class Ledger:
    def __init__(self, strict=False, path=HERE / "ledger.txt"):
        self.lines = []
        for number, text in enumerate(path.read_text().splitlines(), 1):
            if not text.strip() or text.startswith("#"):
                continue
            parts = [part.strip() for part in text.split(" | ", 3)]
            if len(parts) != 4 or parts[2] not in KINDS:
                raise SystemExit(f"{path}:{number}: not `class | test | kind | reason`")
            self.lines.append(Line(*parts))
        if strict:
            self.lines = [line for line in self.lines if line.kind != "difference"]

    def find(self, result):
        """The line for a test; the first that matches holds."""
        found = next((line for line in self.lines if line.matches(result)), None)
        if found:
            found.used = True
        return found


def propose(results):
    """Lines for results that the ledger lacks; the kind is the shim's where the shim ended the test."""
    lines = {}
    for result in results:
        kind, _, reason = result.why.partition(": ")
        if result.outcome != "skip" or kind not in KINDS:
            kind, reason = "defect" if result.outcome != "skip" else "kafka", result.why
        lines[f"{result.test_class} | {result.test} | {kind} | {reason[:160]}"] = None
    return list(lines)
