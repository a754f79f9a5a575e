"""Produce: batches that are wrong in one respect each, compressed garbage, decompression bombs, odd requests."""

import struct
import time
import uuid
import zlib

import batches
import messages
from batches import batch, compressed, record
from table import add, case
from target import produce_body


def wrong(make, versions):
    """One batch that Kafka refuses, or takes: the transcript says which; what follows it must go well."""
    def run(target):
        topic = target.topic()
        for version in versions:
            target.produce(topic, make(), version=version, label=f"v{version}")
        target.produce(topic, batch(), label="a good one")
    return run


def three():
    return [record(index) for index in range(3)]


ALL = (3, 7, 8, 9, 12, 13)
REFUSED = {
    "wrong crc": (lambda: batch(crc=1), ALL),
    "a record more than counted": (lambda: batch(three(), count=2), ALL),
    "a record less than counted": (lambda: batch(three(), count=4), (9,)),
    "count 0 with records": (lambda: batch(three(), count=0), (9,)),
    "count -1": (lambda: batch(three(), count=-1, last_delta=2), (9,)),
    "count 2^31-1": (lambda: batch(three(), count=2**31 - 1, last_delta=2**31 - 2), (9,)),
    "last offset delta too small": (lambda: batch(three(), last_delta=1), (9,)),
    "last offset delta too big": (lambda: batch(three(), last_delta=3), (9,)),
    "last offset delta negative": (lambda: batch(three(), last_delta=-1), (9,)),
    "no records": (lambda: batch([]), (3, 9)),
    "length a byte short": (lambda: batch(length=len(batch()) - 13), (9,)),
    "length a byte long": (lambda: batch(length=len(batch()) - 11), (9,)),
    "length 0": (lambda: batch(length=0), (9,)),
    "length -1": (lambda: batch(length=-1), (9,)),
    "length 10": (lambda: batch(length=10), (9,)),
    "length 2^31-1": (lambda: batch(length=2**31 - 1), (9,)),
    "magic 3": (lambda: batch(magic=3), ALL),
    "magic -1": (lambda: batch(magic=-1), (9,)),
    "magic 1": (lambda: batch(magic=1), (3, 9)),
    "magic 0": (lambda: batch(magic=0), (3, 9)),
    "control batch": (lambda: batch(attributes=batches.CONTROL, records=[
        record(0, value=b"\0\0\0\0\0\0", key=b"\0\0\0\1")]), (9,)),
    "control and transactional": (lambda: batch(attributes=batches.CONTROL | batches.TRANSACTIONAL, producer_id=1,
                                                producer_epoch=0, sequence=0), (9,)),
    "transactional without producer id": (lambda: batch(attributes=batches.TRANSACTIONAL), (9,)),
    "transactional without transactional id": (lambda: batch(attributes=batches.TRANSACTIONAL, producer_id=1,
                                                             producer_epoch=0, sequence=0), (9,)),
    "producer id without sequence": (lambda: batch(producer_id=1, producer_epoch=0), (9,)),
    "producer id without epoch": (lambda: batch(producer_id=1, sequence=0), (9,)),
    "sequence negative": (lambda: batch(producer_id=1, producer_epoch=0, sequence=-2), (9,)),
    "epoch negative": (lambda: batch(producer_id=1, producer_epoch=-2, sequence=0), (9,)),
    "producer id negative": (lambda: batch(producer_id=-2, producer_epoch=0, sequence=0), (9,)),
    "sequence without producer id": (lambda: batch(sequence=3), (9,)),
    "base offset 5": (lambda: batch(base_offset=5), (9,)),
    "base offset -1": (lambda: batch(base_offset=-1), (9,)),
    "leader epoch 77": (lambda: batch(epoch=77), (9,)),
    "two batches": (lambda: batch() + batch(), ALL),
    "two batches, the second one cut": (lambda: batch() + batch()[:30], (9,)),
    "a batch and 4 bytes": (lambda: batch() + bytes(4), (9,)),
    "a batch and 17 bytes": (lambda: batch() + bytes(17), (9,)),
    "a batch without its end": (lambda: batch()[:-1], (3, 9)),
    "a batch header cut": (lambda: batch()[:40], (9,)),
    "16 bytes": (lambda: batch()[:16], (9,)),
    "17 bytes": (lambda: batch()[:17], (9,)),
    "1 byte": (lambda: b"\0", (9,)),
    "empty records": (lambda: b"", ALL),
    "null records": (lambda: None, ALL),
    "zeros": (lambda: bytes(100), (9,)),
    "0xff": (lambda: b"\xff" * 100, (9,)),
    "text": (lambda: b"hello, is this Kafka? " * 10, (9,)),
    "unused attribute bits": (lambda: batch(attributes=0x7F80), (9,)),
    "delete horizon bit": (lambda: batch(attributes=64), (9,)),
    "LogAppendTime claimed": (lambda: batch(attributes=8), (9,)),
    "codec 5": (lambda: batch(attributes=5), (9,)),
    "codec 7": (lambda: batch(attributes=7), (9,)),
    "record length too small": (lambda: batch([record(0, length=8)]), (9,)),
    "record length too big": (lambda: batch([record(0, length=30)]), (9,)),
    "record length -1": (lambda: batch([record(0, length=-1)]), (9,)),
    "record length 2^31-1": (lambda: batch([record(0, length=2**31 - 1)]), (9,)),
    "record length 0": (lambda: batch(payload=bytes(20), count=1), (9,)),
    "record of one byte": (lambda: batch(payload=b"\2\0", count=1), (9,)),
    "offset deltas that jump": (lambda: batch([record(0), record(2)], last_delta=1), (9,)),
    "offset deltas that jump, counted so": (lambda: batch([record(0), record(2)], last_delta=2), (9,)),
    "offset deltas twice": (lambda: batch([record(0), record(0)]), (9,)),
    "offset delta negative": (lambda: batch([record(-1)]), (9,)),
    "key of length -2": (lambda: batch(payload=b"\x0c\0\0\0\3\1\0", count=1), (9,)),
    "value of length -2": (lambda: batch(payload=b"\x0c\0\0\0\1\3\0", count=1), (9,)),
    "value longer than the record": (lambda: batch(payload=record(0, b"")[:5] + b"\x7e\0", count=1), (9,)),
    "header count too big": (lambda: batch([record(0, header_count=3)]), (9,)),
    "header count -1": (lambda: batch([record(0, header_count=-1)]), (9,)),
    "header count 2^31-1": (lambda: batch([record(0, header_count=2**31 - 1)]), (9,)),
    "header with a null key": (lambda: batch([record(0, headers=[(None, b"v")])]), (9,)),
    "header with an empty key": (lambda: batch([record(0, headers=[(b"", None)])]), (9,)),
    "header key not UTF-8": (lambda: batch([record(0, headers=[(b"\xff\xfe", b"v")])]), (9,)),
    "varint of six bytes": (lambda: batch(payload=b"\x80\x80\x80\x80\x80\x80\0" + bytes(9), count=1), (9,)),
    "timestamp delta of ten bytes": (lambda: batch(payload=b"\x1e\0" + b"\xff" * 9 + b"\1\0\1\1\0", count=1), (9,)),
    "bytes behind the last record": (lambda: batch(payload=record(0) + bytes(9), count=1), (9,)),
    "timestamp -1": (lambda: batch(base_ms=-1), (9,)),
    "timestamp -2": (lambda: batch(base_ms=-2), (9,)),
    "timestamp 2^63-1": (lambda: batch(base_ms=2**63 - 1), (9,)),
    "timestamp -2^63": (lambda: batch(base_ms=-(2**63)), (9,)),
    "timestamp ahead": (lambda: batch(base_ms=batches.TIME_MS * 2), ALL),
    "one of three timestamps ahead": (lambda: batch([record(0), record(1, time_delta=batches.TIME_MS), record(2)],
                                                    max_ms=batches.TIME_MS * 2), (7, 9)),
    "max timestamp ahead, of no record": (lambda: batch(max_ms=batches.TIME_MS * 2), (9,)),
    "max timestamp too small": (lambda: batch([record(0), record(1, time_delta=50)]), (9,)),
    "max timestamp -1": (lambda: batch(max_ms=-1), (9,)),
}
for name, (make, versions) in REFUSED.items():
    add(f"produce: {name}", wrong(make, versions))


