"""Compares src/protocol/schema with the definitions inside Apache Kafka's jars, field by field and version by version.

Independent of the importer: nothing is merged here. For each version of each message the fields that exist in it are listed
twice, once from Kafka's JSON of the release that defines that version, once from our own files, and the lists must be equal.
"""

import glob
import json
import os
import re
import sys
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "src", "protocol", "generator"))
import schema as notation  # noqa: E402

# Written by hand in src/protocol/request_header.cc and checked by the Java program; a file in JSON; a record's key, in records/.
ELSEWHERE = {"RequestHeader", "ResponseHeader", "QuorumStateData", "ControlRecordTypeSchema"}


def definitions(libs):
    found = {}
    for jar in glob.glob(os.path.join(libs, "kafka-*.jar")):
        archive = zipfile.ZipFile(jar)
        for name in archive.namelist():
            if name.endswith(".json") and ("message/" in name or "metadata/" in name):
                text = "\n".join(line for line in archive.read(name).decode().split("\n") if not line.strip().startswith("//"))
                parsed = json.loads(text)
                if "fields" in parsed and "validVersions" in parsed:
                    found[parsed["name"]] = parsed
    return found


def holds(version, text):
    """Is the version in a range as Kafka writes it: "3", "0-4", "2+", "none"?"""
    if not text or text == "none":
        return False
    if text.endswith("+"):
        return version >= int(text[:-1])
    first, _, last = text.partition("-")
    return int(first) <= version <= int(last or first)


def bounds(text):
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def default_of_kafka(field):
    value = field.get("default")
    if value is None or value == "":
        return "nothing"
    if value == "null":
        return "null"
    if field["type"] == "bool":
        return "nothing" if str(value).lower() == "false" else "true"
    if field["type"] == "float64":
        return float(value) or "nothing"
    return int(str(value), 0) or "nothing"


def default_of_ours(field):
    value = field.default
    if value is None or value == "null":
        return "null" if value else "nothing"
    if field.element == "bool":
        return "nothing" if value == "false" else value
    return int(value, 0) or "nothing"


# Fields that may be null with us and not with Kafka, and why. Kafka cannot read such a message.
WIDER = {
    ("PushTelemetryRequest", "/Metrics"): "librdkafka 2.8 sends null; Kafka closes the connection each time",
}


def wider(field):
    """The fact of Kafka's field, but that it may be null."""
    return (*field[:2], True, *field[3:])


def kafka_fields(fields, common, version, path=""):
    """(path, type, nullable, tag, default) of every field that exists in the version, in the order of the definition."""
    for field in fields:
        if not holds(version, field.get("versions", field.get("taggedVersions"))):
            continue
        where = f"{path}/{field['name']}"
        tag = field["tag"] if holds(version, field.get("taggedVersions")) else None
        yield (where, field["type"], holds(version, field.get("nullableVersions")), None if tag is None else int(tag),
               default_of_kafka(field))
        element = field["type"].replace("[]", "")
        if element[0].isupper():
            inner = field["fields"] if "fields" in field else common[element]
            yield from kafka_fields(inner, common, version, where)


def our_fields(message, struct, version, path=""):
    for field in struct.fields:
        if not within(version, field.versions):
            continue
        where = f"{path}/{field.name}"
        yield (where, field.type, within(version, field.nullable), field.tag if within(version, field.tagged) else None,
               default_of_ours(field))
        if field.is_struct:
            yield from our_fields(message, message.structs[field.element], version, where)


def within(version, versions):
    return versions is not None and versions[0] <= version <= versions[1]


class Comparison:
    def __init__(self, new, old):
        self.new, self.old = new, old
        self.passed = self.failed = 0

    def check(self, what, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {what} {detail}")

    def stable_range(self, definition):
        first, last = bounds(definition["validVersions"])
        return first, last - 1 if definition.get("latestVersionUnstable") else last

    def expected_range(self, name):
        """From the oldest version that a 3.9 broker takes to the newest that 4.3 offers; (.., unstable or None)."""
        new = self.new[name]
        first, last = self.stable_range(new)
        request = re.sub("Response$", "Request", name)
        if self.new[request].get("latestVersionUnstable"):      # said in the request only
            last = bounds(new["validVersions"])[1] - 1
        unstable = bounds(new["validVersions"])[1]
        old = self.old.get(name)
        if old and new["type"] in ("request", "response"):
            old_first, old_last = self.stable_range(self.old[request])
            if old_first <= old_last:
                first = min(first, old_first)
        return (first, last), unstable if unstable > last else None

    def message(self, schema, message):
        name = message.name
        if name not in self.new:
            return self.check(name, False, "is not in Kafka's jars")
        new = self.new[name]
        self.check(f"{name} versions", (message.versions, message.unstable) == self.expected_range(name),
                   f"ours {message.versions} {message.unstable}, expected {self.expected_range(name)}")
        if "apiKey" in new:
            self.check(f"{name} number", schema.number == new["apiKey"])
        if new["type"] == "request":
            self.check(f"{name} listeners", schema.listeners == new["listeners"])
        for version in range(message.all_versions[0], message.all_versions[1] + 1):
            source = new if version >= bounds(new["validVersions"])[0] else self.old[name]
            flexible = message.flexible is not None and version >= message.flexible
            self.check(f"{name} {version} flexible", flexible == holds(version, source["flexibleVersions"]))
            common = {s["name"]: s["fields"] for s in source.get("commonStructs", [])}
            theirs = list(kafka_fields(source["fields"], common, version))
            ours = list(our_fields(message, message.root, version))
            for index in range(max(len(theirs), len(ours))):
                pair = [side[index] if index < len(side) else "nothing" for side in (theirs, ours)]
                if (name, pair[0][0]) in WIDER:
                    pair[0] = wider(pair[0])
                self.check(f"{name} {version}", pair[0] == pair[1], f"Kafka has {pair[0]}, we have {pair[1]}")

    def run(self, folder):
        seen = set()
        for schema in notation.load_all(folder):
            for message in schema.messages:
                self.message(schema, message)
                seen.add(message.name)
        for name in self.new:
            self.check(name, name in seen or name in ELSEWHERE, "is missing in our schema")
        for name in ELSEWHERE:
            self.check(name, name in self.new, "is no longer in Kafka's jars")


def compare(new_libs, old_libs):
    """(passed, failed)"""
    comparison = Comparison(definitions(new_libs), definitions(old_libs))
    comparison.run(os.path.join(ROOT, "src", "protocol", "schema"))
    return comparison.passed, comparison.failed
