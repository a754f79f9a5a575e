"""Runs compiled test classes of Apache Kafka in JVMs, a few classes a JVM, and yields a Result for each test."""

import dataclasses
import os
import pathlib
import re
import selectors
import signal
import subprocess
import sys
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "java"), str(HERE.parent / "lib")]

import jvm

# Tests leave threads and metrics behind, so that a JVM gets slower; its start costs as much as a small class.
CLASSES_PER_JVM = 20
TEST_LIMIT_S = 180
# Releases whose test jars Maven Central does not have: the tests of another one run with their clients and tools.
TESTS_OF_OTHERS = {"4.4.0": "4.3.1"}
OPTIONS = ["-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.security.egd=file:/dev/urandom",
           "-Djunit.jupiter.extensions.autodetection.enabled=true",
           f"-Djunit.jupiter.execution.timeout.testable.method.default={TEST_LIMIT_S}s",
           f"-Djunit.jupiter.execution.timeout.lifecycle.method.default={TEST_LIMIT_S}s",
           "--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED",
           # The KDC that tests make.
           "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
           f"-Dlog4j2.configurationFile={HERE / 'log4j2.yaml'}"]


@dataclasses.dataclass(frozen=True)
class Result:
    test_class: str  # without org.apache.kafka
    test: str
    outcome: str  # pass, fail, skip; cut: the class did not end in time
    why: str
    ms: int
    squeezed: bool  # fewer controllers than it asks for

    @property
    def name(self):
        return f"{self.test_class}.{self.test}"


def short(test_class):
    """As reports name it: some classes differ by their package only."""
    return test_class.removeprefix("org.apache.kafka.")


def jars(version):
    tests = TESTS_OF_OTHERS.get(version, version)
    pom = HERE / "pom.xml"
    return jvm.jars_of(pom, f"kafka-own-{version}-{zlib.crc32(pom.read_bytes()):08x}", "kafka_2.13-*-test.jar",
                       f"Apache Kafka {version} and the tests of {tests}", f"-Dkafka.version={version}", f"-Dtests.version={tests}")


def compile_java(folder, jars_dir, into):
    sources = sorted(str(path) for path in (HERE / folder).rglob("*.java"))
    done = subprocess.run(["javac", "-Xlint:all,-classfile,-processing", "-nowarn", "-d", str(into), "-cp", f"{jars_dir}/*",
                           *sources], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"javac failed:\n{done.stdout}")
    return into


class TestJvms:
    def __init__(self, class_path, folder, properties, class_limit_s):
        self.folder = pathlib.Path(folder)
        self.class_limit_s = class_limit_s
        self.command = ["java", *OPTIONS, *(f"-D{key}={value}" for key, value in properties.items()), "-cp",
                        ":".join(map(str, class_path))]
        self.started = 0

    def run(self, classes, methods=".*"):
        """Yields the results. A JVM that ends or hangs within a class costs that class; the others go on in a new one."""
        left = list(classes)
        while left:
            before = len(left)
            for result in self._run_one(left[:CLASSES_PER_JVM], methods):
                if isinstance(result, Result):
                    yield result
                else:
                    left.remove(result)
            if len(left) == before:
                raise RuntimeError(f"no JVM gets to {left[0]}")

    def _run_one(self, classes, methods):
        """Results, and the name of each class that is done with."""
        self.started += 1
        own = self.folder / f"jvm-{self.started}"
        own.mkdir(parents=True)
        command = [*self.command[:-2], f"-Djava.io.tmpdir={own}", f"-Dmilena.client.log={own / 'client.log'}",
                   *self.command[-2:], "Runner", str(self.folder), methods, *classes]
        with open(own / "stderr", "wb") as stderr:
            # A session of its own, so that the brokers end with it. Some tests make folders where they stand.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, cwd=own,
                                       start_new_session=True)
            try:
                yield from self._results(process, classes)
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
                process.stdout.close()

    def _results(self, process, classes):
        running, deadline, data = classes[0], time.monotonic() + self.class_limit_s, b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    yield Result(short(running), "(class)", "cut", f"did not end within {self.class_limit_s} s", 0, False)
                    yield running
                    return
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    break
                *lines, data = (data + piece).split(b"\n")
                for line in lines:
                    line = line.decode(errors="replace")
                    if line.startswith("class "):
                        running, deadline = line[6:], time.monotonic() + self.class_limit_s
                    elif line.startswith("end "):
                        yield running
                        running = None
                    else:
                        yield parse(short(running), line)
        if running is not None:
            yield Result(short(running), "(class)", "cut", "the JVM ended", 0, False)
            yield running


def parse(test_class, line):
    outcome, ms, squeezed, test, why = line.split("\t")
    return Result(test_class, test, outcome, re.sub(r"(@|0x)[0-9a-f]{6,}", r"\1...", why), int(ms), squeezed == "squeezed")
