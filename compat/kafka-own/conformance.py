"""docs/conformance.md: a row for each class, the counts by kind, and the ledger's reasons."""

import pathlib
import re

from ledger import KINDS, Ledger

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
ROW = re.compile(r"^\| ([\w.]+) \| (\d+) \| (\d+) \| (.*?) \|$", re.MULTILINE)
UNEXPLAINED = "unexplained"


class Row:
    def __init__(self, passed=0, squeezed=0, kinds=""):
        self.passed = int(passed)
        self.squeezed = int(squeezed)
        self.kinds = {kind: int(count) for kind, count in re.findall(r"(\w+) (\d+)", kinds)}

    def add(self, result, line):
        if result.outcome == "pass":
            self.passed += 1
            self.squeezed += result.squeezed
        else:
            kind = line.kind if line else UNEXPLAINED
            self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def text(self, name):
        kinds = ", ".join(f"{kind} {self.kinds[kind]}" for kind in sorted(self.kinds))
        return f"| {name} | {self.passed} | {self.squeezed} | {kinds} |"


def count_kinds(rows):
    """Kind and count, the greatest first."""
    kinds = {}
    for row in rows:
        for kind, count in row.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    return sorted(kinds.items(), key=lambda item: -item[1])


class Table:
    def __init__(self):
        self.rows = {}

    def add(self, result, line):
        self.rows.setdefault(result.test_class, Row()).add(result, line)

    def totals(self):
        rows = self.rows.values()
        passed, squeezed = sum(row.passed for row in rows), sum(row.squeezed for row in rows)
        yield f"# {len(rows)} classes: {passed} tests passed, {squeezed} of them on fewer nodes than they ask for"
        for kind, count in count_kinds(rows):
            yield f"# {count} did not pass: {kind}: {KINDS.get(kind, 'not in ledger.txt')}"

    def write(self, listed, page=PAGE):
        """Replaces the rows of the classes that ran; those of classes no longer listed go."""
        text = page.read_text()
        rows = {name: Row(*cells) for name, *cells in ROW.findall(text)}
        rows.update(self.rows)
        rows = {name: rows[name] for name in sorted(rows) if name in listed}
        text = _put(text, "classes", ["| Class | Passed | of these on fewer nodes | Did not pass |", "|---|---|---|---|",
                                      *(row.text(name) for name, row in rows.items())])
        text = _put(text, "counts", _counts(rows.values()))
        page.write_text(_put(text, "reasons", _reasons(Ledger().lines)))


def _put(text, part, lines):
    begin, end = f"<!-- {part}: written by compat/kafka-own/run --table -->\n", f"<!-- end of {part} -->"
    head, _, rest = text.partition(begin)
    return head + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]


def _counts(rows):
    passed, squeezed = sum(row.passed for row in rows), sum(row.squeezed for row in rows)
    yield from ("| Outcome | Tests | |", "|---|---|---|")
    yield f"| passed | {passed} | {squeezed} of them on fewer nodes than they ask for |"
    for kind, count in count_kinds(rows):
        yield f"| {kind} | {count} | {KINDS.get(kind, 'no reason is known yet')} |"


def _reasons(lines):
    for kind in KINDS:
        of_kind = [line for line in lines if line.kind == kind]
        if not of_kind:
            continue
        yield from (f"\n### {kind}\n", "| Class | Test | Reason |", "|---|---|---|")
        for line in of_kind:
            yield "| " + " | ".join(_cell(text) for text in (line.test_class, line.test, line.reason)) + " |"


def _cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
