"""Apache Kafka's DumpLogSegments over a whole data directory, with its output read for errors."""

import collections
import json
import os
import re
import subprocess

from broker import ORACLE
from checks import equal

FILES_PER_RUN = 300
# The tool ends with 0 whatever it finds wrong in a file, so its words decide.
TROUBLE = re.compile(r"mismatch|out of order|corrupt|invalid bytes|isvalid: false|exception|could not|unknown|not found|error", re.IGNORECASE)


def run(options, files, compacted=False):
    """Dumps `files`; returns {path: its lines}. Raises on the first line that tells of trouble; `compacted` logs have gaps."""
    assert files, "no files to dump"
    found = {}
    files = [str(file) for file in files]
    for begin in range(0, len(files), FILES_PER_RUN):
        done = subprocess.run([str(ORACLE / "run"), "org.apache.kafka.tools.DumpLogSegments", *options, "--files",
                               ",".join(files[begin:begin + FILES_PER_RUN])], capture_output=True, text=True,
                              env={**os.environ, "ORACLE_LOG_LEVEL": "ERROR"})
        assert done.returncode == 0, f"DumpLogSegments ended with {done.returncode}: {done.stderr[-500:]}"
        lines = []
        for line in done.stdout.splitlines():
            if line.startswith("Dumping "):
                lines = found.setdefault(line[len("Dumping "):], [])
            else:
                lines.append(line)
        _check_output(done.stdout)
        _check_errors(done.stderr, compacted)
    equal(sorted(found), sorted(files), "files dumped")
    return found


def _check_output(output):
    for line in output.splitlines():
        # A record's contents are not the tool's own words.
        own_words = line.split(" payload: ")[0].split(" key: ")[0] if line.startswith("| ") else line
        assert not TROUBLE.search(own_words), f"DumpLogSegments: {line[:300]}"


def _check_errors(errors, compacted):
    """Allows the one complaint that every segment gets: from -1, where the tool begins, to its own first offset. A compacted one
    gets more of them, each of which goes forward."""
    segment = None
    for line in errors.splitlines():
        if line.startswith("Non-consecutive offsets in "):
            segment = line[len("Non-consecutive offsets in "):]
        elif compacted and re.fullmatch(r"\s*-?\d+ is followed by \d+", line):
            before, after = map(int, re.findall(r"-?\d+", line))
            assert before < after, f"{segment}: {line}"
        elif segment and " is followed by " in line:
            first = int(os.path.basename(segment).split(".")[0])
            equal(line.split(), ["-1", "is", "followed", "by", str(first)], f"gap in {segment}")
        else:
            raise AssertionError(f"DumpLogSegments: {line[:300]}")


def logs(directories):
    return sorted(file for one in directories for file in one.glob("*.log") if file.stat().st_size)


def check_data(directories, counts):
    """Every batch of these partitions, down to the records; `counts` says how many records each must hold."""
    files = logs(directories)
    found = run(["--deep-iteration"], files)
    held = collections.Counter()
    for file in files:
        lines = found[str(file)]
        batches = [line for line in lines if line.startswith("baseOffset: ")]
        records = [line for line in lines if line.startswith("| offset: ")]
        assert all(" isvalid: true" in line for line in batches), f"{file}: a batch was not called valid"
        equal(sum(int(re.search(r" count: (\d+)", line)[1]) for line in batches), len(records), f"records in {file}")
        last = batches[-1]
        equal(int(re.search(r" position: (\d+)", last)[1]) + int(re.search(r" size: (\d+)", last)[1]), file.stat().st_size,
              f"end of the last batch of {file}")
        held[file.parent.name] += len(records)
    for name, count in counts.items():
        equal(held[name], count, f"records of {name}")


def check_offsets(directories, commits):
    """`commits` is {(group, topic, partition): offset}; the last value of each key must be it."""
    found = run(["--offsets-decoder"], logs(directories))
    last = {}
    members = set()
    for file in sorted(found):
        for line in found[file]:
            match = re.search(r" key: (\{.*?\}\}) payload: (.*)$", line)
            if not match:
                continue
            key, value = json.loads(match[1]), match[2]
            if key["type"] == "1":
                place = key["data"]
                last[place["group"], place["topic"], place["partition"]] = json.loads(value)["data"]["offset"] if value.startswith("{") else None
            elif key["type"] == "2":
                members.add(key["data"]["group"])
    for place, offset in commits.items():
        equal(last.get(place), offset, f"offset decoded for {place}")
    return members


METADATA_KINDS = ("FEATURE_LEVEL_RECORD", "REGISTER_BROKER_RECORD", "TOPIC_RECORD", "PARTITION_RECORD")


def check_metadata(data_dir, present, deleted, kinds_needed=(*METADATA_KINDS, "PRODUCER_IDS_RECORD")):
    """The cluster metadata log and snapshots; `present` and `deleted` are topic names."""
    files = logs([data_dir / "__cluster_metadata-0"]) + sorted((data_dir / "__cluster_metadata-0").glob("*.checkpoint"))
    files += sorted(data_dir.glob("bootstrap.checkpoint"))
    found = run(["--cluster-metadata-decoder"], files)
    kinds = collections.Counter()
    topics = {}
    for file in found:
        for line in found[file]:
            match = re.search(r" payload: (\{.*\})$", line)
            if not match:
                continue
            record = json.loads(match[1])
            kinds[record["type"]] += 1
            if record["type"] == "TOPIC_RECORD":
                topics[record["data"]["topicId"]] = record["data"]["name"]
            elif record["type"] == "REMOVE_TOPIC_RECORD":
                topics.pop(record["data"]["topicId"], None)
    for kind in kinds_needed:
        assert kinds[kind], f"no {kind} in the metadata log"
    missing = set(present) - set(topics.values())
    assert not missing, f"topics without a record: {missing}"
    left = set(deleted) & set(topics.values())
    assert not left, f"deleted topics with a record: {left}"


def check_indexes(directories):
    """Both index kinds: the sanity check of a broker's start, and every entry against its log."""
    files = sorted(file for one in directories for kind in ("*.index", "*.timeindex") for file in one.glob(kind) if any(one.glob("*.log")))
    found = run(["--index-sanity-check"], files)
    for file in files:
        accepted = [f"{file} passed sanity check."] + ([] if file.stat().st_size else [f"{file} is empty."])
        assert len(found[str(file)]) == 1 and found[str(file)][0] in accepted, f"sanity check of {file}: {found[str(file)]}"
    run(["--verify-index-only"], files)
    filled = [file for file in files if file.stat().st_size]
    assert any(file.suffix == ".index" for file in filled), "no index has entries"
    entries = run([], filled)
    assert sum(len(lines) for lines in entries.values()) > 0, "no index has entries"


def check_snapshots(directories):
    """The producer snapshots that an orderly stop leaves."""
    files = sorted(file for one in directories for file in one.glob("*.snapshot"))
    found = run([], files)
    for directory in directories:
        newest = max((file for file in files if file.parent == directory), default=None)
        assert newest is not None, f"{directory} has no producer snapshot"
        assert any(line.startswith("producerId: ") for line in found[str(newest)]), f"{newest} names no producer"
