"""The checks of aiokafka against the broker named on the command line."""

import asyncio
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

from checks import Checks, equal  # noqa: E402

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition  # noqa: E402
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # noqa: E402
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # noqa: E402

ADDRESS = sys.argv[1]
DEADLINE_S = 60
COUNT = 2000
checks = Checks()


def fresh(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


async def make_topic(name, partitions=1):
    admin = AIOKafkaAdminClient(bootstrap_servers=ADDRESS)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()


async def read(consumer, count):
    """The next `count` records of a started consumer."""
    records = []

    async def fill():
        while len(records) < count:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records.extend(batch)
    await asyncio.wait_for(fill(), DEADLINE_S)
    return records


async def codecs():
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        with checks.check(f"produce and consume, {codec or 'no compression'}"):
            topic = fresh("codec")
            async with AIOKafkaProducer(bootstrap_servers=ADDRESS, compression_type=codec, enable_idempotence=True) as producer:
                sent = [await producer.send(topic, b"value %d" % number, key=b"%d" % number, headers=[("n", b"%d" % number)])
                        for number in range(COUNT)]
                offsets = [(await one).offset for one in sent]
            equal(offsets, list(range(COUNT)), "offsets")
            async with AIOKafkaConsumer(topic, bootstrap_servers=ADDRESS, auto_offset_reset="earliest") as consumer:
                records = await read(consumer, COUNT)
            equal([record.value for record in records], [b"value %d" % number for number in range(COUNT)], "values")
            equal(records[7].headers, (("n", b"7"),), "headers")


async def first_use():
    with checks.check("a topic is made by its first record, at once"):
        async with AIOKafkaProducer(bootstrap_servers=ADDRESS) as producer:
            made = await asyncio.wait_for(producer.send_and_wait(fresh("first-use"), b"hello"), 10)
        equal(made.offset, 0, "offset")


class Owned(ConsumerRebalanceListener):
    """Which partitions a member has now."""

    def __init__(self):
        self.partitions = set()
        self.changed = asyncio.Condition()

    async def on_partitions_revoked(self, revoked):
        async with self.changed:
            self.partitions -= set(revoked)
            self.changed.notify_all()

    async def on_partitions_assigned(self, assigned):
        async with self.changed:
            self.partitions = set(assigned)
            self.changed.notify_all()

    async def wait_for_count(self, count):
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: len(self.partitions) == count), DEADLINE_S)


async def groups():
    topic, group = fresh("shared"), fresh("group")
    await make_topic(topic, 4)

    async def member():
        owned = Owned()
        consumer = AIOKafkaConsumer(bootstrap_servers=ADDRESS, group_id=group, auto_offset_reset="earliest",
                                    enable_auto_commit=False, heartbeat_interval_ms=300)
        consumer.subscribe([topic], listener=owned)
        await consumer.start()
        return consumer, owned

    with checks.check("a group shares four partitions, and shares again when a member leaves"):
        first, first_owned = await member()
        await first_owned.wait_for_count(4)
        second, second_owned = await member()
        await asyncio.gather(first_owned.wait_for_count(2), second_owned.wait_for_count(2))
        equal(first_owned.partitions & second_owned.partitions, set(), "partitions of both")
        await second.stop()
        await first_owned.wait_for_count(4)
        await first.stop()

    with checks.check("committed offsets are where a group goes on"):
        async with AIOKafkaProducer(bootstrap_servers=ADDRESS) as producer:
            for number in range(100):
                await producer.send_and_wait(topic, b"%d" % number, partition=0)
        consumer, _ = await member()
        try:
            records = await read(consumer, 100)
            equal(len(records), 100, "records")
            await consumer.commit({TopicPartition(topic, 0): (40, "so far")})
        finally:
            await consumer.stop()
        consumer, _ = await member()
        try:
            equal(await consumer.committed(TopicPartition(topic, 0)), 40, "committed offset")
            equal([record.offset for record in await read(consumer, 60)], list(range(40, 100)), "offsets")
        finally:
            await consumer.stop()


async def lookups():
    with checks.check("offsets by time, beginning, end, and seek"):
        topic = fresh("times")
        async with AIOKafkaProducer(bootstrap_servers=ADDRESS) as producer:
            for number in range(50):
                await producer.send_and_wait(topic, b"x", timestamp_ms=1_700_000_000_000 + number * 1000)
        partition = TopicPartition(topic, 0)
        async with AIOKafkaConsumer(bootstrap_servers=ADDRESS) as consumer:
            consumer.assign([partition])
            found = await consumer.offsets_for_times({partition: 1_700_000_000_000 + 20_500})
            equal((found[partition].offset, found[partition].timestamp), (21, 1_700_000_021_000), "by time")
            equal((await consumer.beginning_offsets([partition]), await consumer.end_offsets([partition])),
                  ({partition: 0}, {partition: 50}), "ends")
            consumer.seek(partition, 48)
            equal([record.offset for record in await read(consumer, 2)], [48, 49], "after seek")


async def transactions():
    with checks.check("transactions: a committed one is read with its offsets, an aborted one is not"):
        source, target, group = fresh("from"), fresh("to"), fresh("copier")
        await make_topic(source)
        await make_topic(target)
        async with AIOKafkaProducer(bootstrap_servers=ADDRESS, transactional_id=fresh("tx")) as producer:
            async with producer.transaction():
                await producer.send_and_wait(target, b"kept")
                await producer.send_offsets_to_transaction({TopicPartition(source, 0): 5}, group)
            try:
                async with producer.transaction():
                    await producer.send_and_wait(target, b"dropped")
                    raise KeyError("abort")
            except KeyError:
                pass
            async with producer.transaction():
                await producer.send_and_wait(target, b"kept too")
        async with AIOKafkaConsumer(target, bootstrap_servers=ADDRESS, auto_offset_reset="earliest",
                                    isolation_level="read_committed") as consumer:
            equal([record.value for record in await read(consumer, 2)], [b"kept", b"kept too"], "values")
        async with AIOKafkaConsumer(bootstrap_servers=ADDRESS, group_id=group, enable_auto_commit=False) as consumer:
            consumer.assign([TopicPartition(source, 0)])
            equal(await consumer.committed(TopicPartition(source, 0)), 5, "offset of the transaction")


async def administration():
    admin = AIOKafkaAdminClient(bootstrap_servers=ADDRESS)
    await admin.start()
    try:
        topic = fresh("admin")
        with checks.check("admin: create, describe, grow, configure, delete"):
            await admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"retention.ms": "1000"})])
            equal([len(one["partitions"]) for one in await admin.describe_topics([topic])], [2], "partitions")
            answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            values = {row[0]: row[1] for answer in answers for resource in answer.resources for row in resource[4]}
            equal(values["retention.ms"], "1000", "retention.ms")
            await admin.delete_topics([topic])
            equal(topic in await admin.list_topics(), False, "still listed")
        with checks.check("admin: groups are listed and described"):
            group = fresh("listed")
            async with AIOKafkaConsumer(fresh("any"), bootstrap_servers=ADDRESS, group_id=group):
                listed = await admin.list_consumer_groups()
                equal(group in [name for name, _ in listed], True, f"{group} among {listed}")
                described = await admin.describe_consumer_groups([group])
                equal([(one.groups[0][1], one.groups[0][3]) for one in described], [(group, "consumer")], "description")
    finally:
        await admin.close()


async def main():
    for part in (first_use, codecs, groups, lookups, transactions, administration):
        await part()


asyncio.run(main())
sys.exit(checks.finish())
