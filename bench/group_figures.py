"""The measurements of groups: how soon a large one is stable, what many small ones cost while they only beat, how long
committed offsets take to load. The members are played by milena_bench_wire, which is beside the load generator."""

import contextlib
import subprocess

import measure
from brokers import Broken
from intervals import Interval

FAST_BEAT_MS = 200
CLASSIC_BEAT_MS = 3000  # the clients' default; with the consumer protocol the broker says how often
FAST = {"group.consumer.min.heartbeat.interval.ms": 100, "group.consumer.heartbeat.interval.ms": FAST_BEAT_MS,
        "group.consumer.assignment.interval.ms": 0}


@contextlib.contextmanager
def _started(broker, **settings):
    """From nothing, with these settings besides the usual ones."""
    broker.settings = settings
    try:
        broker.empty()
        broker.start()
        yield
    finally:
        broker.settings = {}
        broker.stop()


def _one_group(broker, load, sizes, samples, protocol, beat_ms, settings, figure):
    with _started(broker, **settings):
        broker.wait_until_idle()
        with Interval(broker, samples) as used:
            answer = load.run_wire(broker, "one-group", "--members", sizes.members, "--partitions", sizes.members,
                          "--protocol", protocol, "--heartbeat-ms", beat_ms)
            used.client_cpu_s = answer["cpu_s"]
        samples.add(figure, broker, answer["seconds_after_last_join"])
        samples.add(f"{figure}, CPU", broker, used.cpu_s)


def _said(process, word):
    line = process.stdout.readline().strip()
    if line != word:
        process.kill()
        raise Broken(f"the members said {line!r}, not {word!r}: {process.stderr.read().strip()[-500:]}")


def _go_on(process):
    process.stdin.write("\n")
    process.stdin.flush()


def _many_groups(broker, load, sizes, samples, protocol, beat_ms):
    words = [load.wire_program(), "many-groups", "--port", broker.port, "--groups", sizes.groups, "--protocol", protocol,
             "--heartbeat-ms", beat_ms, "--seconds", sizes.beat_s]
    with _started(broker):
        members = subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        with members:
            # The connections are there, and one group, so that it is members alone that make the difference.
            _said(members, "connected")
            broker.wait_until_idle()
            _, before_mb = measure.memory_mb(broker.pid)
            _go_on(members)
            _said(members, "stable")
            _, after_mb = measure.memory_mb(broker.pid)
            with Interval(broker, samples) as used:
                members_before = measure.Usage.of(members.pid)
                _go_on(members)
                _said(members, "end")
                used.client_cpu_s = measure.Usage.of(members.pid).cpu_s_since(members_before)
            _go_on(members)
        samples.add(f"many groups, {protocol}, CPU", broker, 100 * used.cpu_s / used.seconds)
        samples.add(f"many groups, {protocol}, memory", broker, (after_mb - before_mb) * 1e6 / sizes.groups)


def _reload(broker, load, sizes, samples):
    size = ("--groups", sizes.offset_groups, "--partitions", sizes.offset_partitions)
    with _started(broker):
        load.run_wire(broker, "commit", *size)
        broker.stop()
        started_s = broker.start()
        answer = load.run_wire(broker, "fetch", *size)
        samples.add("reload of offsets", broker, started_s + answer["seconds"])


def groups(broker, load, sizes, samples):
    for protocol, beat_ms in (("classic", CLASSIC_BEAT_MS), ("consumer", 0)):
        _one_group(broker, load, sizes, samples, protocol, FAST_BEAT_MS, FAST, f"one group, {protocol}, fast")
        _one_group(broker, load, sizes, samples, protocol, beat_ms, {}, f"one group, {protocol}, defaults")
        _many_groups(broker, load, sizes, samples, protocol, beat_ms)
    _reload(broker, load, sizes, samples)
