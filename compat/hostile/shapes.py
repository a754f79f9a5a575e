"""The dearest requests of an API, made from its schema: each array filled in turn, with the same name, with names that exist
and with names that do not; and each string as long as it may be. A new API is among them by itself.
"""

import dataclasses
import struct
import uuid

import messages
import population

# At most so many different elements; the rest repeats them.
DIFFERENT = 20_000
POLICIES = ("the same", "existing", "unknown")
# Answered when something happens, or when their own time is over.
PARKING = ("JoinGroup", "SyncGroup", "Fetch", "ConsumerGroupHeartbeat")
# Elements of an array of plain values, if the field's name does not tell.
BOMB_PATTERN = "(a?){25}a{25}x?[b-y]{1,60}(z|y|x|w)*q"


@dataclasses.dataclass
class Shape:
    name: str
    frame: bytes
    parks: bool


def names():
    return list(messages.apis())


def key_of(api):
    return messages.key_of(api)


def arrays_of(made, version, is_flexible):
    """The paths of the arrays that the version has: tuples of field names."""
    found = []

    def walk(kind, path):
        for field in kind.fields:
            if field.versions is None or not field.versions[0] <= version <= field.versions[1]:
                continue
            if field.array:
                found.append(path + (field.name,))
            if field.is_struct and len(path) < 6:
                walk(made.structs[field.element], path + (field.name,))

    walk(made.root, ())
    return found


