#!/usr/bin/env python3
"""Usage: check_style.py ROOT

Checks the rules that a machine can check: which folder may include which, no file and no line too long, sorted includes,
clean text, no stray files, and what DESIGN.md says about files (check_design.py). Prints each finding as
"file:line: problem", and fails if there is one.
"""

import pathlib
import re
import subprocess
import sys

import check_design

# The floors of src/, lowest first, and what each may include (DESIGN.md has the picture). "floor/name" allows that
# floor's headers whose name begins so, and nothing else of it.
MAY_INCLUDE = {
    "base": [],
    "http": ["base"],
    "protocol": ["base"],
    "config": ["protocol", "base"],
    "security": ["config", "protocol", "base"],
    "log": ["protocol", "base"],
    "metadata": ["config", "protocol", "base"],
    "coordinator": ["metadata/image", "protocol", "base"],
    "broker": ["log", "coordinator", "metadata", "security", "http", "config", "protocol", "base"],
    "net": ["broker/clients/session.h", "broker/cluster/network.h", "security", "http", "config", "base"],
    "tools": ["log/format", "log/check", "security", "http", "config", "protocol", "base"],
}
# Clocks, random numbers and threads come from an Executor (base/executor.h), so that a whole node can be run again from a
# seed. Only these floors touch the real ones.
REAL_WORLD_FLOORS = {"base", "net", "tools", "main"}
REAL_WORLD = re.compile(
    r"\b(getrandom|random_device|mt19937(_64)?|s?rand|std::time|clock_gettime|gettimeofday)\s*\(|\brandom_device\b"
    r"|\bchrono::\w+_clock\b|\bstd::j?thread\b(?!::hardware)|\bsystem_(clock|random)\(\)")
# Containers in the order of addresses are in another order in every run.
ORDERED_BY_ADDRESS = re.compile(r"\b(?:unordered_)?(?:multi)?(?:map|set)<(?:const )?[\w:]+ ?\*(?:, [\w:<>]+(?: ?\*)?)?> ?\w")
# Handlers reach the controller through its channel, by requests that could leave the node.
NOT_FOR_HANDLERS = {"broker/controller/metadata_runtime.h", "metadata/controller.h", "broker/controller/embedded_controller_call.h"}
# Floors whose names are every floor's words: they are in namespace milena. Any other floor has a namespace of its name.
SHARED_VOCABULARY = {"base", "protocol"}
# src/main.cc puts the house together.
MAIN_MAY_INCLUDE = ["net", "broker", "config", "tools", "base"]

