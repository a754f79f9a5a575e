"""The clients that a group is made of, and how each is got. A Skip says what is missing."""

import dataclasses
import os
import pathlib
import shutil
import sys

import golang
import packages
from broker import ROOT

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT / "compat" / "java"), str(ROOT / "compat" / "node")]

import jvm  # noqa: E402

CONSUMER_GROUP_HEARTBEAT = 68


@dataclasses.dataclass
class Client:
    name: str
    kind: str                   # "range", "cooperative": assignor; "consumer", "consumer-range": KIP-848, and the server's assignor
    get: object                 # get(work_dir) -> the command
    tells_losses: bool = True   # the program says when it loses a partition
    upgrades: bool = False      # goes over to the protocol of KIP-848 and back, member by member
    command: list = None
    environment: dict = dataclasses.field(default_factory=lambda: dict(os.environ))

    @property
    def needs_api(self):
        return CONSUMER_GROUP_HEARTBEAT if self.kind.startswith("consumer") or self.upgrades else None


def kafka_python():
    return packages.python_environment("kafka-python", "kafka-python", "crc32c", "python-snappy", "lz4", "zstandard")


def _kafka_python(_):
    return [kafka_python(), str(HERE / "member_kafka_python.py")]


def _confluent(_):
    return [packages.python_environment("durability", "confluent-kafka"), str(HERE / "member_confluent.py")]


def _go(name):
    def get(work_dir):
        why = golang.missing_toolchain()
        if why:
            raise packages.Skip(why)
        binary = work_dir / f"member-{name}"
        return [str(binary if binary.exists() else golang.build(f"./members/{name}", binary))]
    return get


def _java(version):
    def get(work_dir):
        jvm.need_java()
        classes = work_dir / "member-classes"
        if not classes.exists():
            jvm.compile_sources(HERE, jvm.client_jars("2.1.1"), classes)
        return [*jvm.JAVA, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{classes}:{jvm.client_jars(version)}/*",
                "GroupMember"]
    return get


def _kafkajs(_):
    return [shutil.which("node") or "node", str(HERE / "member_kafkajs.js")]


def kafkajs():
    client = Client("kafkajs", "range", _kafkajs)
    client.environment |= {"NODE_PATH": str(packages.CACHE / "node" / "node_modules"), "KAFKAJS_NO_PARTITIONER_WARNING": "1"}
    return client


def all_clients():
    return [
        Client("kafka-python", "range", _kafka_python),
        Client("librdkafka range", "range", _confluent),
        Client("librdkafka cooperative", "cooperative", _confluent),
        Client("librdkafka consumer", "consumer", _confluent),
        Client("librdkafka consumer by range", "consumer-range", _confluent),
        Client("librdkafka upgrade", "range", _confluent, upgrades=True),
        Client("java-2.1.1", "range", _java("2.1.1")),
        Client("java-3.9.1 cooperative", "cooperative", _java("3.9.1")),
        Client("java-4.3.1 cooperative", "cooperative", _java("4.3.1")),
        Client("java-4.3.1 consumer", "consumer", _java("4.3.1")),
        Client("java-4.3.1 consumer by range", "consumer-range", _java("4.3.1")),
        Client("java-4.3.1 upgrade", "cooperative", _java("4.3.1"), upgrades=True),
        Client("franz-go range", "range", _go("franz")),
        Client("franz-go cooperative", "cooperative", _go("franz")),
        Client("franz-go consumer", "consumer", _go("franz")),
        Client("franz-go upgrade", "cooperative", _go("franz"), upgrades=True),
        Client("sarama", "range", _go("sarama")),
        Client("kafka-go", "range", _go("kafkago"), tells_losses=False),
        kafkajs(),
    ]