@case("produce: keys missing in a compacted topic")
def _(target):
    topic = target.topic(configs={"cleanup.policy": "compact"})
    for version in ALL:
        target.produce(topic, batch([record(0, key=b"k"), record(1), record(2)]), version=version, label=f"v{version}")
    for codec in (batches.GZIP, batches.ZSTD):
        target.produce(topic, compressed(codec, [record(0), record(1, key=b"k"), record(2)]), label=f"codec {codec}")
    target.produce(topic, batch([record(0, key=b"k"), record(1, key=b"")]), label="with keys")


GARBAGE = {
    "noise": bytes((index * 7919 + 31) % 251 for index in range(200)),
    "zeros": bytes(200),
    "0xff": b"\xff" * 200,
    "nothing": b"",
    "one byte": b"\0",
}


def error_of(target, topic, data, label):
    """Only the error: where Kafka takes what we do not, the offsets of all that follows differ."""
    connection = target.connect()
    answer = connection.ask("Produce", 9, produce_body(topic, data))
    connection.socket.close()
    error = answer if isinstance(answer, str) else answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"]
    target.say(label, error)


def garbage(codec):
    def run(target):
        topic = target.topic()
        for label, data in GARBAGE.items():
            for count in (1, 0, 1000):
                error_of(target, topic, batch(payload=data, attributes=codec, count=count), f"{label}, count {count}")
        whole = batches.compress(codec, b"".join(three()))
        for size in range(len(whole)):
            error_of(target, topic, batch(payload=whole[:size], attributes=codec, count=3), f"cut to {size}")
        for at in range(0, len(whole)):
            spoiled = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:]
            error_of(target, topic, batch(payload=spoiled, attributes=codec, count=3), f"spoiled at {at}")
        error_of(target, topic, batch(payload=whole + b"\0", attributes=codec, count=3), "a zero behind")
        error_of(target, topic, batch(payload=whole + whole, attributes=codec, count=3), "twice")
        error_of(target, topic, batch(payload=whole, attributes=codec, count=3), "a good one")
    return run