# Headers that cost every file that includes them too much.
HEAVY_IN_HEADERS = re.compile(r"<(iostream|regex|fmt/(format|ranges|chrono|os)\.h)>")
MOST_LINES = 600
# Files with longer lines than .clang-format allows, in texts that are printed as they stand, and how many. The list may only
# get shorter.
LONG_LINES = {
    "bench/load.cc": 4,
    "src/log/format/quorum_state.cc": 1,
    "src/config/config_reference.cc": 4,
}
# Files that begin with a dot and belong here; any other was left behind by a program.
DOT_FILES = {".ci/run", ".clang-format", ".dockerignore", ".gitignore"}
TEXT_FILES = {".cc", ".h", ".py", ".sh", ".msg", ".java", ".go", ".js", ".md", ".txt", ".cmake", ".yaml", ".yml", ".json"}
WITH_TABS = {".go"}
CODE_FILES = {".cc", ".h", ".py", ".sh", ".java", ".go", ".js"}
IGNORED = {".git", "__pycache__", "node_modules", "golden", "corpus", "target"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def text_files(root):
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if any(part in IGNORED or part.startswith("build") for part in parts[:-1]) or not path.is_file():
            continue
        if path.suffix in TEXT_FILES or (path.suffix == "" and parts[0] in ("script", "compat", "bench", ".ci")):
            yield path


def is_allowed(header, allowed):
    for entry in allowed:
        if header.startswith(entry + "/") or ("/" in entry and header.startswith(entry)):
            return True
    return False


def check_includes(root, path, lines, report):
    parts = path.relative_to(root / "src").parts
    floor = parts[0] if len(parts) > 1 else "main"
    if floor != "main" and floor not in MAY_INCLUDE:
        report(1, f"src/{floor} is not in the table of floors")
        return
    allowed = MAIN_MAY_INCLUDE if floor == "main" else [floor] + MAY_INCLUDE[floor]
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        own, system = found.groups()
        if own and own.split("/")[0] in MAY_INCLUDE and not is_allowed(own, allowed):
            report(number, f"{floor} must not include {own}")
        if own in NOT_FOR_HANDLERS and parts[:2] == ("broker", "api"):
            report(number, f"handlers must not include {own}: they send requests to the controller (controller_call.h)")
        if own and "/" not in own:
            report(number, f'"{own}": name the folder too')
        if system and (system == "asio.hpp" or system.startswith("asio/")):
            if floor != "net":
                report(number, "Asio is for src/net only")
            elif path.suffix == ".h":
                report(number, "Asio is for .cc files only")
        if system and path.suffix == ".h" and HEAVY_IN_HEADERS.search(f"<{system}>"):
            report(number, f"<{system}> is too heavy for a header")


def check_namespace(floor, lines, report):
    """A file defines its names in the namespace of its floor, so that a name says whose it is."""
    if floor not in MAY_INCLUDE:
        return
    own = "milena" if floor in SHARED_VOCABULARY else f"milena::{floor}"

    def is_own(name):
        return name == own or name.startswith(own + "::") and (own != "milena" or name.split("::")[1] not in MAY_INCLUDE)

    opened = [(number, match.group(1)) for number, line in enumerate(lines, 1)
              if (match := re.match(r"namespace (milena(?:::\w+)*) \{$", line))]
    if opened and not any(is_own(name) for _, name in opened):
        report(opened[-1][0], f"this floor's namespace is {own}")
    for (number, name), following in zip(opened, opened[1:] + [(len(lines) + 1, "")]):
        # Another floor's namespace is opened to declare its classes, which is all that may be done there.
        if is_own(name):
            continue
        for at in range(number, following[0] - 1):
            if lines[at].startswith("}"):
                break
            if lines[at] and not re.match(r"(class|struct|enum class) [\w: ]+;$", lines[at]):
                report(at + 1, f"only classes are declared in {name} here")
                break


def check_determinism(root, path, lines, report):
    parts = path.relative_to(root / "src").parts
    floor = parts[0] if len(parts) > 1 else "main"
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        if ORDERED_BY_ADDRESS.search(code):
            report(number, "ordered by address, which differs from run to run")
        if floor not in REAL_WORLD_FLOORS and REAL_WORLD.search(code):
            report(number, "clocks, random numbers and threads come from an Executor")


def check_links(root, report_at):
    """The libraries' link edges are the arrows of the table."""
    for floor, allowed in MAY_INCLUDE.items():
        path = root / "src" / floor / "CMakeLists.txt"
        if not path.exists():
            continue
        floors = {entry.split("/")[0] for entry in allowed}
        for library in re.findall(r"\bmilena_([a-z]+)\b(?!\()", path.read_text()):
            if library in MAY_INCLUDE and library != floor and library not in floors:
                report_at(path, 1, f"{floor} must not link {library}")


def check_header(lines, report):
    if not lines or not lines[0].startswith("//"):
        report(1, "a header begins with a comment: what it is, who owns it, on which thread, what it does not do")
    if not any(line.startswith("#pragma once") for line in lines):
        report(1, "#pragma once is missing")


def check_text(path, text, lines, report):
    for number, line in enumerate(lines, 1):
        if line.endswith("\r"):
            report(number, "carriage return")
        elif line != line.rstrip():
            report(number, "blank at the end of the line")
        if "\t" in line and path.suffix not in WITH_TABS:
            report(number, "tab")
    if text and not text.endswith("\n"):
        report(len(lines), "no newline at the end")
    if path.suffix in CODE_FILES and len(lines) > MOST_LINES:
        report(len(lines), f"{len(lines)} lines: more than {MOST_LINES}, find the two files that this is")


def check_sentences(lines, report):
    """Sentences of comments have a subject. One that begins with a clause ("What is behind the end goes") has to be read
    twice."""
    for number, line in enumerate(lines, 1):
        comment = re.search(r"(?:^|\s)//(.*)", line)
        found = comment and re.search(r"(?:^|[.;:]) (What|Who|Whom|Whose|Whoever|Whatever) [^?]*$", comment.group(1))
        if found:
            report(number, f"a sentence begins with {found.group(1)}: name its subject")


def column_limit(root):
    """The longest line that .clang-format allows; none without the file."""
    path = root / ".clang-format"
    found = re.search(r"^ColumnLimit:\s*(\d+)", path.read_text(), re.M) if path.exists() else None
    return int(found.group(1)) if found else None


def check_line_lengths(lines, limit, allowed, report):
    long = [(number, len(line)) for number, line in enumerate(lines, 1) if limit and len(line) > limit]
    if len(long) < allowed:
        report(1, f"{len(long)} long lines: LONG_LINES says {allowed}")
    for number, length in long if len(long) > allowed else []:
        report(number, f"{length} characters: .clang-format allows {limit}")


def check_include_order(lines, report):
    """Each block of includes is sorted; a blank line or any other line ends a block."""
    previous = None
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        name = (found.group(1) or found.group(2)) if found else None
        if name and previous and name < previous:
            report(number, f"{name} stands after {previous}: sort the includes")
        previous = name


def check_stray_files(root, report_at):
    """Tracked files whose names begin with a dot; nothing where root is not a checkout."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files"], capture_output=True, text=True)
    for name in listed.stdout.split("\n") if listed.returncode == 0 else []:
        parts = pathlib.PurePath(name).parts
        if any(part.startswith(".") for part in parts) and "golden" not in parts and name not in DOT_FILES:
            report_at(root / name, 1, "a stray file: remove it, or add it to DOT_FILES")


def check(root):
    findings = []
    limit = column_limit(root)

    def report_at(path, number, text):
        findings.append(f"{path.relative_to(root)}:{number}: {text}")

    for path in text_files(root):
        text = path.read_bytes().decode("utf-8", "replace")
        lines = text.split("\n")
        if lines and lines[-1] == "":
            lines.pop()

        def report(number, what, path=path):
            report_at(path, number, what)

        check_text(path, text, lines, report)
        if path.suffix in (".h", ".cc"):
            check_line_lengths(lines, limit, LONG_LINES.get(str(path.relative_to(root)), 0), report)
            check_include_order(lines, report)
            check_sentences(lines, report)
        if path.relative_to(root).parts[0] == "src" and path.suffix in (".h", ".cc"):
            check_includes(root, path, lines, report)
            check_determinism(root, path, lines, report)
            check_namespace(path.relative_to(root).parts[1], lines, report)
            if path.suffix == ".h":
                check_header(lines, report)
    check_links(root, report_at)
    check_stray_files(root, report_at)
    check_design.check(root, report_at)
    return findings


def main():
    findings = check(pathlib.Path(sys.argv[1]).resolve())
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
