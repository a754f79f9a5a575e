"""Configurations: described, set whole, altered bit by bit, listed; of topics, brokers, loggers, groups, client metrics."""

from rows import LONG, ODD_NAMES, label_of, rows

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
KINDS = (0, 1, 3, 5, 7, 64, 127, -1)
SET, DELETE, APPEND, SUBTRACT = range(4)

# Of a topic: key, value. The message has Kafka's answer to each.
TOPIC_VALUES = [
    ("no.such", "1"), ("", "1"), (" ", "1"), (LONG, "1"), ("retention.ms", "x"), ("retention.ms", ""), ("retention.ms", None),
    ("retention.ms", "-2"), ("retention.ms", "99999999999999999999"), ("retention.ms", "5.0"), ("retention.ms", " 5 "),
    ("retention.bytes", "x"), ("segment.bytes", "1"), ("segment.bytes", "2147483648"), ("segment.ms", "0"), ("segment.jitter.ms", "-1"),
    ("segment.index.bytes", "3"), ("cleanup.policy", "x"), ("cleanup.policy", ""), ("cleanup.policy", "compact,compact"),
    ("cleanup.policy", None), ("compression.type", "zip"), ("compression.type", "GZIP"), ("compression.gzip.level", "0"),
    ("compression.lz4.level", "18"), ("compression.zstd.level", "99"), ("min.insync.replicas", "0"), ("min.insync.replicas", "2147483648"),
    ("min.cleanable.dirty.ratio", "1.5"), ("min.cleanable.dirty.ratio", "x"), ("min.cleanable.dirty.ratio", "NaN"),
    ("unclean.leader.election.enable", "yes"), ("unclean.leader.election.enable", "TRUE"), ("preallocate", "1"),
    ("message.timestamp.type", "Never"), ("message.timestamp.before.max.ms", "-1"), ("max.message.bytes", "-1"),
    ("message.format.version", "0.10.0"), ("message.downconversion.enable", "true"), ("flush.messages", "0"), ("flush.ms", "-1"),
    ("index.interval.bytes", "-1"), ("delete.retention.ms", "-1"), ("file.delete.delay.ms", "-1"), ("max.compaction.lag.ms", "0"),
    ("min.compaction.lag.ms", "-1"), ("remote.storage.enable", "true"), ("remote.storage.enable", "x"), ("local.retention.ms", "-3"),
    ("local.retention.bytes", "-3"), ("leader.replication.throttled.replicas", "x"), ("follower.replication.throttled.replicas", "0:1,"),
]
BROKER_VALUES = [
    ("no.such", "1"), ("", "1"), ("log.retention.ms", "x"), ("log.retention.ms", "-5"), ("log.retention.ms", None), ("log.retention.hours", "5"),
    ("node.id", "5"), ("log.dirs", "/x"), ("num.network.threads", "0"), ("num.network.threads", "x"), ("num.io.threads", "0"),
    ("num.io.threads", "1000"), ("num.replica.fetchers", "0"), ("background.threads", "0"), ("log.cleaner.threads", "-1"),
    ("compression.type", "zip"), ("log.cleanup.policy", "x"), ("message.max.bytes", "-1"), ("max.connections", "-1"),
    ("max.connections.per.ip.overrides", "x"), ("max.connection.creation.rate", "0"), ("min.insync.replicas", "0"),
    ("listeners", "x"), ("advertised.listeners", "PLAINTEXT://elsewhere:1"), ("log.segment.bytes", "1"), ("log.roll.ms", "0"),
    ("metric.reporters", "no.such.Reporter"), ("leader.replication.throttled.rate", "-1"), ("follower.replication.throttled.rate", "x"),
    ("log.message.timestamp.type", "x"), ("unclean.leader.election.enable", "x"), ("log.preallocate", "x"),
    ("listener.name.nowhere.max.connections", "5"), ("ssl.keystore.type", "x"), ("producer.id.expiration.ms", "0"),
    ("transaction.partition.verification.enable", "x"),
]
GROUP_VALUES = [
    ("no.such", "1"), ("", "1"), ("consumer.session.timeout.ms", "x"), ("consumer.session.timeout.ms", "1"),
    ("consumer.session.timeout.ms", "99999999"), ("consumer.heartbeat.interval.ms", "0"), ("consumer.heartbeat.interval.ms", "99999999"),
    ("consumer.session.timeout.ms", None), ("share.auto.offset.reset", "x"), ("share.auto.offset.reset", "by_duration:PT1H"),
    ("share.auto.offset.reset", "by_duration:x"), ("share.isolation.level", "x"), ("share.record.lock.duration.ms", "1"),
    ("share.session.timeout.ms", "1"), ("share.heartbeat.interval.ms", "1"), ("share.delivery.count.limit", "1"),
    ("share.partition.max.record.locks", "1"), ("streams.session.timeout.ms", "1"), ("streams.heartbeat.interval.ms", "1"),
    ("streams.num.standby.replicas", "-1"), ("streams.num.standby.replicas", "99"), ("streams.initial.rebalance.delay.ms", "-1"),
]
METRIC_VALUES = [
    ("no.such", "1"), ("", "1"), ("interval.ms", "x"), ("interval.ms", "1"), ("interval.ms", "99999999"), ("interval.ms", "-1"),
    ("interval.ms", None), ("metrics", ""), ("metrics", "*"), ("metrics", "a,b"), ("match", "nonsense"), ("match", "no_such=1"),
    ("match", "client_id=["), ("match", "client_id="), ("match", ""), ("match", "client_id=a,client_id=b"),
]