def wrong_inside(codec):
    """What is wrong with records is found inside of compressed ones, too."""
    def run(target):
        topic = target.topic()
        for label, make in (
                ("a record more than counted", lambda: batch(
                    payload=batches.compress(codec, b"".join(three())), attributes=codec, count=2)),
                ("a record less than counted", lambda: batch(
                    payload=batches.compress(codec, b"".join(three())), attributes=codec, count=4)),
                ("offset deltas that jump", lambda: compressed(codec, [record(0), record(2)])),
                ("record length too big", lambda: compressed(codec, [record(0, length=30)])),
                ("record length too small", lambda: compressed(codec, [record(0, length=8)])),
                ("record length 2^31-1", lambda: compressed(codec, [record(0, length=2**31 - 1)])),
                ("header count 2^31-1", lambda: compressed(codec, [record(0, header_count=2**31 - 1)])),
                ("timestamp ahead", lambda: compressed(codec, [record(0, time_delta=batches.TIME_MS)])),
                ("bytes behind the last record", lambda: batch(
                    payload=batches.compress(codec, record(0) + bytes(9)), attributes=codec, count=1)),
                ("two batches", lambda: compressed(codec, three()) * 2),
                ("wrong crc", lambda: compressed(codec, three(), crc=1)),
                ("a good one", lambda: compressed(codec, three()))):
            error_of(target, topic, make(), label)
    return run


def bomb(codec, records, size, configs=None):
    def run(target):
        topic = target.topic(configs=configs)
        heads = [batches.record_head(index, size) for index in range(records)]
        data = batch(payload=batches.zeros(codec, heads, size), attributes=codec, count=records)
        target.produce(topic, data)
        target.produce(topic, batch(), label="a good one")
    return run


