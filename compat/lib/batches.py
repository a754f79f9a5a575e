"""Record batches (format v2) built by hand, every field at will, and compressed data without the codecs' libraries."""

import struct
import time
import zlib

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
CODECS = {"gzip": GZIP, "snappy": SNAPPY, "lz4": LZ4, "zstd": ZSTD}
TRANSACTIONAL, CONTROL = 16, 32
# Now: what is older than the topic keeps it would be deleted under the cases.
TIME_MS = int(time.time()) * 1000


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = value << 1 ^ value >> 63
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def sized(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record_head(delta, value_size, key=None, time_delta=0):
    """A record up to its value; behind the value comes the count of headers."""
    body = b"\0" + varint(time_delta) + varint(delta) + sized(key) + varint(value_size)
    return varint(len(body) + max(value_size, 0) + 1) + body


def record(delta, value=b"value", key=None, headers=(), time_delta=0, length=None, header_count=None):
    body = b"\0" + varint(time_delta) + varint(delta) + sized(key) + sized(value)
    body += varint(len(headers) if header_count is None else header_count)
    for name, content in headers:
        body += sized(name) + sized(content)
    return varint(len(body) if length is None else length) + body


def batch(records=None, payload=None, count=None, base_offset=0, length=None, epoch=-1, magic=2, crc=None,
          attributes=0, last_delta=None, base_ms=TIME_MS, max_ms=None, producer_id=-1, producer_epoch=-1, sequence=-1):
    """A batch of `records` (encoded ones), or of any `payload`; what is not given is right."""
    if records is None:
        records = [] if payload is not None else [record(0)]
    data = b"".join(records) if payload is None else payload
    count = len(records) if count is None else count
    last_delta = max(count - 1, 0) if last_delta is None else last_delta
    checked = struct.pack(">hiqqqhii", attributes, last_delta, base_ms, base_ms if max_ms is None else max_ms,
                          producer_id, producer_epoch, sequence, count) + data
    body = struct.pack(">ibI", epoch, magic, crc32c(checked) if crc is None else crc) + checked
    return struct.pack(">qi", base_offset, len(body) if length is None else length) + body


def compressed(codec, records, **fields):
    return batch(payload=compress(codec, b"".join(records)), attributes=codec, count=len(records), **fields)


def compress(codec, data):
    """Real compression for gzip; the others just store."""
    if codec == GZIP:
        return gzip(data)
    if codec == SNAPPY:
        return snappy_block(len(data), _snappy_literal(data))
    if codec == LZ4:
        blocks = [data[at:at + 65536] for at in range(0, len(data), 65536)]
        return lz4_frame([struct.pack("<I", len(one) | 1 << 31) + one for one in blocks])
    blocks = [data[at:at + 65536] for at in range(0, len(data), 65536)] or [b""]
    return zstd_frame([(0, len(one), one) for one in blocks])


def gzip(data):
    made = zlib.compressobj(9, zlib.DEFLATED, 31)
    return made.compress(data) + made.flush()


def snappy_block(size, elements):
    out = b""
    while size > 0x7F:
        out += bytes([size & 0x7F | 0x80])
        size >>= 7
    return out + bytes([size]) + elements


def _snappy_literal(data):
    out = b""
    for at in range(0, len(data), 65536):
        piece = data[at:at + 65536]
        out += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece
    return out


_XXH = (2654435761, 2246822519, 3266489917, 668265263, 374761393)


def xxhash32(data):
    """Of less than 16 bytes, which is what a frame header has."""
    mask = 0xFFFFFFFF
    value = (_XXH[4] + len(data)) & mask
    while len(data) >= 4:
        value = value + struct.unpack_from("<I", data)[0] * _XXH[2] & mask
        value = (value << 17 | value >> 15) & mask
        value = value * _XXH[3] & mask
        data = data[4:]
    for byte in data:
        value = value + byte * _XXH[4] & mask
        value = (value << 11 | value >> 21) & mask
        value = value * _XXH[0] & mask
    value = (value ^ value >> 15) * _XXH[1] & mask
    value = (value ^ value >> 13) * _XXH[2] & mask
    return value ^ value >> 16


def lz4_frame(blocks):
    """Blocks of at most 4 MB, independent of each other, without checksums."""
    descriptor = b"\x60\x70"
    return (b"\x04\x22\x4d\x18" + descriptor + bytes([xxhash32(descriptor) >> 8 & 0xFF]) + b"".join(blocks)
            + b"\0\0\0\0")


def _lz4_length(value):
    return b"\xff" * (value // 255) + bytes([value % 255])


def _lz4_sequence(literals, match):
    """Literals, and then `match` times the last of them."""
    token = min(len(literals), 15) << 4 | min(match - 4, 15)
    out = bytes([token])
    if len(literals) >= 15:
        out += _lz4_length(len(literals) - 15)
    out += literals + b"\1\0"
    if match - 4 >= 15:
        out += _lz4_length(match - 4 - 15)
    return out


def zstd_frame(blocks):
    """Blocks are (type, size, bytes): type 0 stores, type 1 repeats one byte `size` times (at most 128 KB)."""
    out = b"\x28\xb5\x2f\xfd" + b"\0" + b"\x58"   # a window of 2 MB, no content size, no checksum
    for index, (kind, size, data) in enumerate(blocks):
        word = size << 3 | kind << 1 | (index == len(blocks) - 1)
        out += struct.pack("<I", word)[:3] + data
    return out


def zeros(codec, heads, size):
    """Compressed data of records: each `heads` entry, then `size` zeros, then a zero for 'no headers'."""
    fill = size + 1
    if codec == GZIP:
        made = zlib.compressobj(9, zlib.DEFLATED, 31)
        out = b""
        nothing = bytes(1 << 20)
        for head in heads:
            out += made.compress(head)
            for at in range(0, fill, len(nothing)):
                out += made.compress(nothing[:min(len(nothing), fill - at)])
        return out + made.flush()
    if codec == SNAPPY:
        out, total = [], 0
        for head in heads:
            out.append(_snappy_literal(head + b"\0"))
            left = fill - 1
            out.append((bytes([63 << 2 | 2]) + b"\1\0") * (left // 64))
            if left % 64:
                out.append(bytes([(left % 64 - 1) << 2 | 2]) + b"\1\0")
            total += len(head) + fill
        return snappy_block(total, b"".join(out))
    if codec == ZSTD:
        blocks = []
        for head in heads:
            blocks.append((0, len(head), head))
            for at in range(0, fill, 128 * 1024):
                blocks.append((1, min(128 * 1024, fill - at), b"\0"))
        return zstd_frame(blocks)
    return lz4_frame([_lz4_block(runs) for runs in _lz4_blocks(heads, fill)])


def _lz4_blocks(heads, fill):
    """Runs (literal bytes, then that many zeros), dealt into blocks of at most 4 MB."""
    blocks, runs, left = [], [], 4 << 20
    for head in heads:
        zeros_left = fill
        if left < len(head) + 64:
            blocks.append(runs)
            runs, left = [], 4 << 20
        while zeros_left:
            part = min(zeros_left, left - len(head))
            # No run is shorter than what the end of a block needs.
            if 0 < zeros_left - part < 64:
                part -= 64
            runs.append((head, part))
            left -= len(head) + part
            zeros_left -= part
            head = b""
            if zeros_left or left < 128:
                blocks.append(runs)
                runs, left = [], 4 << 20
    return blocks + ([runs] if runs else [])


def _lz4_block(runs):
    """The last sequence of a block has no match and at least five literals: here, zeros of the last run."""
    out = b"".join(_lz4_sequence(head + b"\0", count - 1) for head, count in runs[:-1])
    head, count = runs[-1]
    out += _lz4_sequence(head + b"\0", count - 6) + bytes([5 << 4]) + bytes(5)
    return struct.pack("<I", len(out)) + out