def describe_rows(target):
    topic = target.topic()

    def body(kind, name, keys=("retention.ms", "no.such", "")):
        return {"Resources": [{"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": keys if keys is None else list(keys)}]}

    for kind in KINDS:
        yield f"kind {kind}", body(kind, "x")
    for name in (*ODD_NAMES, "__cluster_metadata"):
        yield f"topic {label_of(name)}", body(TOPIC, name)
    for name in ("", "9", "-1", "x", "1.0", " 1", LONG, "2147483648"):
        yield f"broker {label_of(name)}", body(BROKER, name)
        yield f"logger {label_of(name)}", body(BROKER_LOGGER, name, ["no.such.logger"])
    for name in ("", "nobody", LONG, "a/b"):
        yield f"group {label_of(name)}", body(GROUP, name)
        yield f"client metrics {label_of(name)}", body(CLIENT_METRICS, name)
    one = body(TOPIC, topic)["Resources"]
    yield "twice", {"Resources": one * 2}
    yield "key twice", body(TOPIC, topic, ["retention.ms", "retention.ms"])
    yield "no keys", body(TOPIC, topic, [])
    yield "none", {"Resources": []}
    yield "null resources", {"Resources": None}
    yield "null name", body(TOPIC, None)
    yield "good and bad", {"Resources": one + body(TOPIC, "nowhere")["Resources"] + body(99, "x")["Resources"]}


rows("describe configs", "DescribeConfigs", describe_rows)


def resource_rows(target, change, body):
    """The rows that both ways of altering share. `change(key, value)` makes one configuration of the request."""
    topic = target.topic()
    good = change("retention.ms", "3600000")

    def one(kind, name, *configs):
        return {"ResourceType": kind, "ResourceName": name, "Configs": list(configs)}

    for kind in KINDS:
        yield f"kind {kind}", body(one(kind, "x", good))
    for name in (*ODD_NAMES, "__cluster_metadata"):
        yield f"topic {label_of(name)}", body(one(TOPIC, name, good))
    for name in ("9", "-1", "x", "1.0", LONG, "2147483648"):
        yield f"broker {label_of(name)}", body(one(BROKER, name, change("log.retention.ms", "3600000")))
        yield f"logger {label_of(name)}", body(one(BROKER_LOGGER, name, change("kafka", "INFO")))
    for name in ("", LONG, "a/b"):
        yield f"group {label_of(name)}", body(one(GROUP, name, change("consumer.session.timeout.ms", "50000")))
        yield f"client metrics {label_of(name)}", body(one(CLIENT_METRICS, name, change("interval.ms", "50000")))
    for kind, name, values in ((TOPIC, topic, TOPIC_VALUES), (BROKER, "1", BROKER_VALUES), (BROKER, "", BROKER_VALUES),
                               (GROUP, "g", GROUP_VALUES), (CLIENT_METRICS, "m", METRIC_VALUES)):
        for key, value in values:
            yield f"{kind} {name and name[:6]} {label_of(key)}={value}", body(one(kind, name, change(key, value)))
    yield "key twice", body(one(TOPIC, topic, good, change("retention.ms", "5")))
    yield "resource twice", body(one(TOPIC, topic, good), one(TOPIC, topic, good))
    yield "resource thrice", body(*[one(TOPIC, topic, good)] * 3)
    yield "no configs", body(one(TOPIC, topic))
    yield "no configs of nothing", body(one(TOPIC, "nowhere"))
    yield "none", body()
    yield "null resources", {"Resources": None}
    yield "null configs", body({"ResourceType": TOPIC, "ResourceName": topic, "Configs": None})
    yield "null key", body(one(TOPIC, topic, change(None, "x")))
    yield "good and bad keys", body(one(TOPIC, topic, good, change("no.such", "1")))
    yield "good and bad resources", body(one(TOPIC, topic, good), one(TOPIC, "nowhere", good), one(99, "x", good))
    yield "lags crossed", body(one(TOPIC, topic, change("min.compaction.lag.ms", "10"), change("max.compaction.lag.ms", "5")))
    yield "two brokers", body(one(BROKER, "1", change("log.roll.ms", "100000")), one(BROKER, "", change("log.roll.ms", "100000")))