for codec_name, codec in batches.CODECS.items():
    add(f"produce: {codec_name} garbage", garbage(codec))
    add(f"produce: wrong records inside {codec_name}", wrong_inside(codec))
    limit = {"max.message.bytes": "8000000"} if codec_name == "snappy" else None
    add(f"produce: {codec_name} bomb, 100 MB in one record", bomb(codec, 1, 100_000_000, limit))
    add(f"produce: {codec_name} bomb, 100 MB in 5000 records", bomb(codec, 5000, 20_000, limit))
add("produce: zstd bomb, 1 GB in one record", bomb(batches.ZSTD, 1, 1_000_000_000))
add("produce: zstd bomb, 100 MB, to be gzip in the topic",
    bomb(batches.ZSTD, 1000, 100_000, {"compression.type": "gzip"}))
add("produce: gzip bomb, 100 MB, to be uncompressed in the topic",
    bomb(batches.GZIP, 1000, 100_000, {"compression.type": "uncompressed"}))


@case("produce: snappy blocks with broken copies")
def _(target):
    """Records of a sound start, then a copy from nowhere or a wrong length; the large ones hold much more than they are long."""
    topic = target.topic(configs={"max.message.bytes": "8000000"})
    for records, size in ((3, 50), (500, 2000)):
        whole = batches.zeros(batches.SNAPPY, [batches.record_head(index, size) for index in range(records)], size)
        length = sum(len(batches.record_head(index, size)) + size + 1 for index in range(records))
        elements = whole[len(batches.snappy_block(length, b"")):]
        for label, block in (
                ("offset 0", batches.snappy_block(length + 64, elements + b"\xff" + bytes(4))),
                ("offset before the start", batches.snappy_block(length + 64, elements + b"\xff" + struct.pack("<I", length + 1))),
                ("offset 2^32-1", batches.snappy_block(length + 64, elements + b"\xff" * 5)),
                ("a copy cut off", batches.snappy_block(length + 64, elements + b"\xff" + bytes(3))),
                ("less than said", batches.snappy_block(length + 1, elements)),
                ("more than said", batches.snappy_block(length - 1, elements)),
                ("says 100 MB", batches.snappy_block(100_000_000, elements)),
                ("a good one", whole)):
            error_of(target, topic, batch(payload=block, attributes=batches.SNAPPY, count=records), f"{label}, {records} records")


@case("produce: a zstd window of 2 GB")
def _(target):
    topic = target.topic()
    plain = record(0)
    for window in (0xA8, 0xB0, 0xF8, 0xFF):
        frame = b"\x28\xb5\x2f\xfd\0" + bytes([window]) + struct.pack("<I", len(plain) << 3 | 1)[:3] + plain
        target.produce(topic, batch(payload=frame, attributes=batches.ZSTD, count=1), label=f"window {window:x}")


@case("produce: zstd to version 6")
def _(target):
    topic = target.topic()
    for version in (3, 6, 7):
        target.produce(topic, compressed(batches.ZSTD, three()), version=version, label=f"v{version}")


@case("produce: sizes around max.message.bytes")
def _(target):
    for limit in (1000, 200_000):
        topic = target.topic(configs={"max.message.bytes": str(limit)})
        overhead = len(batch([record(0, bytes(limit))])) - limit
        for size in (limit - 1, limit, limit + 1, limit * 3):
            # A varint more or less: the batch is exactly `size` long.
            value = bytes(size - overhead)
            while len(data := batch([record(0, value)])) < size:
                value += b"\0"
            target.produce(topic, data, label=f"{size} of {limit}")
        target.produce(topic, batch(), label="a good one")


@case("produce: a batch of 60 MB")
def _(target):
    topic = target.topic()
    target.produce(topic, struct.pack(">qi", 0, 60_000_000 - 12) + batch()[12:] + bytes(60_000_000 - len(batch())))


