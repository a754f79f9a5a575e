#!/usr/bin/env python3
"""Writes src/protocol/schema/ from the message definitions inside Apache Kafka's jars.

    import_kafka.py NEW_LIBS OLD_LIBS SCHEMA_FOLDER

NEW_LIBS holds the jars of Kafka 4.3.1, OLD_LIBS those of 3.9.1, which still define the versions that 4.0 dropped. Only facts
are taken: names, types, versions, nullability, defaults, tags. Run by hand when Kafka moves on; compat/schema checks the result.
"""

import glob
import json
import os
import re
import shutil
import sys
import zipfile

from schema import ANY, PRIMITIVES, intersect, parse_range, snake

ZOOKEEPER_ONLY = (4, 5, 6, 7)
EARLY_ACCESS = (76, 77, 78, 79)     # version 0 of these was never offered by a release that kept it
NOT_A_MESSAGE = ("RequestHeader", "ResponseHeader", "QuorumStateData", "ControlRecordTypeSchema")
UNSTABLE = {"InitProducerId": 6}    # latestVersionUnstable in the definition; a 4.3.1 broker offers one less


def read_definitions(libs):
    """Name -> (definition, name of its jar without the version)."""
    found = {}
    for jar in sorted(glob.glob(os.path.join(libs, "kafka-*.jar"))):
        with zipfile.ZipFile(jar) as archive:
            for entry in archive.namelist():
                if entry.endswith(".json") and re.match(r"(common/)?(message|metadata)/", entry):
                    text = re.sub(r"^\s*//.*$", "", archive.read(entry).decode(), flags=re.M)
                    definition = json.loads(text)
                    if "fields" in definition:
                        source = re.sub(r"-[\d.]+\.jar$", "", os.path.basename(jar))
                        found[definition["name"]] = (definition, source)
    return found


def optional_range(text):
    return None if text in (None, "none") else parse_range(text)


def field_range(field):
    return optional_range(field.get("versions") or field.get("taggedVersions"))


def add_dropped(new, old, old_only, path):
    """Puts the fields that only the dropped versions had back to where they stood."""
    names = [f["name"] for f in new]
    for position, field in enumerate(old):
        versions = intersect(field_range(field), old_only)
        if field["name"] not in names:
            if versions and field_range(field)[1] <= old_only[1]:
                before = [f["name"] for f in old[:position]]
                at = max((names.index(n) + 1 for n in before if n in names), default=0)
                new.insert(at, dict(field))
                names.insert(at, field["name"])
            continue
        twin = new[names.index(field["name"])]
        if versions != intersect(field_range(twin), old_only) or field["type"] != twin["type"]:
            raise SystemExit(f"{path}: {field['name']} differs in the versions that 4.0 dropped")
        if "fields" in field:
            add_dropped(twin["fields"], field["fields"], old_only, f"{path}/{field['name']}")


def merge(definition, old):
    versions = parse_range(definition["validVersions"])
    if old and definition.get("apiKey") not in EARLY_ACCESS and definition["type"] in ("request", "response"):
        first = parse_range(old["validVersions"])[0]
        if first < versions[0]:
            add_dropped(definition["fields"], old["fields"], (first, versions[0] - 1), definition["name"])
            versions = (first, versions[1])
    return versions


class Writer:
    """Writes one message in our notation."""

    def __init__(self, definition, versions):
        self.common = {s["name"]: s for s in definition.get("commonStructs", [])}
        self.versions = versions
        self.lines = []

    def write(self, fields):
        for name, struct in self.common.items():
            within = intersect(optional_range(struct.get("versions", "0+")), self.versions)
            if within is None:
                continue
            self.lines.append("  struct " + name + self.relative(within, self.versions))
            self.fields(struct["fields"], within, 2)
        self.fields(fields, self.versions, 1)
        return self.lines

    def relative(self, versions, container):
        if versions == container:
            return ""
        low, high = versions
        return f" {low}+" if high == container[1] else f" {low}" if low == high else f" {low}-{high}"

    def fields(self, fields, container, depth):
        present = [(f, intersect(field_range(f), container)) for f in fields]
        present = [(f, versions) for f, versions in present if versions]
        name_width = max((len(f["name"]) for f, _ in present), default=0)
        types = [self.type_of(f, versions) for f, versions in present]
        type_width = max(map(len, types), default=0)
        for (field, versions), type_name in zip(present, types):
            rest = self.relative(versions, container) + self.tag_of(field, versions) + self.default_of(field)
            line = "  " * depth + field["name"].ljust(name_width + 1) + type_name.ljust(type_width) + rest
            self.lines.append(line.rstrip())
            if "fields" in field and field["type"].removeprefix("[]") not in self.common:
                self.fields(field["fields"], versions, depth + 1)

    def type_of(self, field, versions):
        nullable = intersect(optional_range(field.get("nullableVersions")), versions)
        if not nullable:
            return field["type"]
        return field["type"] + "?" + self.relative(nullable, versions).strip()

    def tag_of(self, field, versions):
        tagged = intersect(optional_range(field.get("taggedVersions")), versions)
        return f" tag {field['tag']}{self.relative(tagged, versions)}" if tagged else ""

    def default_of(self, field):
        default = field.get("default")
        if default is None or default == "":
            return ""
        text = str(default).lower() if isinstance(default, bool) else str(default)
        kind = field["type"]
        if kind in PRIMITIVES and (kind.startswith(("int", "uint")) and int(text, 0) == 0 or text == "false"):
            return ""
        return f" = {text}"


