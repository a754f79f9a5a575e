"""The measurements of clusters of three brokers. Topics have three replicas; a record is acknowledged (acks=all) when all
replicas in sync have it, two at least (min.insync.replicas)."""

import contextlib
import os
import time

import clusters
from admin_client import AdminClient
from brokers import Kafka
from intervals import Interval

KILOBYTE = 1024
GB = 1e9
# Not the controller: it leads the partition that is written to.
LEADER, FOLLOWER = 2, 3
LED_BY_IT = [[2, 3, 1]]
FOLLOWED_BY_IT = [[1, 2, 3], [2, 1, 3]]
STEADY_RATE = 200
FAST_RATE = 1000


def _create(cluster, names, partitions=0, **placed):
    client = AdminClient(f"127.0.0.1:{cluster.nodes[0].port}")
    for name in names:
        client.create_topics([name], partitions, replicas=clusters.BROKERS, **placed)
    client.close()


def start(broker, load, sizes, samples):
    with clusters.emptied(broker, load) as cluster:
        samples.add("cluster prepare", broker, cluster.prepared_s)
        load.touch_file(sizes.file_gb, cluster.dir)
        samples.add("cluster start", broker, cluster.start())
        _create(cluster, ["some"], sizes.start_partitions)
        cluster.wait(partitions=sizes.start_partitions, in_sync=1)
        cluster.wait_until_idle()
        cluster.stop()
        load.touch_file(sizes.file_gb, cluster.dir)
        samples.add("cluster restart", broker, cluster.start(sizes.start_partitions))


def idle(broker, load, sizes, samples):
    with clusters.started(broker, load) as cluster:
        with Interval(cluster, samples) as used:
            time.sleep(sizes.idle_s)
        rss, pss = clusters.memory_mb(cluster)
    samples.add("cluster idle RSS", broker, rss)
    samples.add("cluster idle PSS", broker, pss)
    samples.add("cluster idle CPU", broker, 100 * used.cpu_s / used.seconds)
    samples.add("cluster idle wake-ups", broker, used.switches / used.seconds)


@contextlib.contextmanager
def _under_steady_load(cluster, sizes):
    """Yields the cluster and what ends the load; the load goes on for a while after what is done to the cluster."""
    _create(cluster, ["steady"], assignment=LED_BY_IT)
    cluster.wait(partitions=1, in_sync=1)
    with cluster.paced_producer("steady", STEADY_RATE, KILOBYTE, sizes.steady_warm) as end:
        def end_later():
            time.sleep(sizes.after_s)
            return end()
        yield end_later


def _gap_of_a_kill(broker, load, sizes, mixed=False):
    with clusters.started(broker, load, mixed) as cluster, _under_steady_load(cluster, sizes) as end:
        cluster.node(LEADER).kill()
        cluster.wait(nodes=cluster.survivors(), gone=LEADER)
        return end()["longest_gap"]


def kill(broker, load, sizes, samples):
    gap_s = _gap_of_a_kill(broker, load, sizes)
    samples.add("gap of a kill", broker, gap_s)
    if isinstance(broker, Kafka):
        samples.add("gap of a kill, JVM controller", broker, gap_s)
    elif broker.beside:
        samples.add("gap of a kill, JVM controller", broker, _gap_of_a_kill(broker, load, sizes, mixed=True))


def restart(broker, load, sizes, samples):
    with clusters.started(broker, load) as cluster, _under_steady_load(cluster, sizes) as end:
        cluster.node(LEADER).stop()
        cluster.node(LEADER).start()
        cluster.wait(brokers=clusters.BROKERS, partitions=1, in_sync=1)
        samples.add("gap of a restart", broker, end()["longest_gap"])


def _produce(cluster, load, topic, gb):
    return load.run("produce", "--broker", cluster.address, "--topic", topic, "--records", max(1, round(gb * GB / KILOBYTE)),
                    "--size", KILOBYTE, "--set", "acks=all,linger.ms=5", deadline_s=1200)


