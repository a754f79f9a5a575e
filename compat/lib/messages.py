"""Kafka's messages as dictionaries: encodes and decodes every API from the definitions in src/protocol/schema.

The interpreter is not the code that the broker is built from, so a mistake of one does not hide one of the other.
A field that is not given has its default. An array may be a Repeated list. Strings and bytes may be given as bytes, to send
what is not UTF-8.
"""

import functools
import struct
import sys
import uuid

import broker

sys.path.insert(0, str(broker.ROOT / "src" / "protocol" / "generator"))
import schema  # noqa: E402

INTEGERS = {"int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "float64": ">d"}


class Repeated(list):
    """The elements of an array, `times` over: a request of megabytes is encoded by repetition."""

    times = 1


@functools.cache
def apis():
    """Name of an API -> its schema."""
    found = schema.load_all(str(broker.ROOT / "src" / "protocol" / "schema"))
    return {one.api_name: one for one in found if one.api_name}


@functools.cache
def message(api, kind):
    return next(one for one in apis()[api].messages if one.kind == kind)


def key_of(api):
    return apis()[api].number


@functools.cache
def by_key():
    return {one.number: name for name, one in apis().items()}


def flexible(api, version):
    first = message(api, "request").flexible
    return first is not None and version >= first


def unsigned_varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def compact_string(text):
    if text is None:
        return b"\0"
    data = text if isinstance(text, bytes) else text.encode()
    return unsigned_varint(len(data) + 1) + data


def nullable_string(text):
    if text is None:
        return b"\xff\xff"
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">h", len(data)) + data


def header(api_key, version, correlation_id=7, client_id="bad-input", is_flexible=False, tags=b"\0"):
    return (struct.pack(">hhi", api_key, version, correlation_id) + nullable_string(client_id)
            + (tags if is_flexible else b""))


def request(api, version, body=None, correlation_id=7, client_id="bad-input"):
    """Header and body, without the frame's size."""
    return (header(key_of(api), version, correlation_id, client_id, flexible(api, version))
            + encode(api, version, body or {}))


def encode(api, version, body):
    made = message(api, "request")
    return _Encoder(made, version, flexible(api, version)).struct(made.root, body)


class _Encoder:
    def __init__(self, made, version, is_flexible):
        self.structs = made.structs
        self.version = version
        self.flexible = is_flexible

    def has(self, span):
        return span is not None and span[0] <= self.version <= span[1]

    def struct(self, kind, values):
        unknown = set(values) - {field.name for field in kind.fields}
        if unknown:
            raise ValueError(f"{kind.name} has no {unknown}")
        out, tagged = b"", []
        for field in kind.fields:
            if not self.has(field.versions):
                continue
            if self.flexible and self.has(field.tagged):
                if field.name in values:
                    tagged.append((field.tag, self.field(field, values[field.name])))
                continue
            out += self.field(field, values[field.name] if field.name in values else self.default(field))
        if self.flexible:
            out += unsigned_varint(len(tagged))
            for tag, data in sorted(tagged):
                out += unsigned_varint(tag) + unsigned_varint(len(data)) + data
        return out

    def default(self, field):
        if field.default == "null":
            return None
        if field.array:
            return []
        if field.default is not None:
            if field.element == "string":
                return field.default
            return field.default == "true" if field.element == "bool" else int(field.default, 0)
        if field.is_struct:
            return {}
        return {"string": "", "bytes": b"", "records": None, "uuid": uuid.UUID(int=0)}.get(field.element, 0)

    def field(self, field, value):
        if field.array:
            if value is None:
                return b"\0" if self.flexible else b"\xff\xff\xff\xff"
            times = getattr(value, "times", 1)
            length = len(value) * times
            count = unsigned_varint(length + 1) if self.flexible else struct.pack(">i", length)
            return count + b"".join(self.value(field, one) for one in value) * times
        return self.value(field, value)

    def value(self, field, value):
        kind = field.element
        if field.is_struct:
            presence = b""
            if not field.array and field.nullable:
                if value is None:
                    return b"\xff"
                presence = b"\1"
            return presence + self.struct(self.structs[kind], value)
        if kind == "bool":
            return b"\1" if value else b"\0"
        if kind == "uuid":
            return value.bytes
        if kind == "string":
            return compact_string(value) if self.flexible else nullable_string(value)
        if kind in ("bytes", "records"):
            if self.flexible:
                return compact_string(value)
            return b"\xff\xff\xff\xff" if value is None else struct.pack(">i", len(value)) + value
        return struct.pack(INTEGERS[kind], value)


class Malformed(Exception):
    """The broker's answer is not what its own definition says."""


def decode(api, version, data):
    made = message(api, "response")
    decoder = _Decoder(made, version, made.flexible is not None and version >= made.flexible, data)
    value = decoder.struct(made.root)
    if decoder.place != len(data):
        raise Malformed(f"{len(data) - decoder.place} bytes behind a {api} answer of version {version}")
    return value


class _Decoder:
    def __init__(self, made, version, is_flexible, data):
        self.structs = made.structs
        self.version = version
        self.flexible = is_flexible
        self.data = data
        self.place = 0

    def has(self, span):
        return span is not None and span[0] <= self.version <= span[1]

    def take(self, count):
        if count < 0 or self.place + count > len(self.data):
            raise Malformed(f"{count} bytes wanted at {self.place} of {len(self.data)}")
        self.place += count
        return self.data[self.place - count:self.place]

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def length(self, form):
        return self.varint() - 1 if self.flexible else self.unpack(form)

    def struct(self, kind):
        values = {}
        tagged = {}
        for field in kind.fields:
            if not self.has(field.versions):
                continue
            if self.flexible and self.has(field.tagged):
                tagged[field.tag] = field
                continue
            values[field.name] = self.field(field)
        if self.flexible:
            for _ in range(self.varint()):
                tag, size = self.varint(), self.varint()
                end = self.place + size
                if tag in tagged:
                    values[tagged[tag].name] = self.field(tagged[tag])
                    if self.place != end:
                        raise Malformed(f"tag {tag} of {kind.name} is {size} bytes, but says otherwise inside")
                else:
                    values[f"tag {tag}"] = self.take(size)
        return values

    def field(self, field):
        if not field.array:
            return self.value(field)
        count = self.length(">i")
        return None if count < 0 else [self.value(field) for _ in range(count)]

    def value(self, field):
        kind = field.element
        if field.is_struct:
            if not field.array and field.nullable and self.unpack(">b") < 0:
                return None
            return self.struct(self.structs[kind])
        if kind == "bool":
            return self.take(1) != b"\0"
        if kind == "uuid":
            return uuid.UUID(bytes=self.take(16))
        if kind == "string":
            size = self.length(">h")
            if size < 0:
                return None
            # Kafka replaces what is not UTF-8 when it reads a string; Milena gives back what came.
            return self.take(size).decode(errors="replace")
        if kind in ("bytes", "records"):
            size = self.length(">i")
            return None if size < 0 else self.take(size)
        return self.unpack(INTEGERS[kind])
