"""Jars from Maven Central, compiled sources, and a JVM that runs Kafka's tools one after the other."""

import base64
import fcntl
import os
import pathlib
import re
import selectors
import shutil
import subprocess
import sys
import time

import packages
from broker import ORACLE
from checks import Skip

HERE = pathlib.Path(__file__).resolve().parent
CACHE = packages.CACHE / "java"
JAVA = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]

# Maven's messages when no registry answered, as against one that does not have the artifact.
_UNREACHABLE = re.compile(r"Could not transfer|Unknown host|Connection refused|timed out|Network is unreachable|No route to host")


def need_java():
    packages.debian(lambda: shutil.which("javac") and shutil.which("mvn"), "openjdk-17-jdk-headless", "maven")


def _locked(name):
    CACHE.mkdir(parents=True, exist_ok=True)
    lock = open(CACHE / f"{name}.lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def client_jars(version):
    """The folder with one release of the client and what it needs, fetched if it is not in the cache."""
    return jars_of(HERE / "pom.xml", f"client-{version}", "kafka-clients-*.jar", f"the Java client {version}",
                   f"-Dkafka.version={version}")


def jars_of(pom, folder, first_jar, what, *definitions):
    """The runtime classpath of a pom, in a folder of the cache; it must hold `first_jar`."""
    need_java()
    home = CACHE / folder
    with _locked(home.name):
        if not home.exists():
            work = CACHE / f"{folder}.new"
            shutil.rmtree(work, ignore_errors=True)
            print(f"fetching {what} from Maven Central", file=sys.stderr, flush=True)
            done = subprocess.run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
                                   "-DincludeScope=runtime", f"-DoutputDirectory={work}", *definitions],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0 or not list(work.glob(first_jar)):
                sys.stderr.write(done.stdout[-2000:])
                raise Skip(f"Maven could not get {what}", not _UNREACHABLE.search(done.stdout))
            work.rename(home)
    return home


def tool_jars(version):
    """The folder with a whole release of Kafka, which the oracle shares."""
    done = subprocess.run([str(ORACLE / "fetch"), version], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-2000:])
        raise Skip(f"Maven could not get Apache Kafka {version}", not _UNREACHABLE.search(done.stderr))
    return pathlib.Path(done.stdout.strip().splitlines()[-1])


def compile_sources(folder, jars, into):
    """Compiles the .java files of a folder, and those of common/; the class files live as long as this run."""
    sources = sorted(str(path) for place in (folder, "common") for path in (HERE / place).glob("*.java"))
    done = subprocess.run(["javac", "--release", "11", "-Xlint:all", "-Werror", "-d", str(into), "-cp", f"{jars}/*", *sources],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"javac failed:\n{done.stdout}")
    return into


class ToolFailed(AssertionError):
    pass


class ToolHost:
    """The tools of one release in one JVM (see tools/ToolHost.java). Lives in the thread that made it."""

    def __init__(self, version, classes, log_path):
        jars = tool_jars(version)
        tools = sorted(str(path) for path in jars.glob("*.jar") if re.match(r"(kafka-tools|kafka_2\.13)-\d", path.name))
        others = sorted(str(path) for path in jars.glob("*.jar") if str(path) not in tools)
        self.jars = jars
        self.log = open(log_path, "wb")
        self.command = [*JAVA, f"-Dlog4j2.configurationFile={ORACLE / 'log4j2.xml'}", "-cp", ":".join([str(classes), *others]),
                        "ToolHost", *tools]
        self.process = None

    def run(self, tool, *arguments, stdin="", status=0, deadline_s=60):
        """Runs a tool to its end and returns its standard output; requires the given exit status (None: any)."""
        code, out, err = self.call(tool, *arguments, stdin=stdin, deadline_s=deadline_s)
        if status is not None and code != status:
            raise ToolFailed(f"{_command([tool, '', *arguments])} ended with {code}, not {status}: {(err.strip() or out.strip())[-600:]}")
        return out if status == 0 else out + err

    def call(self, tool, *arguments, stdin="", deadline_s=60):
        """Runs a tool to its end; returns its exit status and its two outputs."""
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        words = [tool, stdin, *arguments]
        line = " ".join(base64.b64encode(str(word).encode()).decode() for word in words) + "\n"
        self.log.write(f"--- {tool} {' '.join(map(str, arguments))}\n".encode())
        self.log.flush()
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        end = time.monotonic() + deadline_s
        head = b""
        while not head.endswith(b"\n"):
            head += self._read(1, end, words)
        _, code, out_size, err_size = head.split()
        out = self._read(int(out_size), end, words).decode(errors="replace")
        err = self._read(int(err_size), end, words).decode(errors="replace")
        self.log.write(f"exit status {int(code)}\n{out}\n{err}\n".encode())
        self.log.flush()
        return int(code), out, err

    def _read(self, count, end, words):
        data = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while len(data) < count:
                if not selector.select(max(0.0, end - time.monotonic())):
                    self.close(kill=True)
                    raise ToolFailed(f"{_command(words)} did not end in time")
                piece = os.read(self.process.stdout.fileno(), count - len(data))
                if not piece:
                    self.close(kill=True)
                    raise ToolFailed(f"the JVM died in {_command(words)}")
                data += piece
        return data

    def close(self, kill=False):
        """Ends the JVM; the next run starts another."""
        if self.process is None:
            return
        if kill:
            self.process.kill()
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process = None


def _command(words):
    return " ".join([words[0].rsplit(".", 1)[-1], *map(str, words[2:])])
