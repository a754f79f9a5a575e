"""Writes the samples as a table in Markdown: the columns of the figures to show."""

import dataclasses
import statistics

import brokers

MILENA = brokers.Milena.name
KAFKA = brokers.Kafka.name


@dataclasses.dataclass
class Row:
    title: str
    figure: str
    unit: str            # "ms", or what is written behind the number
    digits: int = 1
    limit: float = None  # in the unit; reached when Milena's median is at most this
    share: float = None  # or: at most this share of the JVM's median
    times: float = None  # or: at least so many times the JVM's median
    target: str = ""     # as written in the table


ROWS = [
    Row("exec to first ApiVersions answer, empty directory", "first start", "ms", limit=60, target="≤ 60 ms"),
    Row("exec to first ApiVersions answer, restart", "restart", "ms", limit=15, target="≤ 15 ms"),
    Row("first produce to a new topic, kcat (whole run)", "first produce, kcat", "ms", limit=50, target="≤ 50 ms"),
    Row("the same, to a second new topic", "further produce, kcat", "ms"),
    Row("first produce to a new topic, librdkafka (to its report)", "first produce, librdkafka", "ms", limit=50, target="≤ 50 ms"),
    Row("idle memory, RSS", "idle RSS", "MB", limit=15, target="≤ 15 MB"),
    Row("idle memory, USS", "idle USS", "MB"),
    Row("idle CPU", "idle CPU", "%", digits=3),
    Row("idle wake-ups per second", "idle wake-ups", "", digits=2, limit=1, target="≤ 1"),
    Row("broker CPU per GB, 100 B produce, acks=1", "100 B produce, CPU", "s", digits=3, share=1 / 3, target="≤ a third of the JVM's"),
    Row("broker CPU per GB, 1 KB produce, acks=1", "1 KB produce, CPU", "s", digits=3, share=1 / 2, target="≤ half of the JVM's"),
    Row("broker CPU per GB, 1 KB consume", "1 KB consume, CPU", "s", digits=3, share=1 / 2, target="≤ half of the JVM's"),
    Row("throughput, 100 B produce", "100 B produce, throughput", "MB/s", digits=0),
    Row("throughput, 1 KB produce", "1 KB produce, throughput", "MB/s", digits=0),
    Row("throughput, 1 KB consume", "1 KB consume, throughput", "MB/s", digits=0),
    Row("payload of a Produce request, 100 B", "100 B produce, request", "KB", digits=0),
    Row("payload of a Produce request, 1 KB", "1 KB produce, request", "KB", digits=0),
    Row("broker CPU per GB, 1 KB produce, one transaction per 100 ms", "transactional produce, CPU", "s", digits=3, share=1 / 2,
        target="≤ half of the JVM's"),
    Row("broker CPU per GB, 1 KB produce without transactions, same start", "beside transactional, CPU", "s", digits=3),
    Row("the one divided by the other", "transactional to plain", "", digits=3, limit=1.15, target="≤ 1.15"),
    Row("throughput, 1 KB produce in transactions", "transactional produce, throughput", "MB/s", digits=0),
    Row("payload of a Produce request, in transactions", "transactional produce, request", "KB", digits=0),
    Row("transactions per second of that load", "transactions a second", "", digits=1),
    Row("commit of a small transaction, librdkafka, p50", "commit p50", "ms", digits=3, share=1 / 2, target="≤ half of the JVM's"),
    Row("the same, p99", "commit p99", "ms", digits=3),
    Row("a small transaction from begin to commit, p50", "small transaction p50", "ms", digits=3),
    Row("small transactions per second", "small transactions a second", "", digits=0),
    Row("broker CPU of a small transaction", "CPU of a small transaction", "ms of CPU", digits=3),
    Row("commit of a small transaction, KIP-890, 1000 per second, p50", "paced commit p50", "ms", digits=3, share=1 / 2, target="≤ half of the JVM's"),
    Row("the same, p99", "paced commit p99", "ms", digits=3),
    Row("transactions per second of that load", "paced transactions a second", "", digits=0),
    Row("restart with 100,000 transactional ids until all coordinators answer", "reload of transactional ids", "ms", limit=1000,
        target="≤ 1000 ms"),
    Row("memory with 100,000 transactional ids, RSS", "RSS with transactional ids", "MB"),
    Row("10 × CreateTopics of 1000 partitions, one client", "create 10,000 partitions", "ms", digits=0, limit=2000, target="≤ 2000 ms"),
    Row("memory with 10,000 partitions, RSS", "RSS with 10,000 partitions", "MB", limit=120, target="≤ 120 MB"),
    Row("Metadata of 10,000 partitions", "Metadata of 10,000 partitions", "ms", digits=2, share=1 / 3, target="≤ a third of the JVM's"),
    Row("restart with 10,000 partitions", "restart with 10,000 partitions", "ms"),
    Row("stop with a record in each of 10,000 partitions", "stop with 10,000 records", "ms"),
    Row("restart with a record in each of 10,000 partitions", "restart with 10,000 records", "ms"),
    Row("start after kill -9 with two records in each of 10,000 partitions", "start after kill -9 with 10,000 records", "ms"),
    Row("restart with 100,000 topics, read from the metadata log", "restart, topics in the log", "ms", digits=0, limit=1000, target="≤ 1000 ms"),
    Row("restart with 100,000 topics, read from a snapshot", "restart, topics in a snapshot", "ms", digits=0, limit=1000, target="≤ 1000 ms"),
    Row("classic group of 1000 on 1000 partitions, heartbeats of 200 ms: last join to stable", "one group, classic, fast",
        "s", digits=2, limit=2, target="≤ 2 s"),
    Row("the same, heartbeats of 3 s", "one group, classic, defaults", "s", digits=2, limit=7, target="≤ 7 s"),
    Row("the same, broker CPU", "one group, classic, defaults, CPU", "s", digits=2),
    Row("consumer group of 1000 on 1000 partitions, heartbeats of 200 ms: last join to stable", "one group, consumer, fast",
        "s", digits=2, limit=2, target="≤ 2 s"),
    Row("the same, heartbeats of 5 s", "one group, consumer, defaults", "s", digits=2, limit=11, target="≤ 11 s"),
    Row("the same, broker CPU", "one group, consumer, defaults, CPU", "s", digits=2),
    Row("10,000 classic groups of one member, heartbeats of 3 s, CPU", "many groups, classic, CPU", "%", limit=10, target="≤ 10 % of a core"),
    Row("the same, memory a group", "many groups, classic, memory", "bytes", digits=0, limit=4096, target="≤ 4096 bytes"),
    Row("10,000 consumer groups of one member, heartbeats of 5 s, CPU", "many groups, consumer, CPU", "%", limit=10, target="≤ 10 % of a core"),
    Row("the same, memory a group", "many groups, consumer, memory", "bytes", digits=0, limit=4096, target="≤ 4096 bytes"),
    Row("restart with 1,000,000 committed offsets, exec to the answer for every group", "reload of offsets", "ms", digits=0,
        limit=1000, target="≤ 1000 ms"),
    Row("what the cipher costs per GB (openssl speed, AES-256-GCM, 16 KB)", "cipher, CPU", "s", digits=3),
    Row("broker CPU per GB, 1 KB produce over TLS", "TLS produce, CPU", "s", digits=3, share=1 / 3, target="≤ a third of the JVM's"),
    Row("the same without TLS, same start", "beside TLS produce, CPU", "s", digits=3),
    Row("what TLS adds, in costs of the cipher", "TLS produce, in ciphers", "", digits=2, limit=1.3, target="≤ 1.3"),
    Row("throughput, 1 KB produce over TLS", "TLS produce, throughput", "MB/s", digits=0),
    Row("broker CPU per GB, 1 KB consume over TLS", "TLS consume, CPU", "s", digits=3, share=1 / 3, target="≤ a third of the JVM's"),
    Row("the same without TLS, same start", "beside TLS consume, CPU", "s", digits=3),
    Row("what TLS adds, in costs of the cipher", "TLS consume, in ciphers", "", digits=2, limit=1.3, target="≤ 1.3"),
    Row("throughput, 1 KB consume over TLS", "TLS consume, throughput", "MB/s", digits=0),
    Row("full handshakes per second of CPU, RSA 2048", "handshakes, full", "", digits=0),
    Row("resumed handshakes per second of CPU", "handshakes, resumed", "", digits=0),
    Row("memory of an idle connection with TLS", "memory of a TLS connection", "KB", limit=30, target="≤ 30 KB"),
    Row("memory after the 100 B load, RSS", "RSS after 100 B load", "MB"),
    Row("memory after the 1 KB load, RSS", "RSS after 1 KB load", "MB"),
    Row("memory after the 1 KB load, USS", "USS after 1 KB load", "MB"),
    Row("three brokers: start from nothing until all serve", "cluster start", "ms", digits=0, limit=500, target="≤ 500 ms"),
    Row("three brokers: restart until all serve and 30 partitions × 3 are in sync", "cluster restart", "ms", digits=0, limit=500,
        target="≤ 500 ms"),
    Row("three brokers and controller, idle, RSS of all processes together", "cluster idle RSS", "MB", limit=50, target="≤ 50 MB"),
    Row("the same, PSS", "cluster idle PSS", "MB"),
    Row("the same, CPU", "cluster idle CPU", "%", digits=3),
    Row("the same, wake-ups per second", "cluster idle wake-ups", "", digits=1, limit=10, target="≤ 10"),
    Row("kill -9 of a leader: longest time without an acknowledgement", "gap of a kill", "ms", digits=0, limit=500, target="≤ 500 ms"),
    Row("the same, the controller being JVM Kafka", "gap of a kill, JVM controller", "ms", digits=0, share=1,
        target="≤ the JVM's"),
    Row("orderly restart of a leader: longest time without an acknowledgement", "gap of a restart", "ms", digits=0, limit=100,
        target="≤ 100 ms"),
    Row("CPU of all nodes per GB, 1 KB produce, acks=all, 3 replicas", "cluster produce, CPU", "s", digits=3, share=1 / 3,
        target="≤ a third of the JVM's"),
    Row("throughput of that load", "cluster produce, throughput", "MB/s", digits=0),
    Row("acknowledgement of 1 KB, acks=all, 3 replicas, 1000 per second, p50", "acknowledged, p50", "ms", digits=3, share=1 / 2,
        target="≤ half of the JVM's"),
    Row("the same, p99", "acknowledged, p99", "ms", digits=3, share=1 / 2, target="≤ half of the JVM's"),
    Row("the same, CPU of all nodes", "acknowledged, CPU", "%"),
    Row("a follower catches up", "catching up, speed", "GB/s", digits=2, times=2, target="≥ twice the JVM's"),
    Row("the same, CPU of all nodes per GB", "catching up, CPU", "s", digits=3, share=1 / 2, target="≤ half of the JVM's"),
    Row("1,000 partitions × 3, kill -9 of a broker: all leaders elsewhere", "leaders elsewhere, 1,000", "ms", digits=0),
    Row("10,000 partitions × 3, kill -9 of a broker: all leaders elsewhere", "leaders elsewhere, 10,000", "ms", digits=0, limit=1000,
        target="≤ 1000 ms"),
]