def produce(broker, load, sizes, samples):
    gb = sizes.jvm_produce_gb if isinstance(broker, Kafka) else sizes.produce_gb
    with clusters.started(broker, load) as cluster:
        _create(cluster, ["warm", "large"], clusters.BROKERS)
        cluster.wait(partitions=2 * clusters.BROKERS, in_sync=1)
        _produce(cluster, load, "warm", gb / 2)
        os.sync()
        load.touch_file(sizes.file_gb, cluster.dir)
        with Interval(cluster, samples) as used:
            answer = _produce(cluster, load, "large", gb)
            used.client_cpu_s = answer["cpu_s"]
    samples.add("cluster produce, CPU", broker, used.cpu_s / (answer["bytes"] / GB))
    samples.add("cluster produce, throughput", broker, answer["bytes"] / 1e6 / answer["seconds"])


def latency(broker, load, sizes, samples):
    with clusters.started(broker, load) as cluster:
        _create(cluster, ["paced"], assignment=LED_BY_IT)
        cluster.wait(partitions=1, in_sync=1)
        load.touch_file(sizes.file_gb, cluster.dir)
        os.sync()
        with cluster.paced_producer("paced", FAST_RATE, KILOBYTE, sizes.latency_warm, sizes.latency_records) as end, \
                Interval(cluster, samples) as used:
            answer = end()
    samples.add("acknowledged, p50", broker, answer["p50"])
    samples.add("acknowledged, p99", broker, answer["p99"])
    samples.add("acknowledged, CPU", broker, 100 * used.cpu_s / used.seconds)


def catch_up(broker, load, sizes, samples):
    with clusters.started(broker, load) as cluster:
        _create(cluster, ["behind"], assignment=FOLLOWED_BY_IT)
        cluster.wait(partitions=len(FOLLOWED_BY_IT), in_sync=1)
        follower = cluster.node(FOLLOWER)
        follower.stop()
        _produce(cluster, load, "behind", sizes.catch_up_gb)
        os.sync()
        load.touch_file(sizes.file_gb, cluster.dir)
        follower.start()
        begin_s = cluster.wait(brokers=clusters.BROKERS)
        with Interval(cluster, samples) as used:
            # It may have begun before the controller says that it is there.
            had = _log_bytes(follower)
            end_s = cluster.wait(partitions=len(FOLLOWED_BY_IT), in_sync=1)
        gb = (_log_bytes(follower) - had) / GB
    samples.add("catching up, speed", broker, gb / (end_s - begin_s))
    samples.add("catching up, CPU", broker, used.cpu_s / gb)


def _log_bytes(node):
    return sum(path.stat().st_size for path in node.data_dir.glob("behind-*/*.log"))


def _leaders_elsewhere_s(broker, load, sizes, partitions):
    topics = min(10, partitions)
    with clusters.started(broker, load) as cluster:
        _create(cluster, [f"many-{number}" for number in range(topics)], partitions // topics)
        cluster.wait(partitions=partitions // topics * topics, in_sync=1)
        cluster.wait_until_idle()
        with cluster.watch(nodes=[cluster.node(1), cluster.node(FOLLOWER)], gone=LEADER) as watch:
            begin_s = time.monotonic()
            cluster.node(LEADER).kill()
            return watch() - begin_s


def partitions(broker, load, sizes, samples):
    samples.add("leaders elsewhere, 1,000", broker, _leaders_elsewhere_s(broker, load, sizes, sizes.few_partitions))
    if not isinstance(broker, Kafka) or sizes.jvm_has_many:
        samples.add("leaders elsewhere, 10,000", broker, _leaders_elsewhere_s(broker, load, sizes, sizes.many_partitions))


GROUPS = {
    "cluster-start": start,
    "cluster-idle": idle,
    "cluster-kill": kill,
    "cluster-restart": restart,
    "cluster-produce": produce,
    "cluster-latency": latency,
    "cluster-catch-up": catch_up,
    "cluster-partitions": partitions,
}
