#!/usr/bin/env python3
"""Writes the C++ of every message from src/protocol/schema/.

    generate.py SCHEMA_FOLDER OUTPUT_FOLDER [--catalog]

Writes OUTPUT_FOLDER/protocol/messages/<file>.{h,cc} for each schema file and api_table.{h,cc}; prints the .cc files, one a
line. With --catalog it writes and prints instead what tests need to walk over all messages. Only files whose content
changed are written, so that nothing is compiled in vain.
"""

import os
import re
import sys

from catalog import catalog_files
from schema import load_all, snake

NUMBERS = {"bool": "bool", "int8": "int8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t",
           "uint32": "uint32_t", "int64": "int64_t", "float64": "double", "uuid": "Uuid"}
FIXED_SIZE = {"bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "float64": 8, "uuid": 16}


def stem(schema):
    """Path of the generated files below messages/: '08_offset_commit.msg' -> 'offset_commit', records keep their folder."""
    folder, name = os.path.split(schema.path)
    name = name.removesuffix(".msg").lstrip("0123456789").lstrip("_")
    parent = os.path.basename(folder)
    return name if parent == "schema" else f"{parent}/{name}"


def wire_least(message, struct, version, seen=()):
    """The fewest bytes that one of these takes in this version."""
    flexible = message.flexible is not None and version >= message.flexible
    total = 1 if flexible else 0
    for field in struct.fields:
        if not within(version, field.versions) or within(version, field.tagged):
            continue
        if field.array or field.element in ("bytes", "records"):
            total += 1 if flexible else 4
        elif field.element == "string":
            total += 1 if flexible else 2
        elif field.element in FIXED_SIZE:
            total += FIXED_SIZE[field.element]
        elif within(version, field.nullable):
            total += 1
        else:
            total += wire_least(message, message.structs[field.element], version)
    return total


def within(version, versions):
    return versions is not None and versions[0] <= version <= versions[1]


def least_size(message, struct):
    low, high = struct.versions
    return min(wire_least(message, struct, version) for version in range(low, high + 1))


def is_error_code(field):
    """Kafka has no type for them, only the name."""
    return field.element == "int16" and field.name.endswith("ErrorCode") and not field.array


class Code:
    """C++ of one message."""

    def __init__(self, message):
        self.message = message
        self.view = message.kind == "request"
        self.flexible_always = message.flexible is not None and message.flexible <= message.versions[0]
        # A field of this name would hide behind the parameter.
        structs = [message.root, *message.structs.values()]
        self.version = "message_version" if any(f.name == "Version" for s in structs for f in s.fields) else "version"

    # --- types

    def element_type(self, field):
        if is_error_code(field):
            return "ErrorCode"
        if field.element in NUMBERS:
            return NUMBERS[field.element]
        if field.element == "records":
            return "ByteView" if self.view else "Payload"
        if field.element in ("string", "bytes"):
            return "ByteView" if self.view else "Bytes"
        return field.element

    def type(self, field):
        inner = self.element_type(field)
        if field.array:
            inner = "NodeList" if field.few else f"std::vector<{inner}>"
        return f"std::optional<{inner}>" if field.nullable else inner

    def initial(self, field):
        """What stands behind the member's name in its declaration."""
        if field.nullable:
            if field.default == "null" or field.element == "records":
                return ""
            return f" = filled_optional<{self.element_type(field)}>()" if field.is_struct and not field.array else "{std::in_place}"
        if field.array or field.is_struct or field.element in ("string", "bytes", "records", "uuid"):
            return ""
        return " = " + self.literal(field)

    @staticmethod
    def literal(field):
        if field.element == "bool":
            return field.default or "false"
        if is_error_code(field):
            return "ErrorCode::kNone"
        if field.element == "float64":
            return field.default or "0"
        value = int(field.default or "0", 0)
        if value == 0x7fffffffffffffff:
            return "INT64_MAX"
        return "INT32_MAX" if value == 0x7fffffff else str(value)

    # --- conditions on the version

    def condition(self, versions, container):
        """C++ for "this version is in `versions`", given that it is in `container`; '' if always."""
        parts = []
        if versions[0] > container[0]:
            parts.append(f"{self.version} >= {versions[0]}")
        if versions[1] < container[1]:
            parts.append(f"{self.version} <= {versions[1]}")
        if len(parts) == 2 and versions[0] == versions[1]:
            return f"{self.version} == {versions[0]}"
        return " && ".join(parts)

    # --- one field

    def read_plain(self, field, name):
        if field.array:
            return f"r.read_structs({name}, {self.version});" if field.is_struct else f"r.read_array({name});"
        if field.is_struct:
            return f"{name}.read(r, {self.version});"
        if is_error_code(field):
            return f"{name} = static_cast<ErrorCode>(r.read_int16());"
        if field.element in NUMBERS:
            return f"{name} = r.read_{field.element}();"
        return f"r.read_{field.element}({name});"

    def read_nullable(self, field, name):
        if field.array:
            return (f"r.read_nullable_structs({name}, {self.version});" if field.is_struct
                    else f"r.read_nullable_array({name});")
        if field.is_struct:
            return f"r.read_{'tagged' if field.tagged else 'nullable'}_struct({name}, {self.version});"
        return f"r.read_nullable_{field.element}({name});"

    def write_plain(self, field, name):
        if field.array:
            return f"w.write_structs({name}, {self.version});" if field.is_struct else f"w.write_array({name});"
        if field.is_struct:
            return f"{name}.write(w, {self.version});"
        if is_error_code(field):
            return f"w.write_error_code({name});"
        return f"w.write_{field.element}({name});"

    def write_nullable(self, field, name):
        if field.array:
            return (f"w.write_nullable_structs({name}, {self.version});" if field.is_struct
                    else f"w.write_nullable_array({name});")
        if field.is_struct:
            return f"w.write_{'tagged' if field.tagged else 'nullable'}_struct({name}, {self.version});"
        return f"w.write_nullable_{field.element}({name});"

    def statements(self, field, writing, versions):
        name = snake(field.name)
        nullable, plain = ((self.write_nullable, self.write_plain) if writing else (self.read_nullable, self.read_plain))
        if not field.nullable:
            return [plain(field, name)]
        condition = self.condition(field.nullable, versions)
        if not condition:
            return [nullable(field, name)]
        other = plain(field, f"or_empty({name})" if writing else f"{name}.emplace()")
        return [f"if ({condition}) {{", "  " + nullable(field, name), "} else {", "  " + other, "}"]

    def not_default(self, field):
        name = snake(field.name)
        if field.nullable:
            if field.default == "null" or field.element == "records":
                return f"{name}.has_value()"
            if field.is_struct and not field.array:
                return f"!({name} && *{name} == {field.element}())"
            return f"!({name} && {name}->empty())"
        if field.array or field.element in ("string", "bytes", "records"):
            return f"!{name}.empty()"
        if field.element == "uuid":
            return f"!{name}.is_zero()"
        if field.is_struct:
            return f"!({name} == {field.element}())"
        if field.element == "bool":
            return name if self.literal(field) == "false" else f"!{name}"
        return f"{name} != {self.literal(field)}"

    # --- one structure

    def guarded(self, struct, writing):
        """The untagged fields, neighbours with the same condition under one `if`."""
        groups = []
        for field in struct.fields:
            for versions in self.untagged_versions(field):
                condition = self.condition(versions, struct.versions)
                lines = self.statements(field, writing, versions)
                if groups and groups[-1][0] == condition:
                    groups[-1][1].extend(lines)
                else:
                    groups.append((condition, lines))
        for condition, lines in groups:
            if not condition:
                yield from lines
            elif len(lines) == 1:
                yield f"if ({condition}) {lines[0]}"
            else:
                yield f"if ({condition}) {{"
                yield from ("  " + line for line in lines)
                yield "}"

    @staticmethod
    def untagged_versions(field):
        if not field.tagged:
            return [field.versions]
        if field.tagged[0] > field.versions[0]:
            return [(field.versions[0], field.tagged[0] - 1)]
        return []

    def flexible_versions(self, struct):
        return (max(struct.versions[0], self.message.flexible), struct.versions[1])

    def read_tags(self, struct):
        tagged = struct.tagged_fields()
        if not tagged:
            if self.message.flexible is not None and struct.versions[1] >= self.message.flexible:
                yield "r.skip_tags();"
            return
        yield "for (uint32_t count = r.read_tag_count(); count > 0 && r.ok(); --count) {"
        yield "  const Reader::Tag tag = r.begin_tag();"
        yield "  switch (tag.number) {"
        for field in tagged:
            condition = self.condition(field.tagged, self.flexible_versions(struct))
            lines = self.statements(field, False, field.tagged)
            yield f"    case {field.tag}:"
            if condition:
                lines = [f"if ({condition}) {{", *("  " + line for line in lines), "} else {", "  r.skip_tag(tag);", "}"]
            yield from ("      " + line for line in lines)
            yield "      break;"
        yield "    default:"
        yield "      r.skip_tag(tag);"
        yield "  }"
        yield "  r.end_tag(tag);"
        yield "}"

    def write_tags(self, struct):
        tagged = struct.tagged_fields()
        if not tagged:
            if self.message.flexible is not None and struct.versions[1] >= self.message.flexible:
                yield "w.write_no_tags();"
            return
        if not self.flexible_always:
            yield "if (!w.flexible()) return;"
        flags = []
        for field in tagged:
            flags.append(f"has_{snake(field.name)}")
            condition = self.condition(field.tagged, self.flexible_versions(struct))
            test = self.not_default(field)
            yield f"const bool {flags[-1]} = {condition + ' && ' if condition else ''}{test};"
        total = " + ".join(f"uint32_t{{{flag}}}" for flag in flags)
        yield f"w.write_tag_count({total});"
        for field, flag in zip(tagged, flags):
            yield f"if ({flag}) {{"
            yield f"  const size_t mark = w.begin_tag({field.tag});"
            yield from ("  " + line for line in self.statements(field, True, field.tagged))
            yield "  w.end_tag(mark);"
            yield "}"

    def declare_members(self, struct, indent):
        for field in struct.fields:
            comment = self.condition(field.versions, struct.versions).replace(self.version, "version")
            line = f"{indent}{self.type(field)} {snake(field.name)}{self.initial(field)};"
            yield line + (f"  // {comment}" if comment else "")

    def declare_functions(self, name, indent):
        yield f"{indent}void read(Reader& r, int16_t {self.version});"
        yield f"{indent}void write(Writer& w, int16_t {self.version}) const;"
        yield f"{indent}bool operator==(const {name}& other) const;"

    def header(self, number):
        message = self.message
        yield f"struct {message.name} {{"
        if message.kind in ("request", "response"):
            yield f"  static constexpr ApiKey kApiKey = ApiKey::k{message.name.removesuffix(message.kind.capitalize())};"
        elif number is not None:
            yield f"  static constexpr int16_t kType = {number};"
        yield f"  static constexpr int16_t kMinVersion = {message.versions[0]};"
        yield f"  static constexpr int16_t kMaxVersion = {message.versions[1]};"
        if message.unstable is not None:
            yield f"  static constexpr int16_t kUnstableVersion = {message.unstable};  // known, never offered"
        first = "INT16_MAX" if message.flexible is None else message.flexible
        yield f"  static constexpr int16_t kFirstFlexibleVersion = {first};" + ("  // never" if message.flexible is None else "")
        yield ""
        for struct in message.structs.values():
            yield f"  struct {struct.name} {{"
            yield f"    static constexpr size_t kMinSize = {least_size(message, struct)};"
            yield from self.declare_members(struct, "    ")
            yield from self.declare_functions(struct.name, "    ")
            yield "  };"
            yield ""
        if message.root.fields:
            yield from self.declare_members(message.root, "  ")
            yield ""
        yield from self.declare_functions(message.name, "  ")
        yield "};"

    def source(self):
        message = self.message
        for struct in [*message.structs.values(), message.root]:
            root = struct is message.root
            name = message.name if root else f"{message.name}::{struct.name}"
            reads = list(self.guarded(struct, False)) + list(self.read_tags(struct))
            writes = list(self.guarded(struct, True)) + list(self.write_tags(struct))
            if root:
                low, high = message.all_versions
                reads[:0] = [f"if ({self.version} < {low} || {self.version} > {high}) return r.fail();",
                             f"r.set_flexible({self.flexible_test()});", f"*this = {message.name}();"]
                writes[:0] = [f"w.set_flexible({self.flexible_test()});"]
            yield from self.function(f"void {name}::read(", "Reader& r", reads, "")
            yield from self.function(f"void {name}::write(", "Writer& w", writes, " const")
            yield f"bool {name}::operator==(const {struct.name}& other) const = default;"
            yield ""

    def flexible_test(self):
        if self.message.flexible is None:
            return "false"
        return "true" if self.flexible_always else f"{self.version} >= {self.message.flexible}"

    def function(self, head, parameter, body, tail):
        words = set(re.findall(r"\w+", " ".join(body)))
        used = parameter if parameter[-1] in words else parameter.split()[0]
        version = f"int16_t {self.version}" if self.version in words else "int16_t"
        yield f"{head}{used}, {version}){tail} {{"
        yield from ("  " + line for line in body)
        yield "}"
        yield ""


def header_file(schema):
    codes = [Code(message) for message in schema.messages]
    body = []
    for code in codes:
        body += ["", *code.header(schema.number)]
    text = "\n".join(body)
    lines = [f"// Written by src/protocol/generator/generate.py from {schema_name(schema)}.", "#pragma once", ""]
    system = [name for name, word in (("cstdint", ""), ("optional", "std::optional"), ("vector", "std::vector")) if word in text]
    lines += [f"#include <{name}>" for name in system] + [""]
    local = [("base/bytes.h", ""), ("base/filled_optional.h", "filled_optional"), ("base/payload.h", "Payload"),
             ("base/small_vector.h", "NodeList"), ("base/uuid.h", "Uuid"),
             ("protocol/error_code.h", "ErrorCode"), ("protocol/messages/api_table.h", "ApiKey")]
    lines += [f'#include "{name}"' for name, word in local if word in text]
    lines += ["", "namespace milena {", "", "class Reader;", "class Writer;"] + body + ["", "}  // namespace milena"]
    return "\n".join(lines) + "\n"


def source_file(schema):
    lines = [f"// Written by src/protocol/generator/generate.py from {schema_name(schema)}.",
             f'#include "protocol/messages/{stem(schema)}.h"', "", '#include "protocol/reader.h"',
             '#include "protocol/writer.h"', "", "namespace milena {", ""]
    for message in schema.messages:
        lines += Code(message).source()
    lines += ["}  // namespace milena"]
    text = "\n".join(lines) + "\n"
    if "Payload" in header_file(schema):
        text = text.replace('#include "protocol/reader.h"', '#include "protocol/payload_equal.h"\n#include "protocol/reader.h"')
    return text


def schema_name(schema):
    return "schema" + schema.path.rsplit("schema", 1)[1]


def table_files(schemas):
    """The enum of all API keys, and the table behind src/protocol/api_key.h."""
    apis = [s for s in schemas if s.api_name]
    enum = ["// Written by src/protocol/generator/generate.py from the files of src/protocol/schema.", "#pragma once", "",
            "#include <cstdint>", "", "namespace milena {", "", "enum class ApiKey : int16_t {"]
    enum += [f"  k{s.api_name} = {s.number}," for s in apis]
    enum += ["};", "", "}  // namespace milena"]
    table = ["// Written by src/protocol/generator/generate.py from the files of src/protocol/schema.",
             '#include "protocol/api_key.h"', "", "namespace milena {", "",
             f"const std::array<ApiInfo, {len(apis)}> kApis{{{{"]
    for s in apis:
        request = s.messages[0]
        flexible = "INT16_MAX" if request.flexible is None else request.flexible
        table.append(f'    {{ApiKey::k{s.api_name}, "{s.api_name}", {request.versions[0]}, {request.versions[1]}, {flexible}, '
                     f'{str("broker" in s.listeners).lower()}, {str("controller" in s.listeners).lower()}}},')
    table += ["}};", "", f"ApiTable api_table() {{ return {{kApis.data(), kApis.size()}}; }}", "", "}  // namespace milena"]
    table = "\n".join(table).replace(f"const std::array<ApiInfo, {len(apis)}> kApis",
                                     f"static constexpr std::array<ApiInfo, {len(apis)}> kApis")
    return {"api_table.h": "\n".join(enum) + "\n", "api_table.cc": table + "\n"}


def type_files(schemas):
    """Record types as enums, one per folder of numbered records: offsets/record_type.h and so on."""
    names = {"offsets": "OffsetsRecordType", "metadata": "MetadataRecordType"}
    files = {}
    for folder, name in names.items():
        lines = ["// Written by src/protocol/generator/generate.py from the files of src/protocol/schema.", "#pragma once", "",
                 "#include <cstdint>", "", "namespace milena {", "", f"enum class {name} : int16_t {{"]
        for s in schemas:
            if stem(s).startswith(folder + "/") and s.number is not None:
                words = stem(s).split("/")[1].split("_")
                lines.append(f"  k{''.join(w.capitalize() for w in words)} = {s.number},")
        files[f"{folder}/record_type.h"] = "\n".join(lines + ["};", "", "}  // namespace milena"]) + "\n"
    return files


def save(path, text):
    if os.path.exists(path):
        with open(path, encoding="utf-8") as old:
            if old.read() == text:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def main():
    schema_folder, output = sys.argv[1:3]
    schemas = load_all(schema_folder)
    if "--catalog" in sys.argv:
        files = catalog_files(schemas, stem)
        folder = os.path.join(output, "protocol", "testing")
    else:
        files = table_files(schemas) | type_files(schemas)
        for schema in schemas:
            files[stem(schema) + ".h"] = header_file(schema)
            files[stem(schema) + ".cc"] = source_file(schema)
        folder = os.path.join(output, "protocol", "messages")
    for name, text in files.items():
        save(os.path.join(folder, name), text)
    print("\n".join(os.path.join(folder, name) for name in files if name.endswith(".cc")))


if __name__ == "__main__":
    main()
