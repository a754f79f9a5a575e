"""What tests need to walk over all messages: a description of every field, and a function that reads and writes each message.

Only tests and checks are built with it; the C++ types are in tests/protocol/message_catalog.h.
"""

FILES = 4   # so that compilers can share the work
NEVER = (1, 0)


def field_line(field, structs):
    nullable, tagged = field.nullable or NEVER, field.tagged or NEVER
    default = field.default
    number = {"true": "1", "false": "0", None: "0", "null": "0"}.get(default, default)
    if field.is_struct:
        kind, inner = "kStruct", f"&{structs[field.element]}"
    else:
        kind, inner = "k" + field.element.capitalize(), "nullptr"
    return (f'    {{"{field.name}", FieldType::{kind}, {str(field.array).lower()}, '
            f"{{{field.versions[0]}, {field.versions[1]}}}, {{{nullable[0]}, {nullable[1]}}}, {{{tagged[0]}, {tagged[1]}}}, "
            f"{field.tag or 0}, {number}, {str(default == 'null' or field.element == 'records').lower()}, {inner}}},")


def message_lines(message, schema):
    """The descriptions of one message's structures, and the line that enters it into the catalog."""
    names = {}
    lines = []
    for struct in [*message.structs.values(), message.root]:
        names[struct.name] = f"k{message.name}{'' if struct is message.root else '_' + struct.name}"
        name = names[struct.name]
        fields = [field_line(field, names) for field in struct.fields]
        if fields:
            lines += [f"constexpr FieldDescription {name}Fields[] = {{", *fields, "};"]
            lines.append(f'constexpr StructDescription {name}{{"{struct.name}", {name}Fields}};')
        else:
            lines.append(f'constexpr StructDescription {name}{{"{struct.name}", {{}}}};')
    api = schema.number if schema.api_name else -1
    flexible = 32767 if message.flexible is None else message.flexible
    low, high = message.all_versions
    entry = (f'    {{"{message.name}", {api}, {low}, {high}, {flexible}, &k{message.name}, &recode<{message.name}>, '
             f"&write_default<{message.name}>}},")
    return lines, entry


def catalog_files(schemas, stem):
    files = {}
    for part in range(FILES):
        mine = schemas[part::FILES]
        lines = ["// Written by src/protocol/generator/catalog.py; tests only.", '#include "protocol/message_catalog.h"']
        lines += [f'#include "protocol/messages/{stem(schema)}.h"' for schema in mine]
        lines += ["", "namespace milena::testing {", "", "namespace {", ""]
        entries = []
        for schema in mine:
            for message in schema.messages:
                described, entry = message_lines(message, schema)
                lines += [*described, ""]
                entries.append(entry)
        lines += [f"constexpr MessageDescription kMessages{part}[] = {{", *entries, "};", "", "}  // namespace", ""]
        lines += [f"std::span<const MessageDescription> messages_{part}() {{ return kMessages{part}; }}", ""]
        lines += ["}  // namespace milena::testing"]
        files[f"catalog_{part}.cc"] = "\n".join(lines) + "\n"
    lines = ["// Written by src/protocol/generator/catalog.py; tests only.", '#include "protocol/message_catalog.h"', "",
             "namespace milena::testing {", ""]
    lines += [f"std::span<const MessageDescription> messages_{part}();" for part in range(FILES)]
    lines += ["", "std::vector<MessageDescription> all_messages() {", "  std::vector<MessageDescription> all;"]
    for part in range(FILES):
        lines += [f"  for (const MessageDescription& message : messages_{part}()) all.push_back(message);"]
    lines += ["  return all;", "}", "", "}  // namespace milena::testing"]
    files["catalog.cc"] = "\n".join(lines) + "\n"
    return files
