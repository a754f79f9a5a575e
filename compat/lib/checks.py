"""Counts checks: one line each, a closing line `N passed, N failed, N skipped`, and an exit code.

A check fails by raising. A skip is only excused when the registry that has the program could not be reached;
with the registry there, a skip makes the command fail like a failed check.
"""

import contextlib
import sys
import traceback


class Skip(Exception):
    """Raised inside a check whose program could not be got."""

    def __init__(self, why, registry_answered=True):
        super().__init__(why)
        self.registry_answered = registry_answered


class Checks:
    def __init__(self, prefix=""):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.unexcused = 0
        self.prefix = prefix

    def ok(self, name):
        self.passed += 1
        print(f"ok    {self.prefix}{name}", flush=True)

    def fail(self, name, why=""):
        self.failed += 1
        print(f"FAIL  {self.prefix}{name}{': ' if why else ''}{why}", flush=True)

    def skip(self, name, why, registry_answered=True):
        self.skipped += 1
        if registry_answered:
            self.unexcused += 1
        print(f"SKIP  {self.prefix}{name}: {why}", flush=True)

    @contextlib.contextmanager
    def check(self, name):
        """Everything inside is one check; the suite goes on after it, whatever happened."""
        try:
            yield
        except Skip as skip:
            self.skip(name, str(skip), skip.registry_answered)
        except AssertionError as error:
            self.fail(name, str(error) or _where(error))
        except Exception as error:  # a check that breaks is a failed check, and the next ones still run
            traceback.print_exc(file=sys.stderr)
            self.fail(name, f"{type(error).__name__}: {error}")
        else:
            self.ok(name)

    def absorb(self, output):
        """Takes over the lines that a program in another process printed with this same class."""
        for line in output.splitlines():
            word, _, rest = line.partition(" ")
            if word == "ok":
                self.ok(rest.strip())
            elif word == "FAIL":
                self.fail(rest.strip())
            elif word == "SKIP":
                self.skip(rest.strip(), "see above")

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        nothing_ran = self.passed + self.failed + self.skipped == 0
        return 1 if self.failed or self.unexcused or nothing_ran else 0


def _where(error):
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}: {frame.line}"


def equal(got, expected, what="value"):
    """Asserts equality and says both sides, shortened."""
    if got != expected:
        raise AssertionError(f"{what} is {_short(got)}, expected {_short(expected)}")


def _short(value):
    text = repr(value)
    return text if len(text) <= 400 else text[:380] + f"... ({len(text)} characters)"
