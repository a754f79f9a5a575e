"""The data directories of a cluster, after all of its nodes have stopped."""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "durability"))

import dump  # noqa: E402
from checks import equal  # noqa: E402


def same_replicas(cluster, topics):
    """All replicas of a partition hold the same bytes, wherever each broker began its segments."""
    partitions = sorted(one.name for topic in topics for one in cluster.brokers[0].data_dir.glob(f"{topic}-*"))
    assert partitions, "no partitions"
    for name in partitions:
        held = [b"".join(file.read_bytes() for file in sorted((node.data_dir / name).glob("*.log"))) for node in cluster.brokers]
        sizes = [len(one) for one in held]
        assert held[0] and held[0] == held[1] == held[2], f"the replicas of {name} differ; they have {sizes} bytes"


def check_directories(run, cluster):
    os.environ.pop("KAFKA_VERSION", None)  # the newest DumpLogSegments, whatever wrote the files
    with run.checks.check("all replicas of a partition are the same"):
        same_replicas(cluster, ("numbers", "whole"))
    directories = sorted(one for node in cluster.brokers for one in node.data_dir.glob("*-*")
                         if one.is_dir() and one.name != "__cluster_metadata-0")
    with run.checks.check("DumpLogSegments finds nothing wrong in the logs and indexes of any broker"):
        kept = [one for one in directories if one.name.startswith(("numbers-", "whole-"))]
        dump.run(["--deep-iteration"], dump.logs(kept))
        dump.run(["--deep-iteration"], dump.logs([one for one in directories if one not in kept]), compacted=True)
        dump.check_indexes(directories)
    with run.checks.check("no broker set a directory aside as a stray"):
        equal([one.name for one in directories if "-stray" in one.name], [], "directories")
