"""Writes a table of planted bugs in tests/sim/README.md anew, from what a run of that simulator says.

    MILENA_PLANTED=all build/test/tests/sim/node/test_node_sim --gtest_filter='*PlantedBugsAreFound' |
      python3 tests/sim/planted_table.py node .

script/simulate --planted --table does it, for the cluster, too. A bug that the run did not look for keeps its row.
"""

import re
import sys

BEGIN = "| bug | what it does | found by seed | seeds run | came by it | another story |\n|---|---|---|---|---|---|\n"
ROW = re.compile(r"^\| `(k\w+)` \|.*\n", re.M)


def bugs_of(which, root):
    with open(f"{root}/src/log/planted_storage_bugs.h", encoding="utf-8") as file:
        of_a_node, of_replicas = file.read().split("#define MILENA_PLANTED_REPLICA_BUGS_LIST")
    with open(f"{root}/src/metadata/planted_replication_bugs.h", encoding="utf-8") as file:
        of_a_cluster = file.read() + of_replicas
    return re.findall(r"X\((k\w+)\)\s*/\* (.*?) \*/", of_a_node if which == "node" else of_a_cluster)


def main():
    which, root = sys.argv[1:3]
    bugs, readme = bugs_of(which, root), f"{root}/tests/sim/README.md"
    found, counted = {}, {}
    for line in sys.stdin:
        sys.stdout.write(line)
        sys.stdout.flush()
        at = re.match(r"(k\w+) at seed (\d+): ", line)
        if at:
            found.setdefault(at[1], at[2])
        sums = re.match(r"(k\w+): (\d+) seeds, reached in (\d+), another story in (\d+), ", line)
        if sums:
            counted[sums[1]] = sums.groups()[1:]
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    start = text.index(BEGIN, text.index("## A whole node" if which == "node" else "## A cluster")) + len(BEGIN)
    end = start
    while row := ROW.match(text, end):
        end = row.end()
    before = {row[1]: row[0] for row in ROW.finditer(text[start:end])}
    rows = ""
    for name, what in bugs:
        if name in counted:
            runs, reached, other = counted[name]
            rows += f"| `{name}` | {what} | {found.get(name, 'none')} | {runs} | {reached} | {other} |\n"
        else:
            rows += before.get(name, f"| `{name}` | {what} | not looked for | | | |\n")
    with open(readme, "w", encoding="utf-8") as file:
        file.write(text[:start] + rows + text[end:])


if __name__ == "__main__":
    main()