# The JVM's directories are formatted first, which Milena does when it starts.
PREPARED = {"first start": "prepare", "cluster start": "cluster prepare"}


def progress(figure, broker, value):
    """One sample, as soon as it is there."""
    for row in ROWS:
        if row.figure == figure:
            return f"  {row.title}: {_text(row, [value])}" + (f" (goal: {row.target})" if row.target else "")
    return f"  {figure}: {value:.3f}"


def _in_unit(row, value):
    return value * 1000 if row.unit == "ms" else value


def _text(row, values):
    """Median, and least to most where there are several."""
    if not values:
        return "–"
    shown = [f"{_in_unit(row, value):.{row.digits}f}" for value in (statistics.median(values), min(values), max(values))]
    unit = f" {row.unit}" if row.unit else ""
    return f"{shown[0]}{unit}" + (f" ({shown[1]}–{shown[2]})" if len(values) > 1 else "")


def _reached(row, milena, kafka):
    if row.limit is None and row.share is None and row.times is None:
        return ""
    if milena is None or (row.limit is None and kafka is None):
        return "not measured"
    if row.times is not None:
        return "yes" if milena >= row.times * kafka else "**no**"
    limit = row.limit if row.limit is not None else row.share * _in_unit(row, kafka)
    return "yes" if _in_unit(row, milena) <= limit else "**no**"


