"""The measurements. Each takes one broker from nothing to its end, and adds what it found to the samples."""

import os
import subprocess
import time

import cluster_figures
import measure
import tls_figures
from admin_client import AdminClient
from brokers import Broken, Milena
from group_figures import groups
from intervals import Interval
from loads import KILOBYTE, consume, measured, produce

NO_SNAPSHOT = {"metadata.log.max.record.bytes.between.snapshots": 1000000000, "metadata.log.max.snapshot.interval.ms": 0}
SNAPSHOT_AT_ONCE = {"metadata.log.max.record.bytes.between.snapshots": 1}


class Sizes:
    """How much is measured. The quick ones only show that everything works."""

    def __init__(self, quick):
        self.memory_gb = 0.25 if quick else 5.0
        self.file_gb = 0.1 if quick else 2.2  # as much as the largest load writes
        self.idle_s = 3 if quick else 20
        self.small_records = 200_000 if quick else 10_000_000
        self.topic_partitions = 50 if quick else 1000
        self.topics = 1000 if quick else 100_000
        self.large_records = 50_000 if quick else 2_000_000
        self.commits = 300 if quick else 5_000
        self.transactional_ids = 1_000 if quick else 100_000
        self.members = 20 if quick else 1000  # of one group, on as many partitions
        self.groups = 200 if quick else 10_000
        self.beat_s = 3 if quick else 20
        self.offset_groups, self.offset_partitions = (20, 50) if quick else (1000, 1000)
        self.tls_records = 50_000 if quick else 1_000_000
        self.handshakes, self.tls_connections = (50, 50) if quick else (500, 1000)
        self.repetitions = 1 if quick else 5
        self.most_space_gb = 1 if quick else 8
        # Of clusters.
        self.start_partitions = 30
        self.steady_warm = 200 if quick else 1000  # records
        self.after_s = 1 if quick else 3
        self.produce_gb = self.jvm_produce_gb = 0.05 if quick else 1.0
        self.latency_warm, self.latency_records = (500, 1000) if quick else (15_000, 20_000)
        self.catch_up_gb = 0.1 if quick else 2.0
        self.few_partitions, self.many_partitions = (50, 200) if quick else (1000, 10_000)
        self.jvm_has_many = False
        self.cluster_repetitions = 1 if quick else 3


