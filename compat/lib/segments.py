"""Reads the batch headers of a partition's segment files, to see what a broker really stored (format: record batch v2)."""

import dataclasses
import pathlib
import struct

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


@dataclasses.dataclass(frozen=True)
class Batch:
    base_offset: int
    last_offset: int
    codec: str
    transactional: bool
    control: bool
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int
    size: int


def batches(partition_dir):
    """All batches of a partition, oldest first. Only the part that was written whole is read."""
    found = []
    for path in sorted(pathlib.Path(partition_dir).glob("*.log")):
        data = path.read_bytes()
        place = 0
        while place + 61 <= len(data):
            base_offset, length = struct.unpack_from(">qi", data, place)
            if length <= 0 or place + 12 + length > len(data):
                break
            magic = data[place + 16]
            assert magic == 2, f"{path} holds a batch of magic {magic} at {place}"
            attributes, last_delta, _first_ms, _max_ms, producer_id, epoch, sequence, count = struct.unpack_from(
                ">hiqqqhii", data, place + 21)
            found.append(Batch(base_offset, base_offset + last_delta, CODECS[attributes & 7], bool(attributes & 16),
                               bool(attributes & 32), producer_id, epoch, sequence, count, 12 + length))
            place += 12 + length
    return found
