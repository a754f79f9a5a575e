"""What DESIGN.md says about files must be true.

Under a heading "### `folder/`" stands a table whose first column names files of that folder, without ".h" and ".cc"; a
name may end in "*". Every source file of the folder is named there, and every name is a file. Under the heading
"## Where to find it", each row names a behaviour, a file and what to look for in it: the file must contain that text.
"""

import fnmatch
import re

FOLDER = re.compile(r"^### `(src/[^`]+?)/?`")
BEHAVIOURS = "## Where to find it"
QUOTED = re.compile(r"`([^`]+)`")


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def is_row(line):
    return line.startswith("|") and not re.match(r"^\|[\s|:-]+\|$", line) and "`" in line


def sections(lines):
    """(heading, [(number, line)]) for each part of the page."""
    heading, body = "", []
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            yield heading, body
            heading, body = line, []
        else:
            body.append((number, line))
    yield heading, body


def check_map(root, folder, body, report):
    stems = {path.stem for path in (root / folder).glob("*.*") if path.suffix in (".h", ".cc")}
    named = set()
    first = 1
    for number, line in body:
        first = first if first != 1 else number
        for name in QUOTED.findall(cells(line)[0]) if is_row(line) else []:
            found = fnmatch.filter(stems, re.sub(r"\.(h|cc)$", "", name))
            named.update(found)
            if not found:
                report(number, f"{folder}/{name} does not exist")
    for stem in sorted(stems - named):
        report(first, f"{folder}/{stem} is missing in the table of {folder}/")


def check_behaviours(root, body, report):
    for number, line in body:
        if not is_row(line):
            continue
        row = cells(line)
        files, wanted = QUOTED.findall(row[1]), QUOTED.findall(row[2]) if len(row) > 2 else []
        if len(files) != 1 or not wanted:
            report(number, "a behaviour has one file and what to look for in it")
            continue
        path = root / files[0]
        text = path.read_text() if path.is_file() else None
        if text is None:
            report(number, f"{files[0]} does not exist")
        for name in wanted if text else []:
            if name not in text:
                report(number, f"{files[0]} does not contain {name}")


def check(root, report_at):
    page = root / "DESIGN.md"
    if not page.exists():
        return

    def report(number, what):
        report_at(page, number, what)

    for heading, body in sections(page.read_text().split("\n")):
        folder = FOLDER.match(heading)
        if folder:
            check_map(root, folder.group(1), body, report)
        elif heading == BEHAVIOURS:
            check_behaviours(root, body, report)
