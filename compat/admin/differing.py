"""Finds where two transcripts differ (see session.py for what they are), and which of that is explained in a ledger."""

import difflib
import re

import normal
import words

# Calls that a failed check shows.
SHOWN = 30
# The head of a line and the message in it, which is the broker's. Without a message all is the head.
MESSAGE = re.compile(r'(.*?(?:Exception: |command : |command: |due to (?=\w+ )|reason: |[Ee]rror\w*: |[Mm]essage: |[Mm]essage='
                     r'|"error_message": |out error kafka server: .*? - |features are disabled: |out error [\w.]+: |C(?:an|ould) not \w+ [\w.]+\w(?: to \d+)?\. |\b[A-Z]+_[A-Z_]+: )|.*)(.*)')

EXCEPTION = re.compile(r"\w+Exception")


class Ledger:
    """The lines of a ledger: `list: call | line -- reason`, where * stands for anything."""

    def __init__(self, path):
        self.entries = []
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                pattern, mark, reason = line.partition(" -- ")
                if not mark or not reason.strip():
                    raise SystemExit(f"{path.name}: a line without ' -- reason': {line}")
                self.entries.append((pattern.strip(), re.compile(".*".join(map(re.escape, pattern.strip().split("*"))))))
        self.used = set()

    def covers(self, place):
        found = [pattern for pattern, expression in self.entries if expression.fullmatch(place)]
        self.used.update(found)
        return bool(found)

    def check_used(self):
        stale = [pattern for pattern, _ in self.entries if pattern not in self.used]
        assert not stale, f"no longer different: {stale}"


def differences(ours, theirs):
    """(label, lines) of each call whose output differs; -: Kafka's line, +: Milena's."""
    ours, theirs = dict(normal.lines(ours)), dict(normal.lines(theirs))
    # A preparing line leaves an entry only if it failed.
    for label in [*theirs, *(label for label in ours if label not in theirs)]:
        our, their, lines = ours.get(label, []), theirs.get(label, []), []
        for kind, begin, end, our_begin, our_end in difflib.SequenceMatcher(None, their, our, autojunk=False).get_opcodes():
            removed, added = their[begin:end], our[our_begin:our_end]
            if kind == "equal" or len(removed) == len(added) and all(map(same_message, added, removed)):
                continue
            lines += [f"- {one}" for one in removed] + [f"+ {one}" for one in added]
        if lines:
            yield label, lines


def same_message(ours, theirs):
    """Two lines are the same when what comes before the message is, the errors in it are, and it names the same things."""
    inside = False
    while ours != theirs:
        our_head, our_text = MESSAGE.match(ours).groups()
        their_head, their_text = MESSAGE.match(theirs).groups()
        if our_head != their_head or not our_text:
            return inside and EXCEPTION.findall(ours) == EXCEPTION.findall(theirs) and words.tells_as_much(ours, theirs)
        ours, theirs, inside = our_text, their_text, True
    return True


def compare(name, ours, theirs, ledger, report):
    unexplained = []
    for label, lines in differences(ours, theirs):
        open_lines = [line for line in lines if not ledger.covers(f"{name}: {label} | {line}")]
        report.append((name, label, lines, open_lines))
        if open_lines:
            unexplained.append("\n    " + label + "".join(f"\n        {line[:300]}" for line in open_lines))
    count = len(unexplained)
    if unexplained[SHOWN:]:
        unexplained[SHOWN:] = [f"\n    and {len(unexplained) - SHOWN} more (--report FILE tells all)"]
    if unexplained:
        raise AssertionError(f"{count} of {len(ours['entries'])} calls differ (-: Kafka, +: Milena)" + "".join(unexplained))


def write_report(report, path):
    with open(path, "w") as out:
        for name, label, lines, open_lines in report:
            out.write(f"{name}: {label}\n")
            for line in lines:
                out.write(f"    {'' if line in open_lines else '(accepted) '}{line}\n")