def _kcat_first_produce_s(broker, topic):
    command = ["kcat", "-b", broker.address, "-P", "-t", topic]
    begin = time.monotonic()
    done = subprocess.run(command, input=b"first\n", capture_output=True, timeout=60)
    seconds = time.monotonic() - begin
    if done.returncode != 0:
        raise Broken(f"kcat: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return seconds


def start_and_first_produce(broker, load, sizes, samples):
    prepared_s = broker.empty()
    samples.add("prepare", broker, prepared_s)
    load.touch_file(sizes.file_gb, broker.dir)
    samples.add("first start", broker, broker.start())
    broker.wait_until_idle()
    samples.add("first produce, kcat", broker, _kcat_first_produce_s(broker, "by-kcat"))
    samples.add("further produce, kcat", broker, _kcat_first_produce_s(broker, "by-kcat-again"))
    broker.stop()

    load.touch_file(sizes.file_gb, broker.dir)
    samples.add("restart", broker, broker.start())
    broker.wait_until_idle()
    # Without waiting for more records, as a program that sends one and asks for its offset.
    first = load.run("first-produce", "--broker", broker.address, "--topic", "by-load", "--set", "linger.ms=0")
    samples.add("first produce, librdkafka", broker, first["seconds"])


def idle(broker, load, sizes, samples):
    broker.empty()
    load.touch_file(sizes.file_gb, broker.dir)
    broker.start()
    broker.wait_until_idle()
    with Interval(broker, samples) as used:
        time.sleep(sizes.idle_s)
    rss, uss = measure.memory_mb(broker.pid)
    samples.add("idle RSS", broker, rss)
    samples.add("idle USS", broker, uss)
    samples.add("idle CPU", broker, 100 * used.cpu_s / used.seconds)
    samples.add("idle wake-ups", broker, used.switches / used.seconds)


def _produce_request_bytes(answer):
    """Payload bytes in the average Produce request, from the client's own statistics."""
    requests = sum(one["req"].get("Produce", 0) for one in (answer["statistics"] or {"brokers": {}})["brokers"].values())
    return answer["bytes"] / requests if requests else None


def _start_for_load(broker, load, sizes, topic):
    """Up, idle, and with the topic made: one record is in it."""
    broker.empty()
    load.touch_file(sizes.file_gb, broker.dir)
    broker.start()
    broker.wait_until_idle()
    load.run("first-produce", "--broker", broker.address, "--topic", topic)


def produce_small(broker, load, sizes, samples):
    _start_for_load(broker, load, sizes, "small")
    # Half as much goes before, so that the JVM has compiled what it will run.
    produce(load, broker.address, "warm", sizes.small_records // 2, 100)
    answer = measured("100 B produce", broker, sizes, samples, load,
                       lambda: produce(load, broker.address, "small", sizes.small_records, 100))
    if request_bytes := _produce_request_bytes(answer):
        samples.add("100 B produce, request", broker, request_bytes / 1e3)
    samples.add("RSS after 100 B load", broker, measure.memory_mb(broker.pid)[0])


def produce_and_consume_large(broker, load, sizes, samples):
    _start_for_load(broker, load, sizes, "large")
    warm = sizes.large_records // 2
    produce(load, broker.address, "warm", warm, KILOBYTE)
    consume(load, broker.address, "warm", warm)
    answer = measured("1 KB produce", broker, sizes, samples, load,
                       lambda: produce(load, broker.address, "large", sizes.large_records, KILOBYTE))
    if request_bytes := _produce_request_bytes(answer):
        samples.add("1 KB produce, request", broker, request_bytes / 1e3)
    # With the record that made the topic.
    measured("1 KB consume", broker, sizes, samples, load,
              lambda: consume(load, broker.address, "large", sizes.large_records + 1))
    rss, uss = measure.memory_mb(broker.pid)
    samples.add("RSS after 1 KB load", broker, rss)
    samples.add("USS after 1 KB load", broker, uss)


def _one_record_more(broker, sizes):
    """In each of the partitions."""
    client = AdminClient(broker.address)
    for number in range(10):
        client.produce_one_to_each(f"many-{number}", sizes.topic_partitions)
    client.close()


def ten_thousand_partitions(broker, load, sizes, samples):
    broker.empty()
    broker.start()
    broker.wait_until_idle()
    client = AdminClient(broker.address)
    begin = time.monotonic()
    for number in range(10):
        client.create_topics([f"many-{number}"], sizes.topic_partitions)
    samples.add("create 10,000 partitions", broker, time.monotonic() - begin)
    broker.wait_until_idle()
    samples.add("RSS with 10,000 partitions", broker, measure.memory_mb(broker.pid)[0])
    seconds = []
    for _ in range(40):
        begin = time.monotonic()
        size = client.metadata_size()
        seconds.append(time.monotonic() - begin)
        if size < 10 * sizes.topic_partitions * 20:
            raise Broken(f"Metadata of {10 * sizes.topic_partitions} partitions in {size} bytes")
    # The second half: the JVM has compiled by then what it runs.
    samples.add("Metadata of 10,000 partitions", broker, sorted(seconds[20:])[10])
    client.close()
    broker.stop()
    samples.add("restart with 10,000 partitions", broker, broker.start())
    _one_record_more(broker, sizes)
    begin = time.monotonic()
    broker.stop()
    samples.add("stop with 10,000 records", broker, time.monotonic() - begin)
    samples.add("restart with 10,000 records", broker, broker.start())
    _one_record_more(broker, sizes)
    broker.kill()
    samples.add("start after kill -9 with 10,000 records", broker, broker.start())
    broker.set_aside()


def _transactions(broker, load, topic, records, transactional_id):
    return load.run("transactions", "--broker", broker.address, "--topic", topic, "--records", records, "--size", KILOBYTE,
                    "--every", 100, "--set", f"linger.ms=5,transactional.id={transactional_id}")


def transactional_produce(broker, load, sizes, samples):
    """Beside the plain produce of the same broker in the same start: the two are compared, too."""
    _start_for_load(broker, load, sizes, "plain")
    load.run("first-produce", "--broker", broker.address, "--topic", "transactional")
    warm = sizes.large_records // 2
    _transactions(broker, load, "warm", warm, "warm")
    produce(load, broker.address, "warm-plain", warm, KILOBYTE)
    measured("beside transactional", broker, sizes, samples, load,
              lambda: produce(load, broker.address, "plain", sizes.large_records, KILOBYTE))
    answer = measured("transactional produce", broker, sizes, samples, load,
                       lambda: _transactions(broker, load, "transactional", sizes.large_records, "measured"))
    plain = samples.of("beside transactional, CPU", broker.name)[-1]
    samples.add("transactional to plain", broker, samples.of("transactional produce, CPU", broker.name)[-1] / plain)
    samples.add("transactions a second", broker, answer["transactions"] / answer["seconds"])
    if request_bytes := _produce_request_bytes(answer):
        samples.add("transactional produce, request", broker, request_bytes / 1e3)


def _commits(broker, load, count, transactional_id):
    return load.run("commits", "--broker", broker.address, "--topic", "small", "--count", count, "--rate", 1000,
                    "--set", f"linger.ms=0,transactional.id={transactional_id}")


def small_transactions(broker, load, sizes, samples):
    _start_for_load(broker, load, sizes, "small")
    _commits(broker, load, 2 * sizes.commits, "warm")
    os.sync()
    with Interval(broker, samples) as used:
        answer = _commits(broker, load, sizes.commits, "measured")
        used.client_cpu_s = answer["cpu_s"]
    samples.add("commit p50", broker, answer["commit_p50"])
    samples.add("commit p99", broker, answer["commit_p99"])
    samples.add("small transaction p50", broker, answer["whole_p50"])
    samples.add("small transactions a second", broker, answer["transactions"] / answer["seconds"])
    samples.add("CPU of a small transaction", broker, 1000 * used.cpu_s / answer["transactions"])
    # The same with a client that can do more than a thousand a second, and the second transaction protocol.
    load.run_wire(broker, "transactions", "--count", 2 * sizes.commits, "--rate", 1000)
    os.sync()
    with Interval(broker, samples) as used:
        answer = load.run_wire(broker, "transactions", "--count", sizes.commits, "--rate", 1000)
        used.client_cpu_s = answer["cpu_s"]
    samples.add("paced commit p50", broker, answer["commit_p50"])
    samples.add("paced commit p99", broker, answer["commit_p99"])
    samples.add("paced transactions a second", broker, answer["transactions"] / answer["seconds"])


def _java_hash(text):
    """String.hashCode, which tells an id's partition of __transaction_state."""
    value = 0
    for letter in text:
        value = (31 * value + ord(letter)) & 0xffffffff
    return value & 0x7fffffff


def reload_of_transactional_ids(broker, load, sizes, samples):
    broker.empty()
    load.touch_file(sizes.file_gb, broker.dir)
    broker.start()
    broker.wait_until_idle()
    client = AdminClient(broker.address)
    names = [f"transactional-id-{number}" for number in range(sizes.transactional_ids)]
    client.init_producer_ids(names)
    client.close()
    broker.stop()
    os.sync()
    one_of_each_partition = list({_java_hash(name) % 50: name for name in names}.values())
    begin = time.monotonic()
    broker.start()
    client = AdminClient(broker.address)
    client.init_producer_ids(one_of_each_partition)
    samples.add("reload of transactional ids", broker, time.monotonic() - begin)
    client.close()
    broker.wait_until_idle()
    samples.add("RSS with transactional ids", broker, measure.memory_mb(broker.pid)[0])


def many_topics(broker, load, sizes, samples):
    """Milena alone: the JVM takes the better part of an hour to make the topics."""
    if broker.name != Milena.name:
        return
    broker.empty()
    broker.settings = NO_SNAPSHOT
    broker.start()
    client = AdminClient(broker.address)
    for first in range(0, sizes.topics, 1000):
        client.create_topics([f"topic-{number}" for number in range(first, first + 1000)], 1)
    client.close()
    broker.stop()
    load.touch_file(sizes.file_gb, broker.dir)
    samples.add("restart, topics in the log", broker, broker.start())
    broker.stop()
    broker.settings = SNAPSHOT_AT_ONCE
    broker.start()
    _wait_for_snapshot(broker, sizes)
    broker.stop()
    broker.settings = NO_SNAPSHOT
    load.touch_file(sizes.file_gb, broker.dir)
    samples.add("restart, topics in a snapshot", broker, broker.start())
    client = AdminClient(broker.address)
    if client.metadata_size() < sizes.topics * 20:
        raise Broken("topics are missing after the restart")
    client.close()
    broker.settings = {}


def _wait_for_snapshot(broker, sizes, deadline_s=120):
    """One that is large enough to hold the topics."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        for path in (broker.data_dir / "__cluster_metadata-0").glob("*.checkpoint"):
            if path.stat().st_size > sizes.topics * 50:
                return
        time.sleep(0.05)
    raise Broken("no snapshot of the metadata was written")


GROUPS = {
    "start": start_and_first_produce,
    "idle": idle,
    "produce-100": produce_small,
    "records-1k": produce_and_consume_large,
    "topics": ten_thousand_partitions,
    "transactions-1k": transactional_produce,
    "commits": small_transactions,
    "transactional-ids": reload_of_transactional_ids,
    "replay": many_topics,
    "groups": groups,
    **tls_figures.GROUPS,
    **cluster_figures.GROUPS,
}