@case("produce: acks")
def _(target):
    topic = target.topic()
    for acks in (2, -2, 3, 32767, -32768):
        for version in (3, 9):
            target.produce(topic, batch(), acks=acks, version=version, label=f"acks {acks} v{version}")
    target.produce(topic, batch(), label="a good one")


@case("produce: acks 0 that fails")
def _(target):
    topic = target.topic()
    for label, body in (("good", produce_body(topic, batch(), acks=0)), ("wrong crc", produce_body(topic, batch(crc=1), acks=0)),
                        ("unknown topic", produce_body("nowhere", batch(), acks=0)),
                        ("unknown partition", produce_body(topic, batch(), 99, acks=0))):
        connection = target.connect()
        connection.send_frame(_request(body))
        connection.send_frame(_heartbeat())
        target.say(label, connection.receive("Heartbeat", 0))
    target.produce(topic, batch(), label="a good one")


def _request(body):
    return messages.request("Produce", 9, body)


def _heartbeat():
    return messages.request("Heartbeat", 0, {"GroupId": "g", "GenerationId": 1, "MemberId": "m"})


@case("produce: timeouts")
def _(target):
    topic = target.topic()
    for timeout_ms in (-1, -(2**31), 0, 2**31 - 1):
        target.produce(topic, batch(), timeout_ms=timeout_ms, label=str(timeout_ms))


@case("produce: duplicate partitions and topics")
def _(target):
    topic = target.topic(partitions=2)
    one, other = {"Index": 0, "Records": batch()}, {"Index": 0, "Records": batch([record(0), record(1)])}
    for label, data in (("partition twice", [{"Name": topic, "PartitionData": [one, other]}]),
                        ("topic twice", [{"Name": topic, "PartitionData": [one]}, {"Name": topic, "PartitionData": [other]}]),
                        ("topic twice, two partitions", [{"Name": topic, "PartitionData": [one]},
                                                         {"Name": topic, "PartitionData": [{**one, "Index": 1}]}]),
                        ("no partitions", [{"Name": topic, "PartitionData": []}]), ("no topics", [])):
        target.ask("Produce", 9, {"Acks": 1, "TimeoutMs": 1000, "TopicData": data}, label=label)
    target.produce(topic, batch(), label="a good one")


@case("produce: unknown topics, partitions, ids")
def _(target):
    topic = target.topic()
    for version in (3, 8, 9, 12):
        target.produce("nowhere", batch(), version=version, label=f"topic v{version}")
        target.produce(topic, batch(), partition=1, version=version, label=f"partition v{version}")
        target.produce(topic, batch(), partition=-1, version=version, label=f"partition -1 v{version}")
    target.produce(topic, batch(), partition=2**31 - 1, label="partition 2^31-1")
    target.produce(topic, batch(), version=13, topic_id=uuid.UUID(int=5), label="id")
    target.produce(topic, batch(), version=13, topic_id=uuid.UUID(int=0), label="id zero")
    target.produce(topic, batch(), version=13, partition=7, label="partition v13")
    for name in ("", ".", "..", "a b", "a/b", "a%b", "ü", "a" * 250, "__consumer_offsets ", "\0"):
        target.produce(name, batch(), label=f"name {name[:20]!r}")


@case("produce: internal topics")
def _(target):
    for version in (3, 9):
        target.produce("__consumer_offsets", batch(), version=version)
    target.produce("__consumer_offsets", batch(), partition=50, label="unknown partition")
    target.produce("__cluster_metadata", batch())


@case("produce: a transactional id")
def _(target):
    topic = target.topic()
    target.produce(topic, batch(), transactional_id="tx", label="plain batch")
    target.produce(topic, batch(attributes=batches.TRANSACTIONAL), transactional_id="tx", label="no producer id")


