"""The schema notation of Milena: reads `.msg` files into plain objects.

A file describes one API (request and response) or one kind of record (key and value, or a record alone):

    api 22 InitProducerId              number and name of an API; `type 3` in a file of records
    listeners broker                   which listeners answer it
    versions 0-5 unstable 6            every version we speak; 6 is known but never advertised
    flexible 2+                        first version with compact lengths and tagged fields, or `never`

    request                            or: response, key NAME, value NAME, record NAME
      struct Partition 1+              a structure used more than once
        Id         int32
      Name         string? 0-9 = null  name, type, versions, default
      Topics       []Topic             a structure of its own follows, indented
        Partitions []Partition

A field without versions lives as long as what contains it. `?` after a type: null is allowed, `?3+`: from version 3.
`few` at the end: an array of int32 that usually has one to four elements, and is kept without memory of its own.
`tag 0`: a tagged field; `tag 0 1+`: tagged from version 1, ordinary before. Without `=`, the default is 0, false, empty.
`versions` and `flexible` hold for the sections below them until said again.
"""

import os
import re

PRIMITIVES = ("bool int8 int16 uint16 int32 uint32 int64 float64 uuid string bytes records").split()
ANY = (0, 32767)


class SchemaError(Exception):
    pass


def parse_range(text):
    """'3+' -> (3, 32767), '0-4' -> (0, 4), '2' -> (2, 2)."""
    match = re.fullmatch(r"(\d+)(?:(\+)|-(\d+))?", text)
    if not match:
        raise SchemaError(f"not a version range: {text}")
    low = int(match[1])
    return (low, ANY[1] if match[2] else int(match[3] or low))


def intersect(a, b):
    """The common part of two ranges, None if there is none."""
    if a is None or b is None:
        return None
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return (low, high) if low <= high else None


class Field:
    """One field. All ranges are cut to the versions in which its container exists; None: in no version."""

    def __init__(self, name, type_name, versions):
        self.name = name
        self.array = type_name.startswith("[]")
        self.element = type_name.removeprefix("[]")
        self.versions = versions
        self.nullable = None
        self.tag = None
        self.tagged = None
        self.few = False        # an array of usually one to four int32
        self.default = None     # None: zero, false, empty; "null"; or the literal as written

    @property
    def type(self):
        return ("[]" if self.array else "") + self.element

    @property
    def is_struct(self):
        return self.element not in PRIMITIVES


class Struct:
    def __init__(self, name, versions):
        self.name = name
        self.versions = versions
        self.fields = []

    def tagged_fields(self):
        return sorted((f for f in self.fields if f.tagged), key=lambda f: f.tag)


class Message:
    """One message: a root structure, and the structures nested in it in the order in which they are needed."""

    def __init__(self, kind, name, versions, unstable, flexible):
        self.kind = kind              # request, response, key, value, record
        self.name = name
        self.versions = versions      # the versions that we speak
        self.unstable = unstable      # a version above them that is known but not offered, or None
        self.flexible = flexible      # first flexible version, or None
        self.root = Struct(name, self.all_versions)
        self.structs = {}

    @property
    def all_versions(self):
        return (self.versions[0], self.unstable or self.versions[1])


class Schema:
    def __init__(self, path):
        self.path = path
        self.number = None
        self.api_name = None
        self.listeners = []
        self.messages = []


class _Parser:
    def __init__(self, path):
        self.schema = Schema(path)
        self.versions = None
        self.unstable = None
        self.flexible = None
        self.message = None
        self.open = []      # (indent, Struct) from the root of the message to the innermost structure

    def line(self, text):
        words = text.split()
        indent = len(text) - len(text.lstrip())
        if indent == 0:
            self.directive(words)
        else:
            self.field(indent, words)

    def directive(self, words):
        word, rest = words[0], words[1:]
        if word == "api":
            self.schema.number, self.schema.api_name = int(rest[0]), rest[1]
        elif word == "type":
            self.schema.number = int(rest[0])
        elif word == "listeners":
            self.schema.listeners = rest
        elif word == "versions":
            self.versions = parse_range(rest[0])
            self.unstable = int(rest[2]) if rest[1:2] == ["unstable"] else None
        elif word == "flexible":
            self.flexible = None if rest[0] == "never" else parse_range(rest[0])[0]
        elif word in ("request", "response", "key", "value", "record"):
            name = rest[0] if rest else self.schema.api_name + word.capitalize()
            self.message = Message(word, name, self.versions, self.unstable, self.flexible)
            self.open = [(0, self.message.root)]
            self.schema.messages.append(self.message)
        else:
            raise SchemaError(f"unknown directive {word}")

    def field(self, indent, words):
        while self.open[-1][0] >= indent and len(self.open) > 1:
            self.open.pop()
        parent = self.open[-1][1]
        if words[0] == "struct":
            self.begin_struct(indent, words[1], intersect(self.message.root.versions,
                                                          parse_range(words[2]) if words[2:] else ANY))
            return
        words = list(words)
        name, type_name = words.pop(0), words.pop(0)
        type_name, question, nullable = type_name.partition("?")
        versions = parent.versions
        if words and words[0][0].isdigit():
            versions = intersect(versions, parse_range(words.pop(0)))
        if versions is None:
            raise SchemaError(f"{name} exists in no version")
        field = Field(name, type_name, versions)
        if question:
            field.nullable = intersect(versions, parse_range(nullable) if nullable else ANY)
        if words and words[0] == "tag":
            words.pop(0)
            field.tag = int(words.pop(0))
            tagged = parse_range(words.pop(0)) if words and words[0] != "=" else ANY
            field.tagged = intersect(versions, tagged)
        if words and words[0] == "=":
            field.default = words[1]
            words = words[2:]
        if words and words[0] == "few":
            field.few = True
            words = words[1:]
        if words:
            raise SchemaError(f"not understood: {' '.join(words)}")
        parent.fields.append(field)
        if field.is_struct and field.element not in self.message.structs:
            self.begin_struct(indent, field.element, versions)

    def begin_struct(self, indent, name, versions):
        struct = Struct(name, versions)
        self.message.structs[name] = struct
        self.open.append((indent, struct))


def load(path):
    parser = _Parser(path)
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            text = line.split("#")[0].rstrip()
            if not text:
                continue
            try:
                parser.line(text)
            except (SchemaError, IndexError, ValueError) as problem:
                raise SchemaError(f"{path}:{number}: {problem}") from problem
    for message in parser.schema.messages:
        message.structs = _in_order_of_need(message)
    return parser.schema


def _in_order_of_need(message):
    """Structures sorted so that each one stands after those it contains."""
    ordered = {}

    def visit(struct):
        for field in struct.fields:
            if field.is_struct:
                visit(message.structs[field.element])
        if struct is not message.root:
            ordered[struct.name] = struct

    visit(message.root)
    return ordered


def load_all(folder):
    paths = []
    for where, _, names in os.walk(folder):
        paths += [os.path.join(where, name) for name in names if name.endswith(".msg")]
    return [load(path) for path in sorted(paths)]


def snake(name):
    """'TopicId' -> 'topic_id', 'KRaftVersion' -> 'kraft_version', 'Enable2Pc' -> 'enable_2pc'."""
    name = name.replace("KRaft", "Kraft").replace("2Pc", "_2pc")
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return name.lower()
