"""The frame of a suite's `run` command: its options, its working directory, its end.

    def body(suite): ...
    if __name__ == "__main__":
        suite.main(body)
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

import broker
import secured
from checks import Checks, Skip


class Suite:
    def __init__(self, options, work_dir):
        self.options = options
        self.work_dir = work_dir
        self.choice = broker.Choice.from_environment(options.oracle)
        self.checks = Checks()
        self.secured = secured.Secured(work_dir / "security") if options.secured else None

    def start_broker(self, name="broker", settings=None, environment=None):
        """A fresh broker with a fresh data directory (or the running one that MILENA_BROKER names)."""
        return self.start(self.choice, self.work_dir / name, settings, environment)

    def start(self, choice, directory, settings=None, environment=None):
        if self.secured:
            return self.secured.start(choice, directory, settings, environment)
        return broker.start(choice, directory, settings, self.options.brokers, environment)

    def wanted(self, name):
        """False when the command line names other checks only."""
        return not self.options.only or any(part in name for part in self.options.only)

    def run_program(self, name, command, deadline_s=120, environment=None):
        """Runs one program of a suite that prints check lines of its own, and counts them.

        A program that prints no check, ends with an error but no FAIL line, or does not end is a failed check.
        """
        log_path = self.work_dir / (name.replace("/", "-").replace(" ", "-") + ".log")
        try:
            with open(log_path, "w") as log:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                                      timeout=deadline_s, env={**os.environ, **(environment or {})})
        except subprocess.TimeoutExpired as timeout:
            output = timeout.stdout or b""
            self._absorb(name, output.decode() if isinstance(output, bytes) else output)
            self.checks.fail(name, f"did not end within {deadline_s} s; see {log_path}")
            return
        failed_before = self.checks.failed
        seen = self._absorb(name, done.stdout)
        if done.returncode != 0 and self.checks.failed == failed_before:
            self.checks.fail(name, f"ended with {done.returncode}; see {log_path}")
        elif not seen:
            self.checks.fail(name, "printed no check")
        if self.checks.failed > failed_before:
            sys.stderr.write(pathlib.Path(log_path).read_text(errors="replace")[-3000:])

    def _absorb(self, name, output):
        before = self.checks.passed + self.checks.failed + self.checks.skipped
        self.checks.prefix = f"{name}: "
        self.checks.absorb(output)
        self.checks.prefix = ""
        return self.checks.passed + self.checks.failed + self.checks.skipped - before


def main(body, description="", arguments=None, can_be_secured=False):
    """`can_be_secured`: each client of the suite takes its login from client_security."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--oracle", action="store_true", help="run against Apache Kafka itself instead of Milena")
    parser.add_argument("--keep", action="store_true", help="keep the working directory in any case")
    parser.add_argument("--brokers", type=int, default=1, help="run against a cluster of so many brokers; a kill takes one")
    parser.add_argument("only", nargs="*", help="run only the checks whose name contains one of these")
    parser.set_defaults(secured=False)
    if can_be_secured:
        parser.add_argument("--secured", action="store_true",
                            help="the broker has a SASL_SSL listener and an authorizer, and the clients log in")
    if arguments:
        arguments(parser)
    options = parser.parse_args()
    if options.secured and (options.brokers > 1 or (os.environ.get("MILENA_BROKER") and not options.oracle)):
        parser.error("--secured starts one broker with settings of its own: it goes neither with --brokers nor with MILENA_BROKER")
    # SIGTERM unwinds like Ctrl-C, so that brokers are stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell's background job ignores SIGINT, and so would every program started here: a console consumer never ended.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    work_dir = pathlib.Path(tempfile.mkdtemp(prefix="milena-compat-"))
    suite = Suite(options, work_dir)
    code = 1
    try:
        try:
            body(suite)
        except Skip as skip:
            suite.checks.skip("suite", str(skip), skip.registry_answered)
        except Exception as error:  # what breaks outside a check breaks the suite, not its closing line
            traceback.print_exc(file=sys.stderr)
            suite.checks.fail("suite", f"{type(error).__name__}: {error}")
        code = suite.checks.finish()
    finally:
        if code == 0 and not options.keep:
            shutil.rmtree(work_dir, ignore_errors=True)
        else:
            print(f"logs and data are in {work_dir}", file=sys.stderr)
    sys.exit(code)