@case("produce: sequences")
def _(target):
    topic = target.topic()
    ids = {one: target.quietly("InitProducerId", 1, {"TransactionalId": None, "TransactionTimeoutMs": 1})["ProducerId"]
           for one in ("a", "b", "c")}

    def send(label, who, epoch, sequence, count=1):
        data = batch([record(index) for index in range(count)], producer_id=ids[who], producer_epoch=epoch,
                     sequence=sequence)
        target.produce(topic, data, label=label)

    send("a starts at 5", "a", 0, 5)
    send("a starts at 0", "a", 0, 0, 3)
    send("a again", "a", 0, 0, 3)
    send("a again, fewer", "a", 0, 0, 2)
    send("a goes on", "a", 0, 3, 2)
    send("a the first again", "a", 0, 0, 3)
    send("a a gap", "a", 0, 7)
    send("a overlapping", "a", 0, 4, 2)
    send("a new epoch, wrong start", "a", 1, 5)
    send("a new epoch", "a", 1, 0)
    send("a old epoch", "a", 0, 5)
    send("a epoch skipped", "a", 9, 0)
    send("b at its greatest epoch", "b", 32767, 0)
    send("b older", "b", 32766, 0)
    send("c starts at the greatest sequence", "c", 0, 2**31 - 1)
    for number in range(8):
        send(f"b number {number}", "b", 32767, 1 + number)
    for number in range(8):
        send(f"b number {number} again", "b", 32767, 1 + number)
    target.produce(topic, batch(producer_id=2**62, producer_epoch=0, sequence=0), label="an id nobody gave out")
    target.produce(topic, batch(producer_id=2**62, producer_epoch=0, sequence=3), label="a gap of an id nobody gave out")


@case("produce: timestamps against the topic's limits")
def _(target):
    now_ms = int(time.time() * 1000)
    topic = target.topic(configs={"message.timestamp.before.max.ms": "100000", "message.timestamp.after.max.ms": "100000"})
    for label, moment_ms in (("now", now_ms), ("before", now_ms - 200_000), ("after", now_ms + 200_000)):
        answer = target.quietly("Produce", 9, produce_body(topic, batch(base_ms=moment_ms)))
        partition, = answer["Responses"][0]["PartitionResponses"]
        target.say(label, [partition["ErrorCode"], [one["BatchIndex"] for one in partition["RecordErrors"]]])
    topic = target.topic(configs={"message.timestamp.type": "LogAppendTime"})
    for label, data in (("ahead", batch(base_ms=batches.TIME_MS * 2)), ("claimed append time", batch(attributes=8))):
        target.produce(topic, data, label=label)


def old_message(magic, payload=b"value", key=None, crc=None, attributes=0, offset=0, size=None, value_size=None):
    body = struct.pack(">bb", magic, attributes) + (struct.pack(">q", batches.TIME_MS) if magic else b"")
    body += b"\xff\xff\xff\xff" if key is None else struct.pack(">i", len(key)) + key
    body += struct.pack(">i", len(payload) if value_size is None else value_size) + payload

    data = struct.pack(">I", zlib.crc32(body) if crc is None else crc) + body
    return struct.pack(">qi", offset, len(data) if size is None else size) + data


@case("produce: old messages in today's versions")
def _(target):
    topic = target.topic()
    for magic in (0, 1):
        for version in (3, 9):
            target.produce(topic, old_message(magic), version=version, label=f"magic {magic} v{version}")


@case("produce: old messages that are wrong")
def _(target):
    # Apache Kafka 4 no longer takes these versions; no answer of it is compared.
    if target.name != "Milena":
        return
    topic = target.topic()
    for magic in (0, 1):
        for label, data in (("crc", old_message(magic, crc=1)), ("size", old_message(magic, size=3)),
                            ("size -1", old_message(magic, size=-1)), ("value size", old_message(magic, value_size=1000)),
                            ("gzip garbage", old_message(magic, attributes=1)),
                            ("snappy garbage", old_message(magic, attributes=2)), ("lz4 garbage", old_message(magic, attributes=3))):
            connection = target.connect()
            answer = connection.ask("Produce", 2, produce_body(topic, data))
            connection.socket.close()
            if isinstance(answer, str) or answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"] not in (2, 87, 10, 42):
                raise AssertionError(f"magic {magic}, {label}: {answer}")
