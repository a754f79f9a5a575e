"""The copying programs: how each is got, built and called. A command is given ADDRESS FROM TO GROUP TRANSACTIONAL-ID SEED."""

import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "java"), str(HERE.parent / "lib")]

import golang
import jvm
from checks import Skip

JAVA_CLIENTS = ("4.3.1", "3.9.1", "2.8.2")
_classes = None


def java(run, version):
    """One program for all releases, compiled against the oldest."""
    global _classes
    jvm.need_java()
    if _classes is None:
        into = run.work_dir / "classes"
        jars = jvm.client_jars(JAVA_CLIENTS[-1])
        subprocess.run(["javac", "--release", "11", "-d", str(into), "-cp", f"{jars}/*", str(HERE / "java" / "Transformer.java")],
                       check=True)
        _classes = into
    return [*jvm.JAVA, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{_classes}:{jvm.client_jars(version)}/*",
            "Transformer"]


def streams(run):
    jars = jvm.jars_of(HERE / "streams" / "pom.xml", "streams-4.3.1", "kafka-streams-*.jar", "Kafka Streams 4.3.1")
    into = run.work_dir / "streams-classes"
    subprocess.run(["javac", "--release", "17", "-d", str(into), "-cp", f"{jars}/*", str(HERE / "streams" / "WordCount.java")],
                   check=True)
    return [*jvm.JAVA, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{into}:{jars}/*", "WordCount"]


def go(run, name):
    why = golang.missing_toolchain()
    if why:
        raise Skip(why)
    return [str(golang.build(f"./{name}", run.work_dir / name))]


def kafkajs():
    loader = importlib.machinery.SourceFileLoader("node_run", str(HERE.parent / "node" / "run"))
    node = importlib.util.module_from_spec(importlib.util.spec_from_loader("node_run", loader))
    loader.exec_module(node)
    return ["env", f"NODE_PATH={node.installed_modules()}", "KAFKAJS_NO_PARTITIONER_WARNING=1", "node",
            str(HERE / "kafkajs_copy.js")]


def all_of(run, python):
    """Triples of a name, a function that makes the command, and the transactional ids of the workers.

    A client that does not tell the group's generation with its offsets cannot share a group: a member that has lost its
    partitions to another would not be stopped (KIP-447). So kafkajs works alone.
    """
    for version in JAVA_CLIENTS:
        yield f"java {version}", lambda version=version: java(run, version), ["a", "b"]
    yield "librdkafka", lambda: [python(), str(HERE / "librdkafka_copy.py")], ["a", "b"]
    yield "kafka-python", lambda: [python(), str(HERE / "kafka_python_copy.py")], ["a", "b"]
    yield "franz-go", lambda: go(run, "copy-franz"), ["a", "b"]
    yield "sarama", lambda: go(run, "copy-sarama"), ["a", "b"]
    yield "kafkajs", kafkajs, ["a"]