def flexible_line(definition):
    text = definition.get("flexibleVersions", "none")
    return "flexible " + ("never" if text == "none" else text)


def section(definition, old, head, unstable=None):
    low, high = merge(definition, old)
    if unstable:
        versions_line = f"versions {low}-{high - 1} unstable {high}"
    else:
        versions_line = f"versions {low}-{high}" if low != high else f"versions {low}"
    return [versions_line, flexible_line(definition)], [head] + Writer(definition, (low, high)).write(definition["fields"])


def save(folder, name, lines):
    path = os.path.join(folder, name + ".msg")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


def write_apis(folder, new, old):
    for name, (request, _) in new.items():
        if request["type"] != "request" or request["apiKey"] in ZOOKEEPER_ONLY:
            continue
        api = name.removesuffix("Request")
        unstable = UNSTABLE.get(api)
        head, first = section(request, old.get(name, [None])[0], "request", unstable)
        response = new[api + "Response"][0]
        head_again, second = section(response, old.get(api + "Response", [None])[0], "response", unstable)
        assert head == head_again, name
        lines = [f"api {request['apiKey']} {api}", "listeners " + " ".join(request["listeners"])] + head
        save(folder, f"{request['apiKey']:02}_{snake(api)}", lines + [""] + first + [""] + second)


RECORD_FOLDERS = {"kafka-group-coordinator": "offsets", "kafka-transaction-coordinator": "transaction",
                  "kafka-share-coordinator": "share", "kafka-metadata": "metadata", "kafka-storage": "storage"}
CLIENT_FOLDERS = {"ConsumerProtocolSubscription": "group", "ConsumerProtocolAssignment": "group",
                  "DefaultPrincipalData": "principal"}


def record_file(definition, source):
    """(folder, file name without number, kind of section)."""
    name, kind = definition["name"], definition["type"]
    if kind.startswith("coordinator-"):
        part = kind.removeprefix("coordinator-")
        return RECORD_FOLDERS[source], snake(re.sub("(Key|Value)$", "", name)), part
    folder = RECORD_FOLDERS.get(source) or CLIENT_FOLDERS.get(name, "control")
    if folder in ("metadata", "storage", "control"):
        return folder, snake(re.sub("(Record|Message)$", "", name)), "record"
    return folder, snake(name), "record"


def write_records(folder, new):
    files = {}
    for name, (definition, source) in new.items():
        if definition["type"] in ("request", "response") or name in NOT_A_MESSAGE:
            continue
        where, stem, kind = record_file(definition, source)
        number = definition.get("apiKey")
        path = f"{where}/{stem}" if number is None else f"{where}/{number:02}_{stem}"
        files.setdefault(path, {})[kind] = (definition, number)
    for path, parts in files.items():
        lines = []
        for kind in ("key", "value", "record"):
            if kind in parts:
                definition, number = parts[kind]
                if not lines and number is not None:
                    lines += [f"type {number}"]
                head, body = section(definition, None, f"{kind} {definition['name']}")
                lines += ([""] if kind == "value" else []) + head + [""] + body
        save(os.path.join(folder, "records"), path, lines)


def main():
    new_libs, old_libs, folder = sys.argv[1:]
    new, old = read_definitions(new_libs), read_definitions(old_libs)
    shutil.rmtree(folder, ignore_errors=True)
    write_apis(folder, new, old)
    write_records(folder, new)


if __name__ == "__main__":
    main()