def _line(row, samples, other):
    ours, theirs = samples.of(row.figure, MILENA), samples.of(row.figure, other)
    milena = statistics.median(ours) if ours else None
    kafka = statistics.median(theirs) if theirs else None
    kafka_text = _text(row, theirs)
    if row.figure in PREPARED and theirs and other == KAFKA:
        formatted = samples.of(PREPARED[row.figure], KAFKA)
        kafka += statistics.median(formatted)
        kafka_text += f" + format {_text(row, formatted)}"
    ratio = f"{milena / kafka:.3g}" if milena is not None and kafka else "–"
    shown = f"| {row.title} | {_text(row, ours)} | {kafka_text} | {ratio} |"
    return f"{shown} {row.target} | {_reached(row, milena, kafka)} |" if other == KAFKA else shown


def markdown(samples, other=KAFKA):
    """`other` is the name of the broker beside Milena. The goals are those beside the JVM, and only shown there."""
    lines = [f"| figure | {MILENA} | {other} | ratio |", "|---|---|---|---|"]
    if other == KAFKA:
        lines = [f"{lines[0]} to reach | reached? |", f"{lines[1]}---|---|"]
    lines += [_line(row, samples, other) for row in ROWS if samples.of(row.figure, MILENA) or samples.of(row.figure, other)]
    return "\n".join(lines)