class Filler:
    def __init__(self, api, version, people, policy):
        self.made = messages.message(api, "request")
        self.api = api
        self.version = version
        self.people = people
        self.policy = policy
        self.encoder = messages._Encoder(self.made, version, messages.flexible(api, version))

    def number(self, i):
        return 0 if self.policy == "the same" else i

    def name(self, kind, i):
        if self.policy == "unknown":
            return f"no-{kind}-{i}"
        i = self.number(i)
        if kind == "topic":
            return self.people.topic(i) if self.policy == "existing" else population.WIDE
        return {"group": f"g{i % self.people.groups}", "transactional id": f"x{i % self.people.transactional_ids}",
                "user": f"u{i}", "config": "retention.ms"}.get(kind, f"{kind}{i}")

    def text(self, field, owner, i):
        label = f"{owner} {field.name}".lower()
        if "mechanism" in label or field.name in ("AuthBytes", "Hmac"):
            return "PLAIN"
        if "regex" in label:
            return BOMB_PATTERN
        if field.name == "Path" or "logdir" in label:
            return "/nowhere"
        if "transactional" in label:
            return self.name("transactional id", i)
        if "group" in field.name.lower():
            return self.name("group", i)
        if "user" in label or "principal" in label:
            return self.name("user", i)
        if "config" in label and field.name in ("Name", "ConfigNames", "ConfigurationKeys"):
            return self.name("config", i)
        if "topic" in label or field.name == "ResourceName":
            return self.name("topic", i)
        if field.name in ("Key", "CoordinatorKeys"):
            return self.name("group", i)
        if field.name == "Value":
            return "1000"
        return f"v{self.number(i)}"

    def plain(self, field, owner, i):
        kind, name = field.element, field.name
        if kind in ("string", "bytes"):
            text = self.text(field, owner, i)
            return text.encode() if kind == "bytes" else text
        if kind == "uuid":
            topics = self.people.topic_ids
            if self.policy == "unknown":
                return uuid.UUID(int=i + 1)
            return topics[self.name("topic", i)] if "topic" in name.lower() else topics[population.WIDE]
        if kind == "records":
            return None
        if kind == "bool":
            return name not in ("ValidateOnly", "DryRun")
        if "partition" in name.lower() and "max" not in name.lower() or name == "Index":
            return self.number(i) % self.people.wide_partitions
        special = {"Timestamp": 0, "MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 1 << 30, "PartitionMaxBytes": 1 << 20,
                   "SessionId": 0, "SessionEpoch": 0, "TimeoutMs": 1000, "SessionTimeoutMs": 6000, "RebalanceTimeoutMs": 1000,
                   "ResourceType": 2, "ReplicaId": -1, "CurrentLeaderEpoch": -1, "LeaderEpoch": 0, "Acks": 1,
                   "ProducerId": 1_000_000 + self.number(i) % self.people.producers, "Count": 1, "NumPartitions": 1,
                   "ReplicationFactor": 1, "BrokerId": 99, "MemberEpoch": 0, "GenerationId": -1}
        name = name[0].upper() + name[1:]
        if name in special:
            return special[name]
        if field.default not in (None, "null"):
            return int(field.default, 0)
        return 1 if "id" in name.lower() else 0

    def struct(self, kind, full, count, i, path=()):
        """`full`: the path of the array that gets `count` elements; the others get one."""
        values = {}
        for field in kind.fields:
            if field.versions is None or not field.versions[0] <= self.version <= field.versions[1]:
                continue
            here = path + (field.name,)
            if self.encoder.flexible and self.encoder.has(field.tagged) and here != full[:len(here)]:
                continue
            if field.array:
                values[field.name] = self.array(field, kind.name, full, count, i, here)
            elif field.is_struct:
                nullable = field.nullable and here != full[:len(here)]
                values[field.name] = None if nullable else self.struct(self.made.structs[field.element], full, count, i, here)
            elif field.nullable and field.default == "null" and "regex" not in field.name.lower():
                values[field.name] = None
            else:
                values[field.name] = self.plain(field, kind.name, i)
        return values

    def array(self, field, owner, full, count, i, here):
        def element(number):
            if field.is_struct:
                return self.struct(self.made.structs[field.element], full, count, number, here)
            return self.plain(field, owner, number)

        if here != full:
            return [element(i)]
        different = 1 if self.policy == "the same" else min(count, DIFFERENT)
        filled = messages.Repeated(element(number) for number in range(different))
        filled.times = max(1, count // different)
        return filled

    def body(self, full, count):
        return self.struct(self.made.root, full, count, 0)


def frame_of(api, version, body):
    data = messages.request(api, version, body, client_id="hostile")
    return struct.pack(">i", len(data)) + data


def filled(api, version, size, people, policy, path):
    """A frame of about that size, or None where one element more makes no difference."""
    filler = Filler(api, version, people, policy)
    two, four = (len(frame_of(api, version, filler.body(path, count))) for count in (2, 4))
    if policy == "the same":
        each = max(1, (four - two) // 2)
    else:
        each = max(1, (len(frame_of(api, version, filler.body(path, 1000))) - two) // 998)
    count = (size - two) // each + 2
    return frame_of(api, version, filler.body(path, count)) if count >= 4 else None


def shapes_of(api, version, size, people):
    made = messages.message(api, "request")
    parks = api in PARKING
    paths = arrays_of(made, version, messages.flexible(api, version))
    for path in paths:
        plain_numbers = path[-1] in ("ReplicaNodes",)
        for policy in POLICIES if not plain_numbers else POLICIES[:2]:
            frame = filled(api, version, size, people, policy, path)
            if frame is not None:
                yield Shape(f"{'.'.join(path)}: {policy}", frame, parks)
    if not paths:
        frame = frame_of(api, version, Filler(api, version, people, "existing").body((), 0))
        if len(frame) <= size:
            yield Shape("as it is", frame, parks)
    yield from long_strings(api, version, size, people)


def long_strings(api, version, size, people):
    """The string of the root structure that may be longest, filled."""
    made = messages.message(api, "request")
    limit = size if messages.flexible(api, version) else min(size, 32_767)
    for field in made.root.fields:
        if field.array or field.element not in ("string", "bytes") or field.versions is None \
                or not field.versions[0] <= version <= field.versions[1]:
            continue
        body = Filler(api, version, people, "existing").body((), 0)
        text = ("a?" * (limit // 2)) if "regex" in field.name.lower() else "x" * limit
        body[field.name] = text.encode() if field.element == "bytes" else text
        yield Shape(f"{field.name}: long", frame_of(api, version, body), api in PARKING)
