"""Usage: scrape.py BROKER HTTP

Uses a broker as clients do, then reads its metrics with Prometheus' own Python library, in both formats and all names, and
compares what they say with what the clients know.
"""

import pathlib
import sys
import urllib.request

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "lib")]

import kafka
from kafka.structs import OffsetAndMetadata
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from checks import Checks

ALL_NAMES = "milena,jmx,jmx-bare,exporter,redpanda"
TOPIC = "scraped"
GROUP = "readers of \"scraped\" \\ gr\u00fc\u00dfe"


def page(http, names, accept="text/plain"):
    request = urllib.request.Request(f"{http}/metrics?names={names}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(families):
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


def use(broker):
    producer = kafka.KafkaProducer(bootstrap_servers=broker)
    for i in range(300):
        producer.send(TOPIC, value=b"value %d" % i, partition=0)
    producer.flush()
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker, group_id=GROUP, enable_auto_commit=False)
    partition = kafka.TopicPartition(TOPIC, 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    read = 0
    while read < 300:
        read += sum(len(records) for records in consumer.poll(timeout_ms=1000).values())
    consumer.commit({partition: OffsetAndMetadata(100, "", -1)})
    return producer, consumer, partition


def main():
    broker, http = sys.argv[1:3]
    checks = Checks("scrape: ")
    producer, consumer, partition = use(broker)

    with checks.check("prometheus_client reads the text format, all names"):
        kind, text = page(http, ALL_NAMES)
        assert kind.startswith("text/plain; version=0.0.4"), kind
        assert len(samples(parse_text(text))) > 300

    with checks.check("prometheus_client reads OpenMetrics, all names"):
        kind, text = page(http, "milena,jmx,exporter,redpanda", "application/openmetrics-text; version=1.0.0")
        assert kind.startswith("application/openmetrics-text"), kind
        assert len(samples(parse_openmetrics(text))) > 300

    with checks.check("counters with both names come in the text format, whatever is asked for"):
        kind, text = page(http, "jmx,jmx-bare", "application/openmetrics-text; version=1.0.0")
        assert kind.startswith("text/plain"), kind
        assert len(samples(parse_text(text))) > 50

    with checks.check("the figures are those that clients know"):
        found = samples(parse_text(page(http, ALL_NAMES)[1]))

        def value(name, **labels):
            return found[(name, tuple(sorted(labels.items())))]

        at = {"topic": TOPIC, "partition": "0"}
        assert value("milena_topic_records_in_total", topic=TOPIC) == 300
        assert value("kafka_server_brokertopicmetrics_messagesin_total", topic=TOPIC) == 300
        assert value("milena_partition_log_end_offset", **at) == consumer.end_offsets([partition])[partition] == 300
        assert value("milena_partition_log_start_offset", **at) == consumer.beginning_offsets([partition])[partition]
        assert value("milena_group_committed_offset", group=GROUP, **at) == consumer.committed(partition) == 100
        assert value("milena_group_lag", group=GROUP, **at) == 200
        assert value("kafka_consumergroup_lag", consumergroup=GROUP, **at) == 200
        assert value("redpanda_kafka_consumer_group_lag_sum", redpanda_group=GROUP) == 200
        assert value("milena_topic_bytes_in_total", topic=TOPIC) == value("milena_partition_size_bytes", **at)

    with checks.check("the lag in time grows while nobody reads"):
        first = dict(samples(parse_text(page(http, "milena")[1])))
        key = ("milena_group_lag_seconds", tuple(sorted({"group": GROUP, "topic": TOPIC, "partition": "0"}.items())))
        second = dict(samples(parse_text(page(http, "milena")[1])))
        assert second[key] > first[key] > 0, (first.get(key), second.get(key))

    consumer.close()
    producer.close()
    sys.exit(checks.finish())


if __name__ == "__main__":
    main()