def validate(*resources):
    return {"Resources": list(resources), "ValidateOnly": True}


def alter_rows(target):
    yield from resource_rows(target, lambda key, value: {"Name": key, "Value": value}, validate)


rows("alter configs", "AlterConfigs", alter_rows)


def incremental_rows(target):
    def change(key, value, operation=SET):
        return {"Name": key, "ConfigOperation": operation, "Value": value}

    yield from resource_rows(target, change, validate)
    topic = target.topic(configs={"cleanup.policy": "compact"})

    def one(*configs, kind=TOPIC, name=topic):
        return validate({"ResourceType": kind, "ResourceName": name, "Configs": list(configs)})

    for operation in (4, -1, 127):
        yield f"operation {operation}", one(change("retention.ms", "5", operation))
    yield "append to a number", one(change("retention.ms", "5", APPEND))
    yield "subtract from a number", one(change("retention.ms", "5", SUBTRACT))
    yield "append", one(change("cleanup.policy", "delete", APPEND))
    yield "append what is there", one(change("cleanup.policy", "compact", APPEND))
    yield "append nonsense", one(change("cleanup.policy", "x", APPEND))
    yield "append null", one(change("cleanup.policy", None, APPEND))
    yield "append nothing", one(change("cleanup.policy", "", APPEND))
    yield "subtract", one(change("cleanup.policy", "compact", SUBTRACT))
    yield "subtract what is not there", one(change("cleanup.policy", "delete", SUBTRACT))
    yield "subtract null", one(change("cleanup.policy", None, SUBTRACT))
    yield "append to an unknown key", one(change("no.such", "x", APPEND))
    yield "delete an unknown key", one(change("no.such", None, DELETE))
    yield "delete what is not set", one(change("retention.ms", None, DELETE))
    yield "delete with a value", one(change("cleanup.policy", "delete", DELETE))
    yield "set and delete", one(change("retention.ms", "5"), change("retention.ms", None, DELETE))
    yield "append twice", one(change("cleanup.policy", "delete", APPEND), change("cleanup.policy", "delete", APPEND))
    for key, value in (("kafka.server", "DEBUG"), ("kafka.server", "LOUD"), ("kafka.server", ""), ("kafka.server", None), ("no.such", "INFO"),
                       ("", "INFO"), ("root", "INFO")):
        for operation in (SET, DELETE, APPEND, SUBTRACT):
            yield f"logger {key}={value} operation {operation}", one(change(key, value, operation), kind=BROKER_LOGGER, name="1")
    for key in ("log.retention.ms", "no.such", "node.id", "min.insync.replicas"):
        for name in ("1", ""):
            yield f"broker {name!r} delete {key}", one(change(key, None, DELETE), kind=BROKER, name=name)
    yield "broker append", one(change("log.cleanup.policy", "compact", APPEND), kind=BROKER, name="")
    yield "broker subtract all", one(change("log.cleanup.policy", "delete", SUBTRACT), kind=BROKER, name="")


rows("incremental alter configs", "IncrementalAlterConfigs", incremental_rows)


def list_rows(target):
    for kinds in ([], [TOPIC], [BROKER], [BROKER_LOGGER], [CLIENT_METRICS], [GROUP], [0], [1], [99], [-1], [TOPIC, TOPIC], [TOPIC, 99],
                  [CLIENT_METRICS, GROUP], None):
        yield f"kinds {kinds}", {"ResourceTypes": kinds}


rows("list config resources", "ListConfigResources", list_rows)
