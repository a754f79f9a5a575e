"""Reads all topics again and compares them with the journals: judge.py ADDRESS DIRECTORY, which has ROLE.journal of each role."""

import collections
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

from checks import Checks, equal  # noqa: E402
from confluent_kafka import Consumer, KafkaError, TopicPartition  # noqa: E402
from load import FINISH_S, GROUPS, LATEST, NUMBERS, PARTITIONS, WHOLE, WHOLE_GROUP, common  # noqa: E402

address, directory = sys.argv[1], pathlib.Path(sys.argv[2])
checks = Checks()
# In place of the offset of a record whose own answer was lost: librdkafka knows from a later answer that it is there.
UNTOLD = "None"


def journal(role):
    """{first word: [the other words of each such line]}"""
    lines = collections.defaultdict(list)
    for line in (directory / f"{role}.journal").read_text().splitlines():
        word, *rest = line.split()
        lines[word].append(rest)
    return lines


def consumer(isolation, group="judge"):
    return Consumer({**common(address), "group.id": group, "enable.auto.commit": False, "isolation.level": isolation,
                     "enable.partition.eof": True})


def read(topic, isolation="read_committed"):
    """{partition: [(offset, key, first word of the value)]}, up to the ends."""
    reader = consumer(isolation)
    reader.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    held, ended = {partition: [] for partition in range(PARTITIONS)}, set()
    deadline = time.monotonic() + FINISH_S
    while len(ended) < PARTITIONS:
        assert time.monotonic() < deadline, f"the ends of {topic} do not come; there are {sorted(ended)}"
        for message in reader.consume(1000, 0.5):
            if message.error() is None:
                held[message.partition()].append((message.offset(), message.key(), message.value().split()[0].decode()))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
    reader.close()
    return held


def check_numbers():
    lines = journal("numbers")
    count = int(lines["count"][0][0])
    assert count > 0, "no numbers"
    held = read(NUMBERS)
    for partition in range(PARTITIONS):
        got = [int(value) for _, _, value in held[partition]]
        expected = list(range(partition, count, PARTITIONS))
        missing, doubled = sorted(set(expected) - set(got)), len(got) - len(set(got))
        assert got == expected, f"{NUMBERS}-{partition}: {len(missing)} missing {missing[:5]}, {doubled} doubled, order kept: {got == sorted(got)}"
    places = {(partition, offset): value for partition in held for offset, _, value in held[partition]}
    for number, partition, offset in lines["ack"]:
        if offset == UNTOLD:
            continue
        equal(places.get((int(partition), int(offset))), number, f"{NUMBERS}-{partition} at the acknowledged offset {offset}")
    equal(len(lines["ack"]), count, "acknowledged numbers")
    print(f"      {count} numbers", file=sys.stderr)


def places_of(numbers, partition):
    """[(offset, number)] of the transactions' records in the partition, whether committed or not."""
    held = read(WHOLE, "read_uncommitted")[partition]
    return [(offset, int(value)) for offset, _, value in held if int(value) in numbers]


def check_transactions():
    lines = journal("transactions")
    committed = [int(words[0]) for words in lines["committed"]]
    assert committed, "no transactions"
    held = read(WHOLE)
    differences = []
    for partition in range(PARTITIONS):
        got = [int(value) for _, _, value in held[partition]]
        if got != committed:
            missing, extra = sorted(set(committed) - set(got)), sorted(set(got) - set(committed))
            differences.append(f"{WHOLE}-{partition}: {missing} missing, {extra} extra, {len(got) - len(set(got))} doubled, "
                               f"order kept: {got == sorted(got)}; also aborted there: {places_of(missing, partition)}")
    equal(differences, [], "differences")
    member = consumer("read_committed", WHOLE_GROUP)
    place, = member.committed([TopicPartition(NUMBERS, 0)], timeout=30)
    member.close()
    equal(place.offset, committed[-1] + 1, "the offset that the last committed transaction put into its group")
    # Nothing but the last transaction may end otherwise than its client meant it: a broker that stops aborts none.
    equal([number for number, in lines["aborted"] if int(number) % 5 != 4], [], "transactions that had to be aborted")
    print(f"      {len(committed)} transactions committed, {len(lines['aborted'])} aborted, "
          f"{len(lines['anew'])} producers made anew", file=sys.stderr)


def check_latest():
    last = {}
    for key, number, partition, offset in journal("latest")["ack"]:
        last[key] = max(last.get(key, (-1, "")), (int(number), offset))
    assert last, "no keys"
    found, records = {}, 0
    for partition in read(LATEST).values():
        records += len(partition)
        for offset, key, value in partition:
            told = last.get(key.decode(), (-1, ""))[1]
            found[key.decode()] = (int(value), UNTOLD if told == UNTOLD else str(offset))
    equal(found, last, "last values of the keys")
    written = len(journal("latest")["ack"])
    assert records < written, f"{written} records were written to {LATEST}, and none was compacted away"
    print(f"      {records} of {written} records of keys are left", file=sys.stderr)


def check_commits(group):
    lines = journal(group)
    last = {int(partition): int(offset) for partition, offset in lines["commit"]}
    equal(sorted(last), list(range(PARTITIONS)), "partitions with commits")
    member = consumer("read_committed", group)
    for place in member.committed([TopicPartition(NUMBERS, partition) for partition in range(PARTITIONS)], timeout=30):
        equal(place.offset, last[place.partition], f"committed offset of {NUMBERS}-{place.partition}")
    member.close()
    equal(sum(last.values()), int(lines["read"][0][0]), "records read")
    print(f"      {len(lines['commit'])} commits, {lines['rebalances'][0][0]} rebalances, {lines['repeated'][0][0]} records read again",
          file=sys.stderr)


with checks.check("numbers: none missing, none doubled, in order, each where it was acknowledged"):
    check_numbers()
with checks.check("transactions: each whole, none that was aborted"):
    check_transactions()
with checks.check("compacted topic: the last value of each key"):
    check_latest()
for group in [one for one in GROUPS if (directory / f"{one}.journal").exists()]:
    with checks.check(f"{group}: committed is the last offset that was acknowledged"):
        check_commits(group)
sys.exit(checks.finish())
